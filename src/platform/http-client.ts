import { buildConnector, type Dispatcher, errors, Pool } from 'undici'
import { dropInterimAnswers } from './interim-answers.ts'

export interface HttpRequest {
  /** Scheme, host and port: one pool of keep-alive connections each. */
  origin: string
  path: string
  method: string
  headers: Record<string, string>
  body: Buffer | undefined
  /** Most sockets to this origin; further requests wait for one. */
  connections: number
  /** Until a new socket is open. */
  connectTimeoutMs: number
}

/** Why a request came to nothing, as far as the network can tell. */
export type HttpFailure =
  | 'unreachable' // no connection: nothing was sent
  | 'disconnected' // sent, and then the connection was lost
  | 'malformed' // what came back is not HTTP
  | 'aborted' // we gave up ourselves

/** Receives one answer. `end` or `fail` comes exactly once, and nothing after it. */
export interface HttpReader {
  /** The request is being written to an open socket. */
  sent(): void
  head(status: number, headers: Record<string, string | string[] | undefined>): void
  data(chunk: Buffer): void
  end(): void
  fail(failure: HttpFailure, cause: Error): void
}

/** The hold on a request under way. */
export interface HttpFlow {
  pause(): void
  resume(): void
  /** Closes the connection at once. The reader hears `fail('aborted')`, unless it has heard its end already. */
  abort(): void
}

/** Sends requests over pools of keep-alive connections. Redirects are not followed. */
export interface HttpClient {
  send(request: HttpRequest, reader: HttpReader): HttpFlow
  /** Waits for requests under way, then closes all sockets. */
  close(): Promise<void>
}

export function createHttpClient(): HttpClient {
  const pools = new Map<string, Pool>()

  const poolFor = ({ origin, connections, connectTimeoutMs }: HttpRequest): Pool => {
    const key = `${origin} ${connections} ${connectTimeoutMs}`
    const known = pools.get(key)
    if (known) return known
    const pool = new Pool(origin, {
      connections,
      pipelining: 1,
      connect: connector(connectTimeoutMs),
      keepAliveTimeout: 4_000, // under the 5 s after which Node and many proxies close an idle connection
      keepAliveMaxTimeout: 600_000,
      headersTimeout: 0, // time limits are the caller's, by model; see providers/
      bodyTimeout: 0,
      allowH2: false, // HTTP/2 in Node has had memory faults throughout 2026; see docs/decisions
    })
    pools.set(key, pool)
    return pool
  }

  return {
    send(request, reader) {
      const transfer = new Transfer(reader)
      poolFor(request).dispatch(
        {
          path: request.path,
          method: request.method as Dispatcher.HttpMethod,
          headers: request.headers,
          body: request.body ?? null,
        },
        transfer,
      )
      return transfer
    },
    async close() {
      await Promise.all([...pools.values()].map(pool => pool.close()))
    },
  }
}

function connector(timeout: number): buildConnector.connector {
  // HTTP/2 in Node has had memory faults throughout 2026; see docs/decisions
  const connect = buildConnector({ timeout, keepAlive: true, noDelay: true, allowH2: false, ...readAhead })
  return (options, callback) =>
    connect(options, (...done) => {
      if (done[1]) dropInterimAnswers(done[1])
      callback(...done)
    })
}

/** What a socket may read ahead of a reader who takes nothing; one read is 64 KiB all the same. */
const readAhead = { highWaterMark: 1024 }
/**
 * A reader is given this much at once and may then ask for a pause: what is read off a socket in one go can become a
 * multiple of itself before it is written on.
 */
const sliceBytes = 16 * 1024

/**
 * States: waiting (no socket yet) → sent → head → ended. `fail` may come in any of the first three.
 * A request that is given up while it waits for a socket is dropped the moment it would get one.
 */
class Transfer implements Dispatcher.DispatchHandler, HttpFlow {
  readonly #reader: HttpReader
  #controller: Dispatcher.DispatchController | undefined
  #sent = false
  #ended = false
  #paused = false
  /** What has been read, and waits for the reader. */
  #rest: Buffer | undefined
  /** The end has been read behind it. */
  #endWaits = false

  constructor(reader: HttpReader) {
    this.#reader = reader
  }

  pause(): void {
    this.#paused = true
    this.#controller?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#hand()
    if (!this.#paused) this.#controller?.resume()
  }

  abort(): void {
    if (this.#ended) return
    this.#ended = true
    const cause = new Error('given up')
    this.#controller?.abort(cause)
    this.#reader.fail('aborted', cause)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#ended) return controller.abort(new Error('given up while waiting for a socket'))
    this.#controller = controller
    this.#sent = true
    this.#reader.sent()
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    controller.rawHeaders = null // a view of the first 64 KiB that were read, for as long as the answer takes
    if (!this.#ended && status >= 200) this.#reader.head(status, headers)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended) return
    if (chunk.length <= sliceBytes && !this.#rest) return this.#reader.data(chunk)
    this.#rest = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
    this.#hand()
  }

  /** Hands on what has been read, until the reader asks for a pause. A reader that resumes within is met here again. */
  #hand(): void {
    while (this.#rest && !this.#paused && !this.#ended) {
      const rest: Buffer = this.#rest
      this.#rest = rest.length > sliceBytes ? rest.subarray(sliceBytes) : undefined
      this.#reader.data(rest.subarray(0, sliceBytes))
    }
    if (this.#endWaits && !this.#rest) this.onResponseEnd()
  }

  onResponseEnd(): void {
    if (this.#ended) return
    if (this.#rest) {
      this.#endWaits = true
      return
    }
    this.#ended = true
    this.#reader.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#reader.fail(this.#sent ? failureOf(cause) : 'unreachable', cause)
  }
}

function failureOf(cause: Error): HttpFailure {
  const isMalformed = [errors.HTTPParserError, errors.HeadersOverflowError, errors.InvalidArgumentError].some(
    kind => cause instanceof kind,
  )
  return isMalformed ? 'malformed' : 'disconnected'
}
