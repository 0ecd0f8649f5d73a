import { assert, type ChatEvent, type Fault, type Finish, type ProviderError } from '#exchange'
import { mergeBills, readBill } from './bill.ts'
import {
  type EventReader,
  type EventWriter,
  emptyFacts,
  type StreamFacts,
  type StreamTap,
} from './dialect.ts'
import type { ThoughtListener } from './thoughts.ts'

const nothing = Buffer.alloc(0)

/** A finish reason that says that the provider failed, as the error that it is. */
export function finishError({ raw }: Finish): ProviderError {
  return { code: raw, type: undefined, param: undefined, message: undefined }
}

/** Turns a provider's stream into another dialect's as it passes. */
export class TranslatingTap implements StreamTap {
  readonly facts: StreamFacts = emptyFacts()
  readonly #reader: EventReader
  readonly #writer: EventWriter
  readonly #listener: ThoughtListener

  constructor(options: { reader: EventReader; writer: EventWriter; listener: ThoughtListener }) {
    this.#reader = options.reader
    this.#writer = options.writer
    this.#listener = options.listener
  }

  push(chunk: Buffer): Buffer {
    return this.#write(this.#reader.push(chunk))
  }

  finish(): Buffer {
    return this.#write(this.#reader.finish())
  }

  fail(fault: Fault): Buffer | undefined {
    const text = this.#writer.fail?.(fault)
    return text === undefined ? undefined : Buffer.from(text)
  }

  #write(events: readonly ChatEvent[]): Buffer {
    let text = ''
    this.facts.skipped = this.#reader.skipped
    this.facts.counted = this.#reader.counted === true
    for (const event of events) {
      assert(!this.facts.ended, 'nothing follows the end of a stream')
      this.#note(event)
      if (this.facts.error || this.facts.malformed) break
      if (isProgress(event)) this.facts.progress += 1
      this.#listener.hear(event)
      text += this.#writer.write(event)
    }
    return text === '' ? nothing : Buffer.from(text)
  }

  #note(event: ChatEvent): void {
    const { facts } = this
    switch (event.type) {
      case 'text-delta':
      case 'reasoning-delta':
      case 'refusal-delta':
      case 'arguments-delta':
        facts.pieces += 1
        facts.characters += event.text.length
        return
      case 'part-start':
        if (event.part.type !== 'tool-call' && event.part.type !== 'whole') return
        facts.pieces += 1
        facts.characters += event.part.type === 'tool-call' ? event.part.name.length : 0
        return
      case 'start':
        facts.usage = event.usage ?? facts.usage
        facts.bill = mergeBills(readBill(undefined, event.serviceTier), event.bill)
        return
      case 'usage':
        facts.usage = event.usage
        facts.bill = mergeBills(facts.bill, event.bill)
        return
      case 'finish':
        if (event.finish.reason === 'error') facts.error = finishError(event.finish)
        return
      case 'end':
        facts.ended = true
        facts.bill = mergeBills(facts.bill, readBill(undefined, event.serviceTier))
        return
      case 'error':
        facts.error = event.error
        return
      case 'malformed':
        facts.malformed = event.cause ?? new SyntaxError('not an event')
        return
      default:
        return
    }
  }
}

/** A report of usage comes with every piece at some providers, and so with pieces of nothing. */
function isProgress(event: ChatEvent): boolean {
  switch (event.type) {
    case 'usage':
      return false
    case 'text-delta':
      return event.text !== '' || event.logprobs !== undefined
    case 'reasoning-delta':
    case 'refusal-delta':
    case 'arguments-delta':
      return event.text !== ''
    default:
      return true
  }
}
