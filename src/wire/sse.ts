/** One server-sent event, as it stood in the bytes and as it was meant. */
export interface SseEvent {
  /** The `event:` field; empty when there is none. */
  type: string
  /** The `data:` lines, joined with line feeds; undefined when there is none (a comment, a ping). */
  data: string | undefined
  /** The event's own bytes, with the blank line that ends it. */
  bytes: Buffer
}

const lineFeed = 0x0a
const carriageReturn = 0x0d

/** A single event may be this large; past it the stream counts as malformed, since nothing of it could be relayed. */
const maxEventBytes = 16 * 1024 * 1024

/** An event this large is most often a picture: what comes of it without a line end is only put aside. */
const largeEventBytes = 64 * 1024

/**
 * Cuts a byte stream into server-sent events (WHATWG HTML, 9.2.6) wherever the network split it: lines end in LF,
 * CRLF or CR, an event ends with an empty line, a byte-order mark may come first. Bytes are kept as they came.
 */
export class SseSplitter {
  #pending: Buffer = Buffer.alloc(0)
  /** What follows it without any line end; joined only when one comes, or each chunk would copy a large event anew. */
  #aside: Buffer[] = []
  #asideBytes = 0
  #first = true

  /** The events completed by this chunk. Throws a `RangeError` when one grows past the bound. */
  push(chunk: Buffer): SseEvent[] {
    if (this.#pending.length > largeEventBytes && this.#goesOn(chunk)) {
      this.#aside.push(chunk)
      this.#asideBytes += chunk.length
      this.#checkSize()
      return []
    }
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    this.#aside = []
    this.#asideBytes = 0
    const events: SseEvent[] = []
    let from = 0
    for (let end = endOfEvent(bytes, from); end !== -1; end = endOfEvent(bytes, from)) {
      events.push(readEvent(bytes.subarray(from, end), this.#first))
      this.#first = false
      from = end
    }
    const pending = bytes.subarray(from)
    this.#pending = isSliver(pending) ? Buffer.from(pending) : pending
    this.#checkSize()
    return events
  }

  /** Whether the open line goes on: no line end is in the chunk, nor half of one before it. */
  #goesOn(chunk: Buffer): boolean {
    return (
      this.#pending.at(-1) !== carriageReturn && !chunk.includes(lineFeed) && !chunk.includes(carriageReturn)
    )
  }

  #checkSize(): void {
    if (this.#pending.length + this.#asideBytes > maxEventBytes)
      throw new RangeError('a server-sent event is too large')
  }

  /** Bytes of an event that never got its empty line. */
  get rest(): Buffer {
    return this.#aside.length === 0 ? this.#pending : Buffer.concat([this.#pending, ...this.#aside])
  }
}

/** So little of what was read that it is not worth keeping the whole of it. */
function isSliver(bytes: Buffer): boolean {
  return bytes.length * 4 < bytes.buffer.byteLength
}

/** The byte after the empty line that ends the event starting at `from`, or -1. */
function endOfEvent(bytes: Buffer, from: number): number {
  let lineStart = from
  while (lineStart < bytes.length) {
    const lineEnd = endOfLine(bytes, lineStart)
    if (lineEnd === -1) return -1
    const next = startOfNextLine(bytes, lineEnd)
    if (next === -1) return -1
    if (lineEnd === lineStart && lineStart > from) return next
    if (lineEnd === lineStart) from = next // an empty line before any field ends nothing
    lineStart = next
  }
  return -1
}

function endOfLine(bytes: Buffer, start: number): number {
  const feed = bytes.indexOf(lineFeed, start)
  const before = feed === -1 ? bytes.length : feed
  // Looking for a CR only up to the LF keeps the usual stream, which has none, to one short native search a line.
  const back = bytes.subarray(start, before).indexOf(carriageReturn)
  return back === -1 ? feed : start + back
}

/** A CR as the last byte may be half of a CRLF: the line is over only when the next byte is known. */
function startOfNextLine(bytes: Buffer, lineEnd: number): number {
  if (bytes[lineEnd] === lineFeed) return lineEnd + 1
  if (lineEnd + 1 === bytes.length) return -1
  return bytes[lineEnd + 1] === lineFeed ? lineEnd + 2 : lineEnd + 1
}

function readEvent(bytes: Buffer, first: boolean): SseEvent {
  let text = bytes.toString('utf8')
  if (first && text.charCodeAt(0) === 0xfeff) text = text.slice(1)
  const plain = readPlain(text)
  if (plain !== undefined) return { type: '', data: plain, bytes }
  let type = ''
  const data: string[] = []
  for (const line of text.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') type = value
    if (field === 'data') data.push(value)
  }
  return { type, data: data.length > 0 ? data.join('\n') : undefined, bytes }
}

/** The event that nearly all are: one `data:` line, one line feed, one empty line. */
function readPlain(text: string): string | undefined {
  if (!text.startsWith('data:') || !text.endsWith('\n\n')) return undefined
  if (text.indexOf('\n') !== text.length - 2 || text.includes('\r')) return undefined
  return text.slice(text[5] === ' ' ? 6 : 5, -2)
}
