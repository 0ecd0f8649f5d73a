import type { AnswerPart, ChatAnswer, Choice, Citation } from '#exchange'
import type { AnswerContext } from '../dialect.ts'
import { writeCitations } from './citations.ts'
import type { Json } from './json.ts'
import { writeLogprobs } from './logprobs.ts'
import { writeEnd, writePart, writeUsageMetadata } from './spoken.ts'
import { TextRun } from './text-run.ts'

/** A whole answer for a caller (`GenerateContentResponse`). */
export function renderGeminiAnswer(answer: ChatAnswer, context: AnswerContext): Json {
  return {
    candidates: answer.choices.map(renderCandidate),
    ...writeUsageMetadata(answer.usage, answer.serviceTier),
    modelVersion: answer.model ?? context.model,
    responseId: context.hex,
  }
}

function renderCandidate({ parts, finish, logprobs }: Choice, index: number): Json {
  const written: Json[] = []
  let broken: { name: string; arguments: string } | undefined
  for (const part of parts) {
    const json = writePart(part)
    if (json) written.push(json)
    else if (part.type === 'tool-call') broken ??= part
  }
  return {
    content: { ...(written.length > 0 && { parts: written }), role: 'model' },
    ...writeEnd(finish, broken),
    index,
    ...writeCitations(citationsOf(parts)),
    ...(logprobs && { logprobsResult: writeLogprobs(logprobs) }),
  }
}

function citationsOf(parts: readonly AnswerPart[]): (Citation & { text: string })[] {
  const run = new TextRun()
  for (const part of parts) {
    run.begin(part.type)
    if ('text' in part) run.add(part.text)
    if (part.type === 'text') for (const citation of part.citations ?? []) run.cite(citation)
    if ('signature' in part && part.signature) run.seal()
  }
  return run.citations()
}
