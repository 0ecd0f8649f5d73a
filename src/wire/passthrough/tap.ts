import type { Usage } from '#exchange'
import { emptyFacts, type StreamFacts, type StreamTap } from '../dialect.ts'
import { parseObject } from '../json-body.ts'
import { SseSplitter } from '../sse.ts'

const nothing = Buffer.alloc(0)

/** Passes every byte on as it is, and reads usage in server-sent events. What ends in good order is whole. */
export class PassingTap implements StreamTap {
  readonly facts: StreamFacts = emptyFacts()
  readonly #readUsage: (event: Record<string, unknown>) => Usage | undefined
  #events: SseSplitter | undefined

  constructor(options: {
    isEvents: boolean
    readUsage: (event: Record<string, unknown>) => Usage | undefined
  }) {
    this.#readUsage = options.readUsage
    this.#events = options.isEvents ? new SseSplitter() : undefined
  }

  push(chunk: Buffer): Buffer {
    this.facts.pieces += 1
    this.facts.progress += 1
    if (this.#events) this.#read(this.#events, chunk)
    return chunk
  }

  finish(): Buffer {
    this.facts.ended = true
    return nothing
  }

  #read(events: SseSplitter, chunk: Buffer): void {
    try {
      for (const { data } of events.push(chunk)) {
        if (data?.includes('"usage')) this.facts.usage = this.#usageIn(data) ?? this.facts.usage
      }
    } catch {
      this.#events = undefined // too large an event to look into is no reason not to pass it on
    }
  }

  #usageIn(data: string): Usage | undefined {
    const event = parseObject(data)
    return event && this.#readUsage(event)
  }
}
