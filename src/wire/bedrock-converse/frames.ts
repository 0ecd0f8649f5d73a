import { crc32 } from 'node:zlib'
import { EventStreamCodec } from '@smithy/eventstream-codec'

/** One message of an event stream (`application/vnd.amazon.eventstream`). */
export interface Frame {
  /** Such as `:event-type`; those that are no text are left out. */
  headers: Readonly<Record<string, string>>
  body: Buffer
}

/** Far more than any event has; past it the stream counts as malformed. */
const maxFrameBytes = 16 * 1024 * 1024
/** Its length, that of its headers, and a checksum of both. */
const preludeBytes = 12
/** The prelude and the checksum at the end. */
const minFrameBytes = 16

const codec = new EventStreamCodec(
  input => (typeof input === 'string' ? input : textOf(input)),
  input => Buffer.from(input),
)

/** Cuts a stream into frames wherever the network split it. Throws on a wrong checksum or length. */
export class FrameSplitter {
  #chunks: Buffer[] = []
  #size = 0
  /** Bytes without which nothing can be read. */
  #wanted = preludeBytes

  /** Bytes of a frame that never came whole. */
  get rest(): number {
    return this.#size
  }

  /** The frames completed by this chunk. */
  *push(chunk: Buffer): Generator<Frame> {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size < this.#wanted) return
    let bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    this.#keep(bytes)
    for (
      let size = sizeOfFrame(bytes);
      size !== undefined && bytes.length >= size;
      size = sizeOfFrame(bytes)
    ) {
      const frame = readFrame(bytes.subarray(0, size))
      bytes = bytes.subarray(size)
      this.#keep(bytes)
      yield frame
    }
    this.#wanted = sizeOfFrame(bytes) ?? preludeBytes
  }

  #keep(bytes: Buffer): void {
    this.#chunks = bytes.length > 0 ? [bytes] : []
    this.#size = bytes.length
  }
}

/** Undefined while it is not known. The prelude has a checksum of its own, so that no wrong length is waited for. */
function sizeOfFrame(bytes: Buffer): number | undefined {
  if (bytes.length < preludeBytes) return undefined
  const size = bytes.readUInt32BE(0)
  if (crc32(bytes.subarray(0, 8)) !== bytes.readUInt32BE(8) || size < minFrameBytes)
    throw new SyntaxError('the beginning of a frame does not match its checksum')
  if (size > maxFrameBytes) throw new RangeError('a frame of the event stream is too large')
  return size
}

function readFrame(bytes: Buffer): Frame {
  const { headers, body } = codec.decode(bytes)
  const texts = Object.entries(headers).flatMap(([name, { value }]) =>
    typeof value === 'string' ? [[name, value]] : [],
  )
  return {
    headers: Object.fromEntries(texts),
    body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
}
