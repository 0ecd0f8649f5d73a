import type {
  AnswerPart,
  ChatEvent,
  Finish,
  PartStart,
  Signature,
  TokenLogprob,
  ToolCallPart,
  Usage,
} from '#exchange'
import type { AnswerContext, EventWriter } from '../dialect.ts'
import { writeCitations } from './citations.ts'
import { type Json, writeSeal } from './json.ts'
import { writeLogprobs } from './logprobs.ts'
import { writeEnd, writePart, writeUsageMetadata } from './spoken.ts'
import { createStreamForm, type StreamForm } from './stream-form.ts'
import { TextRun } from './text-run.ts'

interface ChoiceSoFar {
  run: TextRun
  open: PartStart['type'] | undefined
  /** The open call: Gemini says calls whole. */
  call: ToolCallPart | undefined
  broken: ToolCallPart | undefined
  finish: Finish | undefined
}

/**
 * Writes a stream for a caller. Each piece is an answer of its own; reasons, citations and the last counts stand on
 * the last one, which comes when everything else is said.
 */
export class GeminiWriter implements EventWriter {
  readonly #choices: ChoiceSoFar[] = []
  readonly #form: StreamForm
  readonly #context: AnswerContext
  #model: string
  #usage: Usage | undefined
  #serviceTier: string | undefined
  /** What every piece ends with. */
  #tail: string | undefined

  constructor(context: AnswerContext) {
    this.#context = context
    this.#model = context.model
    this.#form = createStreamForm(context.request)
  }

  write(event: ChatEvent): string {
    switch (event.type) {
      case 'text-delta':
        return this.#text(event.choice, event.text, event.logprobs)
      case 'refusal-delta':
        return this.#text(event.choice, event.text, undefined)
      case 'reasoning-delta':
        return this.#part(event.choice, `{"text":${JSON.stringify(event.text)},"thought":true}`)
      case 'arguments-delta': {
        const { call } = this.#choiceAt(event.choice)
        if (call) call.arguments += event.text
        return ''
      }
      case 'start':
        this.#model = event.model ?? this.#model
        this.#serviceTier = event.serviceTier ?? this.#serviceTier
        this.#count(event.usage)
        return ''
      case 'usage':
        this.#count(event.usage)
        return ''
      case 'part-start':
        return this.#begin(event.choice, event.part)
      case 'signature':
        return this.#sign(event.choice, event.signature)
      case 'citation':
        this.#choiceAt(event.choice).run.cite(event.citation)
        return ''
      case 'part-end':
        return this.#endPart(event.choice)
      case 'finish':
        this.#choiceAt(event.choice).finish = event.finish
        return ''
      case 'end':
        return this.#end(event.serviceTier)
      default:
        return ''
    }
  }

  #count(usage: Usage | undefined): void {
    if (!usage) return
    this.#usage = usage
    this.#tail = undefined
  }

  #choiceAt(index: number): ChoiceSoFar {
    while (this.#choices.length <= index)
      this.#choices.push({
        run: new TextRun(),
        open: undefined,
        call: undefined,
        broken: undefined,
        finish: undefined,
      })
    return this.#choices[index] as ChoiceSoFar
  }

  #begin(index: number, start: PartStart): string {
    const choice = this.#choiceAt(index)
    choice.open = start.type
    choice.run.begin(start.type)
    if (start.type === 'tool-call') choice.call = { ...start, arguments: '' }
    return start.type === 'whole' ? this.#whole(index, start.part) : ''
  }

  #whole(index: number, part: AnswerPart): string {
    const choice = this.#choiceAt(index)
    const json = writePart(part)
    if (!json && part.type === 'tool-call') choice.broken ??= part
    return json ? this.#part(index, JSON.stringify(json)) : ''
  }

  #text(index: number, text: string, logprobs: readonly TokenLogprob[] | undefined): string {
    if (text === '' && !logprobs) return ''
    this.#choiceAt(index).run.add(text)
    const beside = logprobs ? `,"logprobsResult":${JSON.stringify(writeLogprobs(logprobs))}` : ''
    return this.#part(index, `{"text":${JSON.stringify(text)}}`, beside)
  }

  /** A call's seal goes with it; that of a text or a thought on an empty one behind it, as Gemini sends it. */
  #sign(index: number, signature: Signature): string {
    const choice = this.#choiceAt(index)
    if (choice.call) {
      choice.call.signature = signature
      return ''
    }
    if (choice.open !== 'text' && choice.open !== 'reasoning') return ''
    choice.run.seal()
    const thought = choice.open === 'reasoning' && { thought: true }
    return this.#part(index, JSON.stringify({ text: '', ...thought, thoughtSignature: writeSeal(signature) }))
  }

  #endPart(index: number): string {
    const choice = this.#choiceAt(index)
    const { call } = choice
    choice.open = undefined
    choice.call = undefined
    return call ? this.#whole(index, call) : ''
  }

  #end(serviceTier: string | undefined): string {
    this.#serviceTier = serviceTier ?? this.#serviceTier
    this.#tail = undefined
    const candidates = this.#choices.map(
      ({ finish, broken, run }, index): Json => ({
        content: { parts: [{ text: '' }], role: 'model' },
        ...writeEnd(finish ?? { reason: 'error' }, broken),
        index,
        ...writeCitations(run.citations()),
      }),
    )
    return this.#element(candidates.map(candidate => JSON.stringify(candidate)).join()) + this.#form.end()
  }

  #part(index: number, part: string, beside = ''): string {
    return this.#element(`{"content":{"parts":[${part}],"role":"model"},"index":${index}${beside}}`)
  }

  #element(candidates: string): string {
    this.#tail ??= this.#renderTail()
    return this.#form.element(`{"candidates":[${candidates}]${this.#tail}`)
  }

  #renderTail(): string {
    const fields = {
      ...writeUsageMetadata(this.#usage, this.#serviceTier),
      modelVersion: this.#model,
      responseId: this.#context.hex,
    }
    return `,${JSON.stringify(fields).slice(1)}`
  }
}
