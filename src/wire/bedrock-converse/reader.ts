import type { ChatEvent } from '#exchange'
import { readBill } from '../bill.ts'
import type { EventReader } from '../dialect.ts'
import { isObject, parseObject } from '../json-body.ts'
import { errorOf } from './error.ts'
import { type Frame, FrameSplitter } from './frames.ts'
import { isCall, opaque, readCall, readCitation, readImage, seal } from './read-blocks.ts'
import { readStop } from './stop.ts'
import { readConverseUsage, readTier } from './usage.ts'

type Json = Readonly<Record<string, unknown>>

/** The block that is open: a part whose pieces are told as they come, or one that is told whole at its end. */
interface Open {
  kind: 'text' | 'reasoning' | 'tool-call' | 'whole'
  index: unknown
  start: Json
  /** Pieces of what comes whole: a tool's input, a seal. */
  text: string
  /** Pieces in base64, as bytes. */
  bytes: Buffer[]
  contents: unknown[]
}

const choice = 0

/**
 * Reads a stream of Converse (API reference, `ConverseStream`). Blocks come one at a time, and texts without a
 * beginning. After `messageStop`, which says how it ended, comes `metadata` with the usage: both together are the end.
 */
export class ConverseReader implements EventReader {
  readonly #frames = new FrameSplitter()
  #started = false
  #over = false
  #open: Open | undefined
  #hasCalls = false
  #stopped = false
  #metadata: Json | undefined
  skipped = 0

