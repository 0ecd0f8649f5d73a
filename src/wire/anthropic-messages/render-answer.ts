import type { ChatAnswer } from '#exchange'
import type { AnswerContext } from '../dialect.ts'
import { writeStop } from './stop.ts'
import { writeWholeUsage } from './usage.ts'
import { writeBlocks } from './write-blocks.ts'

/** A whole message, with every key that the SDK's `Message` has. Of several choices only the first can be told. */
export function renderMessagesAnswer(answer: ChatAnswer, context: AnswerContext): Record<string, unknown> {
  const { parts, finish } = answer.choices[0] ?? { parts: [], finish: { reason: 'content-filter' as const } }
  const refusal = parts.map(part => (part.type === 'refusal' ? part.text : '')).join('')
  return {
    ...messageHead(answer.model ?? context.model, context),
    content: parts.flatMap(writeBlocks),
    ...writeStop(finish, refusal),
    usage: writeWholeUsage(answer.usage ?? { input: context.estimatedInputTokens }, answer.serviceTier),
  }
}

export function messageHead(model: string, { hex }: AnswerContext): Record<string, unknown> {
  return { id: `msg_${hex}`, type: 'message', role: 'assistant', model, container: null, diagnostics: null }
}
