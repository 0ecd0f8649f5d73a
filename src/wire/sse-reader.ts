import type { ChatEvent } from '#exchange'
import type { EventReader } from './dialect.ts'
import { type SseEvent, SseSplitter } from './sse.ts'

/**
 * Reads a stream of server-sent events; a dialect says what each event means. After `end`, `error` or `malformed`
 * nothing counts any more: a second end mark, bytes behind the end.
 */
export abstract class SseReader implements EventReader {
  readonly #splitter = new SseSplitter()
  #over = false
  skipped = 0

  /** What one event means; throws on what is no event of the dialect. */
  protected abstract read(event: SseEvent): ChatEvent[]

  push(chunk: Buffer): ChatEvent[] {
    const events: ChatEvent[] = []
    try {
      for (const event of this.#splitter.push(chunk)) {
        if (this.#over) break
        for (const meant of this.read(event)) {
          events.push(meant)
          if (meant.type === 'end' || meant.type === 'error' || meant.type === 'malformed') this.#over = true
        }
      }
    } catch (cause) {
      this.#over = true
      events.push({ type: 'malformed', cause })
    }
    return events
  }

  /** What the close itself means, for a dialect whose streams have no end mark. Not asked of half an event. */
  protected close(): ChatEvent[] {
    return []
  }

  finish(): ChatEvent[] {
    if (this.#over) return []
    if (this.#splitter.rest.length === 0) return this.close()
    // Half an event is a stream cut short, not one of another format.
    const last = this.push(Buffer.from('\n\n')).filter(({ type }) => type !== 'malformed')
    return this.#over ? last : [...last, ...this.close()]
  }
}