  push(chunk: Buffer): ChatEvent[] {
    const events: ChatEvent[] = []
    if (this.#over) return events
    try {
      for (const frame of this.#frames.push(chunk)) {
        for (const event of this.#read(frame)) events.push(event)
        if (this.#over) break
      }
    } catch (cause) {
      this.#over = true
      events.push({ type: 'malformed', cause })
    }
    return events
  }

  /** An answer that was stopped is whole, even if nobody said what it cost. */
  finish(): ChatEvent[] {
    if (this.#over || !this.#stopped || this.#frames.rest > 0) return []
    return this.#end()
  }

  *#read({ headers, body }: Frame): Generator<ChatEvent> {
    const kind = headers[':message-type'] ?? 'event'
    if (kind !== 'event') {
      this.#over = true
      yield { type: 'error', error: readException(headers, body) }
      return
    }
    const event: unknown = JSON.parse(body.toString())
    if (!isObject(event)) throw new SyntaxError('an event that is no object')
    if (!this.#started) yield { type: 'start' }
    this.#started = true
    yield* this.#mean(headers[':event-type'] ?? '', event)
  }

  *#mean(type: string, event: Json): Generator<ChatEvent> {
    switch (type) {
      case 'messageStart':
        return
      case 'contentBlockStart':
        return yield* this.#openBlock(event)
      case 'contentBlockDelta':
        return yield* this.#grow(event)
      case 'contentBlockStop':
        return yield* this.#close()
      case 'messageStop':
        return yield* this.#stop(event)
      case 'metadata':
        this.#metadata = event
        if (this.#stopped) yield* this.#end()
        return
      default:
        this.skipped += 1
    }
  }

  *#openBlock({ start, contentBlockIndex: index }: Json): Generator<ChatEvent> {
    yield* this.#close()
    const begun = isObject(start) ? start : {}
    const { toolUse } = begun
    if (isObject(toolUse) && isCall(toolUse)) {
      this.#hasCalls = true
      this.#open = openOf('tool-call', index, begun)
      yield { type: 'part-start', choice, part: { type: 'tool-call', ...readCall(toolUse) } }
    } else if (Object.keys(begun).length > 0) this.#open = openOf('whole', index, begun)
  }

  *#grow({ delta, contentBlockIndex: index }: Json): Generator<ChatEvent> {
    const { text, reasoningContent, toolUse, toolResult, citation, image } = isObject(delta) ? delta : {}
    if (typeof text === 'string') {
      yield* this.#ensure('text', index)
      if (text !== '') yield { type: 'text-delta', choice, text }
    } else if (isObject(citation)) {
      yield* this.#ensure('text', index)
      yield { type: 'citation', choice, citation: readCitation(citation) }
    } else if (isObject(reasoningContent)) yield* this.#think(reasoningContent, index)
    else if (isObject(toolUse) && typeof toolUse.input === 'string') yield* this.#addInput(toolUse.input)
    else if (this.#open?.kind === 'whole' && (Array.isArray(toolResult) || isObject(image)))
      this.#addContent(toolResult, image)
    else this.skipped += 1
  }

  *#think({ text, signature, redactedContent }: Json, index: unknown): Generator<ChatEvent> {
    yield* this.#ensure('reasoning', index)
    if (!this.#open) return
    if (typeof signature === 'string') this.#open.text += signature
    if (typeof redactedContent === 'string') this.#open.bytes.push(Buffer.from(redactedContent, 'base64'))
    if (typeof text === 'string' && text !== '') yield { type: 'reasoning-delta', choice, text }
  }

  *#addInput(text: string): Generator<ChatEvent> {
    if (!this.#open || (this.#open.kind !== 'tool-call' && this.#open.kind !== 'whole'))
      throw new SyntaxError("a tool's input outside of its block")
    this.#open.text += text
    if (this.#open.kind === 'tool-call' && text !== '') yield { type: 'arguments-delta', choice, text }
  }

  #addContent(results: unknown, image: unknown): void {
    if (Array.isArray(results)) this.#open?.contents.push(...results)
    const source = isObject(image) ? image.source : undefined
    if (isObject(source) && typeof source.bytes === 'string')
      this.#open?.bytes.push(Buffer.from(source.bytes, 'base64'))
  }

  /** The open part is of this kind, and of this block. */
  *#ensure(kind: 'text' | 'reasoning', index: unknown): Generator<ChatEvent> {
    if (this.#open?.kind === kind && this.#open.index === index) return
    yield* this.#close()
    this.#open = openOf(kind, index, {})
    yield { type: 'part-start', choice, part: { type: kind } }
  }

  *#close(): Generator<ChatEvent> {
    const open = this.#open
    if (!open) return
    this.#open = undefined
    if (open.kind === 'whole') {
      yield { type: 'part-start', choice, part: { type: 'whole', part: readWhole(open) } }
    } else if (open.kind === 'reasoning') {
      const isSealed = open.bytes.length > 0
      const value = isSealed ? Buffer.concat(open.bytes).toString('base64') : open.text
      const { signature } = seal('', isSealed ? 'sealed' : 'seal', value)
      if (signature) yield { type: 'signature', choice, signature }
    } else if (open.kind === 'tool-call' && open.text.trim() === '') {
      yield { type: 'arguments-delta', choice, text: '{}' }
    }
    yield { type: 'part-end', choice }
  }

  *#stop(event: Json): Generator<ChatEvent> {
    if (this.#stopped) return
    this.#stopped = true
    yield* this.#close()
    yield { type: 'finish', choice, finish: readStop(event, this.#hasCalls) }
    if (this.#metadata) yield* this.#end()
  }

  #end(): ChatEvent[] {
    this.#over = true
    const metadata = this.#metadata ?? {}
    const usage = readConverseUsage(metadata.usage)
    const bill = readBill(metadata.usage)
    const told = usage ? [{ type: 'usage' as const, usage, ...(bill && { bill }) }] : []
    return [...told, { type: 'end', ...readTier(metadata) }]
  }
}

function openOf(kind: Open['kind'], index: unknown, start: Json): Open {
  return { kind, index, start, text: '', bytes: [], contents: [] }
}

/** As it would stand in a whole answer. */
function readWhole({ start, text, bytes, contents }: Open): ReturnType<typeof opaque> {
  const { toolUse, toolResult, image } = start
  if (isObject(toolUse)) return opaque({ toolUse: { ...toolUse, input: parseObject(text) ?? {} } })
  if (isObject(toolResult)) return opaque({ toolResult: { ...toolResult, content: contents } })
  if (!isObject(image)) return opaque(start)
  const whole = { ...image, source: { bytes: Buffer.concat(bytes).toString('base64') } }
  return readImage(whole) ?? opaque({ image: whole })
}

/** `exception`: one of the service, named in a header. `error`: one of the stream, told in headers alone. */
function readException(headers: Frame['headers'], body: Buffer): ReturnType<typeof errorOf> {
  const said = parseObject(body.toString())
  const message = [said?.message, said?.Message, headers[':error-message']].find(
    text => typeof text === 'string',
  )
  return errorOf(headers[':exception-type'] ?? headers[':error-code'], message)
}
