import type { StreamFacts, StreamTap, StreamTapOptions } from '../dialect.ts'
import { emptyFacts } from '../dialect.ts'
import { isObject } from '../json-body.ts'
import { readOpenAiError } from '../openai/error.ts'
import { readOpenAiUsage } from '../openai/usage.ts'
import { type SseEvent, SseSplitter } from '../sse.ts'
import { ChatRepairs } from './repairs.ts'

/** Relays a stream of chunks, and reads it in passing. */
export class ChatStreamTap implements StreamTap {
  readonly facts: StreamFacts = emptyFacts()
  readonly #splitter = new SseSplitter()
  readonly #showUsage: boolean
  readonly #repairs = new ChatRepairs()

  constructor(options: StreamTapOptions) {
    this.#showUsage = options.showUsage
  }

  push(chunk: Buffer): Buffer {
    const kept: Buffer[] = []
    for (const event of this.#splitter.push(chunk)) {
      if (this.facts.ended || this.facts.error || this.facts.malformed) break // nothing counts after the end
      try {
        const bytes = this.#read(event)
        if (bytes) kept.push(bytes)
      } catch (cause) {
        this.facts.malformed = cause
      }
    }
    return kept.length === 1 && kept[0] ? kept[0] : Buffer.concat(kept)
  }

  /** The provider has closed the stream: an event without its empty line is still one when it is complete. */
  finish(): Buffer {
    const last = this.#splitter.rest.length > 0 ? this.push(Buffer.from('\n\n')) : Buffer.alloc(0)
    this.facts.malformed = undefined // half an event is a stream cut short, not one of another format
    return last
  }

  #read(event: SseEvent): Buffer | undefined {
    if (event.data === undefined) return event.bytes
    if (event.data.startsWith('[DONE]')) {
      this.facts.ended = true
      const missing = this.#repairs.missingEnds()
      return missing === '' ? event.bytes : Buffer.concat([Buffer.from(missing), event.bytes])
    }
    const chunk: unknown = JSON.parse(event.data)
    this.facts.error =
      readOpenAiError(chunk) ??
      (event.type === 'error'
        ? { code: undefined, type: undefined, param: undefined, message: undefined }
        : undefined)
    if (this.facts.error || !isObject(chunk)) return undefined
    const choices = Array.isArray(chunk.choices) ? chunk.choices : []
    for (const choice of choices) if (isObject(choice)) this.#count(choice)
    const mended = this.#repairs.mend(chunk)
    if (!isObject(chunk.usage)) return mended ? renderChunk(chunk) : event.bytes
    this.facts.usage = readOpenAiUsage(chunk.usage) ?? this.facts.usage
    if (this.#showUsage) return mended ? renderChunk(chunk) : event.bytes
    if (choices.length === 0) return undefined
    return renderChunk({ ...chunk, usage: undefined })
  }

  #count(choice: Record<string, unknown>): void {
    const characters = isObject(choice.delta) ? contentLength(choice.delta) : 0
    if (characters > 0) this.facts.pieces += 1
    this.facts.characters += characters
  }
}

function renderChunk(chunk: Record<string, unknown>): Buffer {
  return Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`)
}

/** Characters that a model produced in a delta: text, refusals, reasoning, tool calls. */
function contentLength(delta: Record<string, unknown>): number {
  let length = 0
  for (const name of ['content', 'refusal', 'reasoning_content', 'reasoning']) {
    const text = delta[name]
    if (typeof text === 'string') length += text.length
  }
  const calls = Array.isArray(delta.tool_calls) ? delta.tool_calls : []
  for (const call of calls) {
    if (!isObject(call) || !isObject(call.function)) continue
    const { name, arguments: args } = call.function
    length += (typeof name === 'string' ? name.length : 0) + (typeof args === 'string' ? args.length : 0)
  }
  return length
}
