import type { ChatEvent } from '#exchange'
import type { ReaderOptions } from '../dialect.ts'
import { isObject } from '../json-body.ts'
import type { SseEvent } from '../sse.ts'
import { SseReader } from '../sse-reader.ts'
import { AnswerReader } from './answer-reader.ts'
import { readGeminiError } from './error.ts'

/** Reads `streamGenerateContent?alt=sse`: each event is an answer of its own, with what is new since the last. */
export class GeminiReader extends SseReader {
  readonly #reader: AnswerReader

  constructor({ hex }: ReaderOptions) {
    super()
    this.#reader = new AnswerReader(hex)
  }

  get counted(): boolean {
    return this.#reader.counted
  }

  protected override read({ data }: SseEvent): ChatEvent[] {
    if (data === undefined || data.trim() === '') return []
    const json: unknown = JSON.parse(data)
    const error = readGeminiError(json)
    if (error) return [{ type: 'error', error }]
    if (!isObject(json)) throw new SyntaxError('an event that is no JSON object')
    const events = this.#reader.read(json)
    this.skipped = this.#reader.skipped
    return events
  }

  protected override close(): ChatEvent[] {
    return this.#reader.close()
  }
}
