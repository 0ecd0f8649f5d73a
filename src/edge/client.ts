import type { ServerResponse } from 'node:http'
import type { Exchange } from '#events'
import { type Call, Fault, formatUsd, type IncomingRequest, targetName } from '#exchange'
import type { Client } from '#gateway'
import type { Tape } from '#idempotency'
import { dialects, type Heartbeat, heartbeatOf, limitHeaders, tailAfter } from '#wire'
import { faultHeaders, headerText, passedOn } from './answer-headers.ts'
import { ReaderProgress } from './reader-progress.ts'
import type { Round } from './rounds.ts'
import { shuttingDown, type Traveller } from './under-way.ts'

/** Bodies up to here are worth a copy. */
const longestJoined = 16 * 1024

const byteOrderMark = Buffer.from('\ufeff')

/**
 * The caller of a model route, over the bare response: nothing is buffered here beyond what the socket takes.
 * States: waiting → streaming → ended → delivered, or waiting → ended → delivered. A caller that closes the
 * connection before the end has gone; what is written after that is dropped. A call that we cut off ourselves looks
 * the same to those who work on it, but its caller is still there, and is told why.
 */
export class HttpClientOfCall implements Client, Traveller {
  readonly #response: ServerResponse
  readonly #call: Call
  readonly #onDropped: () => void
  #gone = false
  #ended = false
  #closed = false
  #cutBy: Fault | undefined
  /** A word about an error can stand in what has begun: in events, but not in a file, which is broken off. */
  #hasRoom = true
  /** The way in which what is under way may be kept awake; undefined while, or because, it cannot. */
  #heartbeat: Heartbeat | undefined
  /** Present once a stream is on its way; its head may go out before it. */
  #awaited: Exchange | undefined
  /** The last bytes written, heartbeats aside. */
  #tail = 0
  #wrote = false
  #beaten = false
  #silentSinceMs: number | undefined
  #progress: ReaderProgress | undefined
  #onGone: (() => void)[] = []
  #onDelivered: () => void = () => undefined
  /** The answer of another call, which is given again. */
  #first: Tape | undefined

  /** `onDropped` is told when the reader is given up. */
  constructor(response: ServerResponse, call: Call, onDropped: () => void) {
    this.#response = response
    this.#call = call
    this.#onDropped = onDropped
    // `close` of the response, not of the request: that one has long been over when the body is read.
    response.once('close', () => {
      this.#closed = true
      if (!this.#ended) {
        this.#gone = true
        this.#tellGone()
      }
      this.#onDelivered()
    })
  }

  get gone(): boolean {
    return this.#gone || this.#cutBy !== undefined
  }

  onGone(work: () => void): void {
    if (this.gone) work()
    else this.#onGone.push(work)
  }

