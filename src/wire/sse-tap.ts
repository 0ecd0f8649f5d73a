import { emptyFacts, type StreamFacts, type StreamTap } from './dialect.ts'
import { type SseEvent, SseSplitter } from './sse.ts'

/** Types of events that say nothing: Anthropic's, and that of OpenAI's Responses. */
export const keepAlives: ReadonlySet<string> = new Set(['ping', 'keepalive'])

/**
 * Relays a stream of server-sent events and reads it in passing; a dialect says what each event means. Nothing counts,
 * or goes on to the caller, after the end, an error, or what is no event of the dialect.
 */
export abstract class SseTap implements StreamTap {
  readonly facts: StreamFacts = emptyFacts()
  readonly #splitter = new SseSplitter()

  /** Takes note of an event in `facts`, also of whether it says anything; gives the bytes that the caller is sent for it. Throws on what is none. */
  protected abstract read(event: SseEvent): Buffer | undefined

  push(chunk: Buffer): Buffer {
    const kept: Buffer[] = []
    for (const event of this.#splitter.push(chunk)) {
      if (this.facts.ended || this.facts.error || this.facts.malformed) break
      try {
        const bytes = this.read(event)
        if (bytes) kept.push(bytes)
      } catch (cause) {
        this.facts.malformed = cause
      }
    }
    return kept.length === 1 && kept[0] ? kept[0] : Buffer.concat(kept)
  }

  /** What the close itself means, for a dialect whose streams have no end mark. Not asked of half an event. */
  protected close(): Buffer | undefined {
    return undefined
  }

  finish(): Buffer {
    const before = this.facts.malformed
    const last = this.#splitter.rest.length > 0 ? this.push(Buffer.from('\n\n')) : Buffer.alloc(0)
    const isHalf = this.facts.malformed !== before
    this.facts.malformed = before // half an event is a stream cut short, not one of another format
    if (isHalf || this.facts.ended || this.facts.error || before) return last
    const closing = this.close()
    return closing ? Buffer.concat([last, closing]) : last
  }
}
