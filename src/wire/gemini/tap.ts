import { mergeBills } from '../bill.ts'
import type { StreamTapOptions } from '../dialect.ts'
import { isObject } from '../json-body.ts'
import { saysSomething } from '../says-something.ts'
import type { SseEvent } from '../sse.ts'
import { SseTap } from '../sse-tap.ts'
import { readGeminiError } from './error.ts'
import { createStreamForm, type StreamForm, wantsEvents } from './stream-form.ts'
import { readGeminiBill, readGeminiUsage } from './usage.ts'

/**
 * Relays a stream and reads it in passing. We always ask the provider for events; a caller who did not is given the
 * elements of an array. There is no end mark: it has ended when the provider closes after every candidate's reason.
 */
export class GeminiStreamTap extends SseTap {
  /** Absent where events go through byte for byte. */
  readonly #form: StreamForm | undefined
  /** By index: whether the provider has said why it ended. */
  readonly #candidates = new Map<unknown, boolean>()
  #blocked = false

  constructor({ request }: StreamTapOptions) {
    super()
    this.#form = request && !wantsEvents(request) ? createStreamForm(request) : undefined
  }

  protected override close(): Buffer | undefined {
    if (!this.#isOver()) return undefined
    this.facts.ended = true
    return this.#form && Buffer.from(this.#form.end())
  }

  #isOver(): boolean {
    return (
      this.#blocked || (this.#candidates.size > 0 && [...this.#candidates.values()].every(ended => ended))
    )
  }

  protected override read(event: SseEvent): Buffer | undefined {
    const { data } = event
    if (data === undefined || data.trim() === '') return this.#form ? undefined : event.bytes
    const json: unknown = JSON.parse(data)
    this.facts.error = readGeminiError(json)
    if (this.facts.error) return undefined
    if (!isObject(json)) throw new SyntaxError('an event that is no JSON object')
    this.#note(json)
    return this.#form ? Buffer.from(this.#form.element(data)) : event.bytes
  }

  #note(json: Record<string, unknown>): void {
    const feedback = json.promptFeedback
    if (isObject(feedback) && isReason(feedback.blockReason)) {
      this.#blocked = true
      this.facts.progress += 1
    }
    const candidates = Array.isArray(json.candidates) ? json.candidates : []
    for (const [position, candidate] of candidates.entries()) {
      if (!isObject(candidate)) continue
      const characters = contentLength(candidate)
      if (characters > 0) this.facts.pieces += 1
      this.facts.characters += characters
      const index = candidate.index ?? position
      const ended = isReason(candidate.finishReason)
      this.#candidates.set(index, ended || this.#candidates.get(index) === true)
      if (characters > 0 || ended || bringsMore(candidate)) this.facts.progress += 1
    }
    const usage = readGeminiUsage(json.usageMetadata)
    this.facts.bill = mergeBills(this.facts.bill, readGeminiBill(json.usageMetadata))
    if (!usage) return
    this.facts.usage = usage
    this.facts.counted = this.#isOver()
  }
}

/** `FINISH_REASON_UNSPECIFIED` and its like are what stands where there is none. */
function isReason(word: unknown): boolean {
  return typeof word === 'string' && !word.endsWith('_UNSPECIFIED')
}

/** Besides what is counted: seals of thoughts, results of code, sources. */
function bringsMore({ content, groundingMetadata, citationMetadata }: Record<string, unknown>): boolean {
  const parts = isObject(content) ? content.parts : undefined
  return [parts, groundingMetadata, citationMetadata].some(saysSomething)
}

/** Characters that a model produced in a piece: texts, thoughts, calls, images as they stand. */
function contentLength({ content }: Record<string, unknown>): number {
  const parts = isObject(content) && Array.isArray(content.parts) ? content.parts : []
  let length = 0
  for (const part of parts) {
    if (!isObject(part)) continue
    if (typeof part.text === 'string') length += part.text.length
    else if (isObject(part.functionCall)) length += JSON.stringify(part.functionCall).length
    else if (isObject(part.executableCode)) length += JSON.stringify(part.executableCode).length
    else if (part.inlineData !== undefined) length += 1
  }
  return length
}