  /** Stops the call from our side; `fail` then says why. */
  cut(fault: Fault = shuttingDown()): void {
    if (this.gone || this.#ended) return
    this.#cutBy = fault
    this.#tellGone()
  }

  repeats(first: Tape): void {
    this.#first = first
  }

  expectStream(exchange: Exchange): void {
    if (!this.#isPassed) this.#awaited = exchange
  }

  look(round: Round): void {
    if (this.#closed) return
    if (this.#isStuck(round)) return this.#drop(round)
    if (this.#wrote || this.#silentSinceMs === undefined) {
      this.#wrote = false
      this.#silentSinceMs = round.nowMs
      return
    }
    // When exactly it fell silent nobody has noted: at the earliest, just after the look before.
    const silentAtNextMs = round.nowMs - this.#silentSinceMs + 2 * round.nextMs
    if (silentAtNextMs > round.heartbeatMs) this.#beat(round.nowMs)
  }

  #isStuck({ nowMs, stalledReaderMs }: Round): boolean {
    const { socket } = this.#response
    // Without a socket it stands behind another answer on the same connection: that one is looked at.
    if (!socket || this.#response.writableLength === 0) {
      this.#progress = undefined
      return false
    }
    this.#progress ??= new ReaderProgress()
    return this.#progress.stuckMs(socket, nowMs) >= stalledReaderMs
  }

  /** The reader takes nothing: nobody is told, since whatever is told would wait with the rest. */
  #drop({ stalledReaderMs }: Round): void {
    this.#onDropped()
    this.cut(new Fault('reader_stalled', `The caller took nothing of the answer for ${stalledReaderMs} ms.`))
    this.#response.destroy()
  }

  #beat(nowMs: number): void {
    if (this.gone || this.#ended || this.#response.writableLength > 0) return
    if (!this.#response.headersSent && this.#awaited) this.#writeHead({}, undefined, this.#awaited)
    if (!this.#heartbeat?.fits(this.#tail)) return
    this.#silentSinceMs = nowMs
    this.#beaten = true
    this.#response.write(this.#heartbeat.bytes)
  }

  /** Called once the last byte is with the system, or the connection is gone. */
  onDelivered(work: () => void): void {
    if (this.#closed) work()
    else this.#onDelivered = work
  }

  #tellGone(): void {
    for (const work of this.#onGone.splice(0)) work()
  }

  send(
    answer: { status: number; headers: Readonly<Record<string, string>>; body: Buffer },
    exchange: Exchange,
  ): void {
    if (this.#gone) return
    this.#response.writeHead(answer.status, {
      'content-type': 'application/json',
      'content-length': answer.body.length,
      ...passedOn(answer.headers, exchange),
      ...this.#ownHeaders(exchange),
    })
    this.#ended = true // not before: a header that Node refuses makes this a failure, which has an answer too
    this.#end(answer.body)
  }

  /**
   * A short body goes out as text, which Node joins to the headers: one buffer to write instead of two. Latin-1
   * is bytes for bytes.
   */
  #end(body: Buffer): void {
    if (body.length > longestJoined) this.#response.end(body)
    else this.#response.end(body.toString('latin1'), 'latin1')
  }

  begin(headers: Readonly<Record<string, string>>, exchange: Exchange, status = 200): void {
    if (this.gone || this.#response.headersSent) return
    this.#writeHead(headers, status, exchange)
  }

  /** Of a stream; without a status while it is not known yet who answers it. */
  #writeHead(
    headers: Readonly<Record<string, string>>,
    status: number | undefined,
    exchange: Exchange,
  ): void {
    const dialect = dialects[this.#call.dialect]
    const ownType =
      dialect.operation === 'chat' && this.#incoming && dialect.streamContentType?.(this.#incoming)
    const type = headers['content-type'] ?? (ownType || 'text/event-stream; charset=utf-8')
    // What passes through may be of any kind, and of a length or a coding that was told before.
    this.#hasRoom =
      !this.#isPassed ||
      (/^text\/event-stream/.test(type) &&
        headers['content-length'] === undefined &&
        headers['content-encoding'] === undefined)
    if (this.#hasRoom) this.#heartbeat = heartbeatOf(this.#call.dialect, type)
    this.#response.writeHead(status ?? 200, {
      'content-type': type,
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      ...passedOn(headers, exchange),
      ...(status === undefined ? this.#callHeaders(exchange) : this.#ownHeaders(exchange)),
    })
  }

  write(bytes: Buffer): boolean {
    if (this.gone) return true
    // A byte-order mark is none behind a heartbeat.
    const given =
      this.#beaten && this.#tail === 0 && bytes.indexOf(byteOrderMark) === 0 ? bytes.subarray(3) : bytes
    this.#wrote = true
    this.#tail = tailAfter(this.#tail, given)
    return this.#response.write(given)
  }

  onDrain(work: () => void): void {
    this.#response.on('drain', work)
  }

  end(): void {
    if (this.gone) return
    this.#ended = true
    this.#response.end()
  }

  fail(cause: Fault, exchange: Exchange): void {
    // Whoever worked on a call that was cut off could only think that its caller had left.
    const fault = this.#cutBy && cause.code === 'client_closed' ? exchange.fail(this.#cutBy) : cause
    if (this.#gone || this.#ended) return
    const dialect = dialects[this.#call.dialect]
    this.#ended = true
    if (fault.code === 'reader_stalled' || (this.#response.headersSent && !this.#hasRoom)) {
      this.#response.destroy()
      return
    }
    if (this.#response.headersSent) {
      const words =
        fault.detail.lastWords ?? dialect.renderErrorEvent(fault, this.#call.requestId, this.#incoming)
      this.#response.end((this.#tail === 0 && this.#heartbeat?.alone?.(words)) || words)
      return
    }
    const answer = fault.detail.providerAnswer
    const body = answer?.body ?? Buffer.from(JSON.stringify(dialect.renderError(fault, this.#call.requestId)))
    this.#response.writeHead(answer?.status ?? fault.status, {
      'content-type': 'application/json',
      'content-length': body.length,
      ...faultHeaders(fault),
      ...this.#ownHeaders(exchange),
    })
    this.#response.end(body)
  }

  /** The answer is of any kind. */
  get #isPassed(): boolean {
    return this.#call.asked.ok && this.#call.asked.value.passthrough !== undefined
  }

  get #incoming(): IncomingRequest | undefined {
    return this.#call.asked.ok ? this.#call.asked.value.incoming : undefined
  }

  /** What is known of a call from its beginning. */
  #callHeaders(exchange: Exchange): Record<string, string> {
    const { limits } = exchange
    return {
      'x-request-id': this.#call.requestId,
      ...(isAnthropic(this.#call.dialect) && { 'request-id': this.#call.requestId }),
      'x-sluice-call': this.#first?.callId ?? this.#call.id,
      ...(this.#first && { 'idempotent-replayed': 'true' }),
      ...(limits && limitHeaders(this.#call.dialect, { limits, nowMs: this.#nowMs(exchange) })),
    }
  }

  #nowMs(exchange: Exchange): number {
    return this.#call.startedAtMs + exchange.durationMs
  }

  #ownHeaders(exchange: Exchange): Record<string, string> {
    const headers: Record<string, string> = {
      ...this.#callHeaders(exchange),
      'x-sluice-attempts': String(exchange.attempts.length),
      'x-sluice-cache': 'off',
    }
    const last = exchange.decisive
    const target = last ? targetName(last.target) : this.#first?.head?.target
    if (target) headers['x-sluice-target'] = headerText(target)
    if (exchange.degraded !== undefined) headers['x-sluice-degraded'] = headerText(exchange.degraded)
    const cost = exchange.settlement?.costPicoUsd
    if (cost !== undefined) headers['x-sluice-cost-usd'] = formatUsd(cost)
    return headers
  }
}

/** Anthropic's SDKs look for their request id under a name of their own. */
function isAnthropic(dialect: Call['dialect']): boolean {
  return dialect.startsWith('anthropic-')
}
