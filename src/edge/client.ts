import type { ServerResponse } from 'node:http'
import type { Exchange } from '#events'
import { type Call, type Fault, faults, type IncomingRequest, targetName } from '#exchange'
import type { Client } from '#gateway'
import { formatUsd } from '#metering'
import { dialects } from '#wire'

/** Bodies up to here are worth a copy. */
const longestJoined = 16 * 1024

/**
 * The caller of a model route, over the bare response: nothing is buffered here beyond what the socket takes.
 * States: waiting → streaming → ended → delivered, or waiting → ended → delivered. A caller that closes the
 * connection before the end has gone; what is written after that is dropped. A call that we cut off ourselves looks
 * the same to those who work on it, but its caller is still there, and is told why.
 */
export class HttpClientOfCall implements Client {
  readonly #response: ServerResponse
  readonly #call: Call
  #gone = false
  #ended = false
  #closed = false
  #cutBy: Fault | undefined
  /** A word about an error can stand in what has begun: in events, but not in a file, which is broken off. */
  #hasRoom = true
  #onGone: (() => void)[] = []
  #onDelivered: () => void = () => undefined

  constructor(response: ServerResponse, call: Call) {
    this.#response = response
    this.#call = call
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
  cut(fault: Fault): void {
    if (this.gone || this.#ended) return
    this.#cutBy = fault
    this.#tellGone()
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
    this.#ended = true
    this.#response.writeHead(answer.status, {
      'content-type': 'application/json',
      'content-length': answer.body.length,
      ...answer.headers,
      ...this.#ownHeaders(exchange),
    })
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
    if (this.gone) return
    const dialect = dialects[this.#call.dialect]
    const type = dialect.operation === 'chat' && this.#incoming && dialect.streamContentType?.(this.#incoming)
    this.#hasRoom = !this.#isPassed || /^text\/event-stream/.test(headers['content-type'] ?? '')
    this.#response.writeHead(status, {
      'content-type': type || 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      ...headers,
      ...this.#ownHeaders(exchange),
    })
  }

  write(bytes: Buffer): boolean {
    return this.gone || this.#response.write(bytes)
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
    if (this.#gone || this.#ended) return
    // Whoever worked on a call that was cut off could only think that its caller had left.
    const fault = this.#cutBy && cause.code === 'client_closed' ? exchange.fail(this.#cutBy) : cause
    const dialect = dialects[this.#call.dialect]
    this.#ended = true
    if (this.#response.headersSent && !this.#hasRoom) {
      this.#response.destroy()
      return
    }
    if (this.#response.headersSent) {
      this.#response.end(
        fault.detail.lastWords ?? dialect.renderErrorEvent(fault, this.#call.requestId, this.#incoming),
      )
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

  #ownHeaders(exchange: Exchange): Record<string, string> {
    const headers: Record<string, string> = {
      'x-request-id': this.#call.requestId,
      ...(isAnthropic(this.#call.dialect) && { 'request-id': this.#call.requestId }),
      'x-sluice-call': this.#call.id,
      'x-sluice-attempts': String(exchange.attempts.length),
      'x-sluice-cache': 'off',
    }
    const last = exchange.attempts.at(-1)
    if (last) headers['x-sluice-target'] = headerText(targetName(last.target))
    const cost = exchange.settlement?.costPicoUsd
    if (cost !== undefined) headers['x-sluice-cost-usd'] = formatUsd(cost)
    return headers
  }
}

/** What an error says in its headers: when to come back, and whether an SDK may do so by itself. */
export function faultHeaders(fault: Fault): Record<string, string> {
  const headers: Record<string, string> = {}
  if (!faults[fault.code].retry) headers['x-should-retry'] = 'false'
  const { retryAfterMs } = fault.detail
  if (retryAfterMs !== undefined) {
    headers['retry-after'] = String(Math.ceil(retryAfterMs / 1000))
    headers['retry-after-ms'] = String(retryAfterMs)
  }
  return headers
}

/** Anthropic's SDKs look for their request id under a name of their own. */
function isAnthropic(dialect: Call['dialect']): boolean {
  return dialect.startsWith('anthropic-')
}

/** A model's name may be any text; a header may not. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 256)
}
