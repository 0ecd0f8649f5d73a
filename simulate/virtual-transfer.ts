import type { Clock, HttpFailure, HttpFlow, HttpReader, HttpRequest } from '#platform'
import type { Draw } from './draw.ts'
import type { Place, Road, Shipment } from './virtual-network.ts'
import { VirtualRequest, VirtualResponse, type Wire } from './virtual-response.ts'

interface TransferOptions {
  clock: Clock
  draw: Draw
  place: Place
  request: HttpRequest
  reader: HttpReader
  shipment: Shipment
  /** It does not use its connection any more; `isReusable`: another one can. */
  onOver(isReusable: boolean): void
}

/** As much as the kernels on both sides hold. */
const windowBytes = 64 * 1024

/** The other end notices at last that a connection leads nowhere. */
const keepAliveMs = 60_000

type Parcel =
  | { kind: 'head'; status: number; headers: Record<string, string> }
  | { kind: 'data'; bytes: Buffer }
  | { kind: 'end'; over: () => void }
  | { kind: 'drop'; failure: HttpFailure }

/**
 * One request on its way. States: in line → connecting → sent → heard → over. What the provider writes comes half a
 * round trip later, in the same order and in pieces of any length, for as long as its reader does not pause it.
 */
export class VirtualTransfer implements HttpFlow, Wire {
  readonly #options: TransferOptions
  #response: VirtualResponse | undefined
  #road: Road = 'open'
  #over = false
  #begun = false
  #paused = false
  /** By the network. */
  #isHeldUp = false
  #isOrphan = false
  readonly #queue: Parcel[] = []
  #shippedAtMs: number | undefined
  #held = 0
  #wantsMore = false

  constructor(options: TransferOptions) {
    this.#options = options
  }

  begin(isWarm: boolean): void {
    const { clock, place, request } = this.#options
    this.#begun = true
    this.#road = place.roadAt(clock.monotonic())
    if (isWarm) return this.#send()
    if (this.#road === 'silent') return this.#later(request.connectTimeoutMs, () => this.#fail('unreachable'))
    this.#later(place.roundTripMs, () => {
      if (this.#road === 'refused') this.#fail('unreachable')
      else this.#send()
    })
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#later(0, () => this.#hand())
  }

  abort(): void {
    if (this.#over) return
    this.#finish(false)
    this.#tellProvider()
    if (!this.#isOrphan) this.#options.reader.fail('aborted', new Error('given up'))
  }

  /** Whoever sent it is dead. */
  orphan(): void {
    this.#isOrphan = true
    this.abort()
  }

  head(status: number, headers: Record<string, string>): void {
    this.#ship({ kind: 'head', status, headers })
  }

  data(bytes: Buffer): boolean {
    this.#options.shipment.written.push(bytes)
    this.#held += bytes.length
    this.#ship({ kind: 'data', bytes })
    this.#wantsMore = this.#held >= windowBytes
    return !this.#wantsMore
  }

  end(over: () => void): void {
    this.#ship({ kind: 'end', over })
  }

  drop(how: 'at-once' | 'after-all', spoilt: boolean): void {
    if (how === 'at-once') this.#queue.length = this.#options.draw.below(this.#queue.length + 1)
    this.#ship({ kind: 'drop', failure: spoilt ? 'malformed' : 'disconnected' })
  }

  #send(): void {
    const { place, reader } = this.#options
    reader.sent()
    if (this.#over) return
    // What was a way when the connection was made may be none by now.
    if (this.#road === 'refused' || this.#road === 'resets')
      return this.#later(place.roundTripMs, () => this.#fail('disconnected'))
    this.#later(place.roundTripMs / 2, () => this.#arrive())
  }

  #arrive(): void {
    const { place, request, shipment } = this.#options
    if (this.#road === 'silent') return
    shipment.reached = true
    const response = new VirtualResponse(this)
    this.#response = response
    const arriving = new VirtualRequest({
      method: request.method,
      url: request.path,
      headers: { ...request.headers, 'x-sim-request': shipment.tag },
    })
    place.simulator.serve(arriving.asServer, response.asServer)
    arriving.arrive(request.body)
  }

  #ship(parcel: Parcel): void {
    const { clock, place, draw } = this.#options
    if (this.#over || this.#road === 'half-open') return
    this.#queue.push(parcel)
    const nowMs = clock.monotonic()
    // What is written in one moment arrives in one: an answer that comes byte by byte needs no timer for each.
    if (this.#shippedAtMs !== nowMs) clock.after(place.roundTripMs / 2, () => this.#hand())
    this.#shippedAtMs = nowMs
    // Some of it takes its time, and what comes after waits for it.
    if (draw.happens(0.02)) this.#hold(draw.between(1, 400))
  }

  #hold(ms: number): void {
    if (this.#isHeldUp) return
    this.#isHeldUp = true
    this.#options.clock.after(ms, () => {
      this.#isHeldUp = false
      this.#hand()
    })
  }

  /** Hands over what has come, until the reader pauses. */
  #hand(): void {
    while (!this.#paused && !this.#isHeldUp && !this.#over) {
      const parcel = this.#queue.shift()
      if (!parcel) break
      this.#give(parcel)
    }
    if (!this.#wantsMore || this.#held > windowBytes / 2) return
    this.#wantsMore = false
    this.#response?.drained()
  }

  #give(parcel: Parcel): void {
    const { reader, draw } = this.#options
    switch (parcel.kind) {
      case 'head':
        return reader.head(parcel.status, parcel.headers)
      case 'data': {
        const { bytes } = parcel
        const cut = draw.happens(0.2) ? draw.between(1, bytes.length) : bytes.length
        const isCut = cut < bytes.length
        if (isCut) this.#queue.unshift({ kind: 'data', bytes: bytes.subarray(cut) })
        this.#held -= cut
        this.#options.shipment.arrived += cut
        return reader.data(isCut ? bytes.subarray(0, cut) : bytes)
      }
      case 'end':
        parcel.over()
        this.#finish(true)
        return reader.end()
      case 'drop':
        return this.#fail(parcel.failure)
    }
  }

  #fail(failure: HttpFailure): void {
    if (this.#over) return
    this.#finish(false)
    this.#tellProvider()
    this.#options.reader.fail(failure, new Error(`virtually ${failure}`))
  }

  #finish(isReusable: boolean): void {
    this.#over = true
    this.#queue.length = 0
    this.#options.onOver(isReusable && this.#begun)
  }

  /** The provider learns that its client has gone, where anything can be learned. */
  #tellProvider(): void {
    const { clock, place } = this.#options
    const ms = this.#road === 'half-open' ? keepAliveMs : place.roundTripMs / 2
    clock.after(ms, () => this.#response?.close())
  }

  #later(ms: number, work: () => void): void {
    this.#options.clock.after(ms, () => {
      if (!this.#over) work()
    })
  }
}
