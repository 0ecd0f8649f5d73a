import type { AnswerWatch } from '#exchange'
import { readBill } from '../bill.ts'
import type { StreamTapOptions } from '../dialect.ts'
import { isObject, parseObject } from '../json-body.ts'
import { readSearchedUsage } from '../openai/usage.ts'
import { saysSomething } from '../says-something.ts'
import { type SseEvent, SseSplitter } from '../sse.ts'
import { keepAlives, SseTap } from '../sse-tap.ts'
import { previousOf } from './continued.ts'
import { textOf } from './read-answer.ts'
import { readFailure } from './reader.ts'

/** Relays a stream of response events, every byte up to its last event, and reads it in passing. */
export class ResponsesStreamTap extends SseTap {
  readonly #previous: string | undefined

  constructor({ request }: StreamTapOptions) {
    super()
    this.#previous = request && previousOf(request)
  }

  protected read(event: SseEvent): Buffer | undefined {
    if (event.data === undefined) return event.bytes
    if (event.data.startsWith('[DONE]')) throw new SyntaxError('an end mark before the end')
    const json: unknown = JSON.parse(event.data)
    if (!isObject(json)) throw new SyntaxError('an event that is no object')
    const type = textOf(json.type) ?? event.type
    this.facts.error = readFailure(type, json)
    if (this.facts.error) return undefined
    const isDelta = type.endsWith('.delta')
    if (isDelta ? saysSomething(json.delta) : !keepAlives.has(type)) this.facts.progress += 1
    if (isDelta) this.#count(textOf(json.delta) ?? '')
    else if (type === 'response.output_item.added' && isObject(json.item))
      this.#count(textOf(json.item.name) ?? '')
    else if (isLast(type)) {
      if (!isObject(json.response)) throw new SyntaxError('a last event without its response')
      this.facts.ended = true
      this.facts.usage = readSearchedUsage(json.response)
      this.facts.bill = readBill(json.response.usage, json.response.service_tier)
    }
    if (this.#previous === undefined || !isObject(json.response)) return event.bytes
    json.response.previous_response_id = this.#previous
    return Buffer.from(`event: ${type}\ndata: ${JSON.stringify(json)}\n\n`)
  }

  #count(text: string): void {
    if (text === '') return
    this.facts.pieces += 1
    this.facts.characters += text.length
  }
}

function isLast(type: string): boolean {
  return type === 'response.completed' || type === 'response.incomplete' || type === 'response.done'
}

/** Catches the whole response from the bytes that go to the caller: a stream's last event, or a body of its own. */
export class ResponseWatch implements AnswerWatch {
  readonly #splitter: SseSplitter | undefined
  readonly #body: Buffer[] = []
  #answer: Record<string, unknown> | undefined

  constructor(stream: boolean) {
    this.#splitter = stream ? new SseSplitter() : undefined
  }

  hear(bytes: Buffer): void {
    if (!this.#splitter) {
      this.#body.push(bytes)
      return
    }
    for (const { data } of this.#splitter.push(bytes)) {
      // Only the last event is worth reading whole, and its type stands in its first bytes or in its last.
      if (data === undefined || !lastEvent.test(data)) continue
      const json = parseObject(data)
      if (isLast(textOf(json?.type) ?? '') && isObject(json?.response)) this.#answer = json.response
    }
  }

  answer(): Record<string, unknown> | undefined {
    if (this.#splitter) return this.#answer
    const json = parseObject(Buffer.concat(this.#body).toString())
    return json?.object === 'response' && Array.isArray(json.output) ? json : undefined
  }
}

const lastEvent = /"response\.(completed|incomplete|done)"/
