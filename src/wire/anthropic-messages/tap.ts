import type { Bill, ProviderError, Usage } from '#exchange'
import { noWords, type StreamFacts, type StreamTap } from '../dialect.ts'
import { isObject } from '../json-body.ts'
import { saysSomething } from '../says-something.ts'
import { type SseEvent, SseSplitter } from '../sse.ts'
import { keepAlives } from '../sse-tap.ts'
import { readMessagesError } from './error.ts'
import { mergeReports, readMessagesBill, readMessagesUsage } from './usage.ts'

type Json = Readonly<Record<string, unknown>>

const nothing = Buffer.alloc(0)

/** What a stream of Messages has shown. Its usage comes in two reports, and the first one knows the input alone. */
class MessagesFacts implements StreamFacts {
  pieces = 0
  characters = 0
  progress = 0
  skipped = 0
  ended = false
  error: ProviderError | undefined
  malformed: unknown
  report: Json | undefined
  counted = false
  /** It is known why the answer ended. */
  stopped = false

  get bill(): Bill | undefined {
    return readMessagesBill(this.report)
  }

  get usage(): Usage | undefined {
    return readMessagesUsage(this.report)
  }
}

/** Reads a stream of Messages events as its bytes go by. A provider's error is kept back: ours stands in its place. */
export class MessagesStreamTap implements StreamTap {
  readonly facts = new MessagesFacts()
  readonly #splitter = new SseSplitter()

  push(chunk: Buffer): Buffer {
    const kept: Buffer[] = []
    for (const event of this.#splitter.push(chunk)) {
      if (this.facts.ended || this.facts.error || this.facts.malformed) break // nothing counts after the end
      try {
        if (this.#read(event)) kept.push(event.bytes)
      } catch (cause) {
        this.facts.malformed = cause
      }
    }
    if (kept.length === 0) return nothing
    return kept.length === 1 && kept[0] ? kept[0] : Buffer.concat(kept)
  }

  /** The provider has closed the stream: an event without its empty line is still one when it is complete. */
  finish(): Buffer {
    if (this.#splitter.rest.length === 0 || this.facts.malformed) return nothing
    const last = this.push(Buffer.from('\n\n'))
    this.facts.malformed = undefined // half an event is a stream cut short, not one of another format
    return last
  }

  /** Whether the event goes on to the caller. */
  #read({ type, data }: SseEvent): boolean {
    if (data === undefined) return true
    const event: unknown = JSON.parse(data)
    if (!isObject(event)) throw new SyntaxError('an event that is no object')
    const { facts } = this
    const kind = typeof event.type === 'string' ? event.type : type
    const isDelta = kind === 'content_block_delta'
    if (isDelta ? saysSomething(event.delta) : !keepAlives.has(kind)) facts.progress += 1
    switch (kind) {
      case 'content_block_delta':
        if (isObject(event.delta)) this.#count(event.delta)
        break
      case 'content_block_start':
        if (isObject(event.content_block)) this.#countBlock(event.content_block)
        break
      case 'message_start':
        if (isObject(event.message)) this.#begin(event.message)
        break
      case 'message_delta':
        facts.report = mergeReports(facts.report, event.usage)
        facts.stopped ||= isObject(event.delta) && typeof event.delta.stop_reason === 'string'
        facts.counted ||= facts.stopped && isObject(event.usage)
        break
      case 'message_stop':
        if (!facts.stopped) throw new SyntaxError('an end mark before the end')
        facts.ended = true
        break
      case 'error':
        facts.error = readMessagesError(event) ?? noWords
        return false
    }
    return true
  }

  /** An answer that is whole when it begins has its reason here. */
  #begin({ usage, stop_reason }: Json): void {
    this.facts.report = mergeReports(this.facts.report, usage)
    this.facts.stopped ||= typeof stop_reason === 'string'
  }

  #count(delta: Json): void {
    const text = delta.text ?? delta.thinking ?? delta.partial_json
    if (typeof text !== 'string' || text === '') return
    this.facts.pieces += 1
    this.facts.characters += text.length
  }

  /** A tool's name is content; so is a block that comes whole. */
  #countBlock(block: Json): void {
    if (block.type === 'text' || block.type === 'thinking') return
    this.facts.pieces += 1
    if (typeof block.name === 'string') this.facts.characters += block.name.length
  }
}
