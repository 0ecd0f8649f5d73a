import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** What becomes of what a provider writes. */
export interface Wire {
  head(status: number, headers: Record<string, string>): void
  /** False: the other end takes no more for now; `drained` follows. */
  data(bytes: Buffer): boolean
  /** The answer is whole; `over` when all of it has been taken. */
  end(over: () => void): void
  /** The connection is gone, with what was not delivered or after it; `spoilt`: what came is no HTTP. */
  drop(how: 'at-once' | 'after-all', spoilt: boolean): void
}

const settled = Promise.resolve()

/** As much of Node's `ServerResponse` as the simulator writes to, without a socket. */
export class VirtualResponse extends EventEmitter {
  readonly #wire: Wire
  /** Told, and not sent yet. */
  #head: { status: number; headers: Record<string, string> } | undefined
  #spoilt = false
  closed = false
  headersSent = false
  statusCode = 0
  writableFinished = false
  readonly socket = {
    write: (): void => {
      this.#spoilt = true
    },
    destroySoon: (): void => this.#drop('after-all'),
    resetAndDestroy: (): void => this.#drop('at-once'),
  }

  constructor(wire: Wire) {
    super()
    this.#wire = wire
  }

  /** As what the simulator knows it as. */
  get asServer(): ServerResponse {
    return this as unknown as ServerResponse
  }

  writeHead(status: number, list: readonly string[]): void {
    const headers: Record<string, string> = {}
    for (let at = 0; at + 1 < list.length; at += 2) headers[String(list[at])] = String(list[at + 1])
    this.#head = { status, headers }
    this.headersSent = true
    this.statusCode = status
  }

  flushHeaders(): void {
    const head = this.closed ? undefined : this.#head
    this.#head = undefined
    if (head) this.#wire.head(head.status, head.headers)
  }

  write(text: string | Buffer, taken?: () => void): boolean {
    this.flushHeaders()
    if (taken) void settled.then(taken) // as `queueMicrotask`, without an async resource for each byte
    return this.closed || text.length === 0 || this.#wire.data(bytesOf(text))
  }

  end(text: string | Buffer = ''): void {
    this.write(text)
    if (this.closed) return
    this.#wire.end(() => {
      if (this.closed) return
      this.writableFinished = true
      this.close()
    })
  }

  destroy(): void {
    this.#drop('at-once')
  }

  // Interim answers and trailers are for real sockets to show: nothing here would read them.
  writeContinue(): void {}
  writeProcessing(): void {}
  writeEarlyHints(): void {}
  addTrailers(): void {}

  /** The other end has taken what was written. */
  drained(): void {
    if (!this.closed) this.emit('drain')
  }

  /** The connection is over, whoever ended it. */
  close(): void {
    if (this.closed) return
    this.closed = true
    this.emit('close')
  }

  #drop(how: 'at-once' | 'after-all'): void {
    if (this.closed) return
    this.#wire.drop(how, this.#spoilt)
    this.close()
  }
}

/** As much of Node's `IncomingMessage` as the simulator reads. */
export class VirtualRequest extends EventEmitter {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>

  constructor({ method, url, headers }: Pick<VirtualRequest, 'method' | 'url' | 'headers'>) {
    super()
    this.method = method
    this.url = url
    this.headers = headers
  }

  get asServer(): IncomingMessage {
    return this as unknown as IncomingMessage
  }

  /** To whoever listens by now. */
  arrive(body: Buffer | undefined): void {
    if (body) this.emit('data', body)
    this.emit('end')
  }
}

function bytesOf(text: string | Buffer): Buffer {
  return typeof text === 'string' ? Buffer.from(text) : text
}
