/** What a `ResponseReader` tells as the bytes of a connection come in. */
export interface ResponseSink {
  /** A part of the body, as it arrived. */
  body(bytes: Buffer): void
  /** The answer is complete by its own framing; the connection may be used again. */
  end(status: number): void
}

type State = 'head' | 'sized' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer'

/**
 * Reads HTTP/1.1 answers from one connection, one after the other (RFC 9112 section 6: `content-length` or
 * `chunked`; an answer that ends with the connection is refused, because it cannot be told from one cut short).
 * Written here because a client library costs the load generator ten times as much.
 */
export class ResponseReader {
  readonly #sink: ResponseSink
  #state: State = 'head'
  #pending: Buffer = Buffer.alloc(0)
  #status = 0
  #missing = 0

  constructor(sink: ResponseSink) {
    this.#sink = sink
  }

  /** Throws when the bytes are no such answer; the connection is then of no more use. */
  feed(bytes: Buffer): void {
    let rest: Buffer | undefined = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes])
    this.#pending = Buffer.alloc(0)
    while (rest !== undefined && rest.length > 0) {
      const after: Buffer | undefined = this.#step(rest)
      if (after === undefined) this.#pending = rest
      rest = after
    }
  }

  /** Takes what it can use from the front and returns what is left; `undefined`: more must arrive first. */
  #step(bytes: Buffer): Buffer | undefined {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes)
      case 'sized':
      case 'chunk':
        return this.#readBody(bytes)
      case 'chunk-size':
        return this.#readChunkSize(bytes)
      case 'chunk-end':
        return this.#readLine(bytes, () => 'chunk-size')
      case 'trailer':
        return this.#readLine(bytes, line => (line === '' ? this.#finish() : 'trailer'))
    }
  }

  #readHead(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf('\r\n\r\n')
    if (end < 0) return undefined
    const head = bytes.toString('latin1', 0, end)
    this.#status = Number(head.slice(9, 12))
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    if (length !== undefined) {
      this.#missing = Number(length)
      this.#state = this.#missing === 0 ? this.#finish() : 'sized'
    } else if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
      this.#state = 'chunk-size'
    } else {
      throw new Error(`an answer without a length: ${head.slice(0, 80)}`)
    }
    return bytes.subarray(end + 4)
  }

  #readBody(bytes: Buffer): Buffer {
    const part = bytes.subarray(0, this.#missing)
    this.#missing -= part.length
    this.#sink.body(part)
    if (this.#missing === 0) this.#state = this.#state === 'chunk' ? 'chunk-end' : this.#finish()
    return bytes.subarray(part.length)
  }

  #readChunkSize(bytes: Buffer): Buffer | undefined {
    return this.#readLine(bytes, line => {
      this.#missing = Number.parseInt(line, 16)
      if (Number.isNaN(this.#missing)) throw new Error(`not a chunk size: ${line.slice(0, 80)}`)
      return this.#missing === 0 ? 'trailer' : 'chunk'
    })
  }

  #readLine(bytes: Buffer, next: (line: string) => State): Buffer | undefined {
    const end = bytes.indexOf('\r\n')
    if (end < 0) return undefined
    this.#state = next(bytes.toString('latin1', 0, end))
    return bytes.subarray(end + 2)
  }

  #finish(): State {
    this.#sink.end(this.#status)
    return 'head'
  }
}
