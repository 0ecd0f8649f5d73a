import type { Clock, HttpClient, HttpFlow, HttpReader, HttpRequest } from '#platform'
import type { Simulator } from '#simulator'
import type { Draw } from './draw.ts'
import { VirtualTransfer } from './virtual-transfer.ts'

/** What meets a new connection, or a request on one. */
export type Road = 'open' | 'refused' | 'silent' | 'resets' | 'half-open'

/** A provider somewhere in the network, and how one gets there. */
export interface Place {
  origin: string
  simulator: Simulator
  /** There and back. */
  roundTripMs: number
  roadAt(ms: number): Road
}

/** What a transfer was, for the laws. */
export interface Shipment {
  /** As the bill knows it. */
  tag: string
  origin: string
  sentAtMs: number
  /** What the provider wrote, in order; the last of it may not have arrived. */
  written: Buffer[]
  /** How much of it has been handed over. */
  arrived: number
  /** It reached the provider. */
  reached: boolean
}

export interface NetworkOptions {
  clock: Clock
  draw: Draw
  places: readonly Place[]
  /** A request goes out: gives the name that it goes by on the bill. */
  depart(request: HttpRequest): string
}

interface Pool {
  place: Place
  connections: number
  busy: number
  idle: number
  line: VirtualTransfer[]
}

/** The network of one process: pools of connections to simulated providers, and what happens on the way. */
export class VirtualNetwork implements HttpClient {
  readonly #options: NetworkOptions
  readonly #pools = new Map<string, Pool>()
  readonly #underWay = new Set<VirtualTransfer>()
  #isCut = false
  readonly shipments: Shipment[] = []

  constructor(options: NetworkOptions) {
    this.#options = options
  }

  send(request: HttpRequest, reader: HttpReader): HttpFlow {
    if (this.#isCut) return { pause: () => undefined, resume: () => undefined, abort: () => undefined }
    const pool = this.#poolFor(request)
    const { clock, draw, depart } = this.#options
    const shipment: Shipment = {
      tag: depart(request),
      origin: request.origin,
      sentAtMs: clock.now(),
      written: [],
      arrived: 0,
      reached: false,
    }
    this.shipments.push(shipment)
    const transfer = new VirtualTransfer({
      clock,
      draw,
      place: pool.place,
      request,
      reader,
      shipment,
      onOver: isReusable => this.#leave(pool, transfer, isReusable),
    })
    this.#underWay.add(transfer)
    if (pool.busy < pool.connections) this.#begin(pool, transfer)
    else pool.line.push(transfer)
    return transfer
  }

  async close(): Promise<void> {}

  /** The process is dead: its connections break, and nobody in it hears of that. */
  cut(): void {
    this.#isCut = true
    for (const transfer of this.#underWay) transfer.orphan()
  }

  #begin(pool: Pool, transfer: VirtualTransfer): void {
    pool.busy += 1
    const isWarm = pool.idle > 0
    if (isWarm) pool.idle -= 1
    transfer.begin(isWarm)
  }

  #leave(pool: Pool, transfer: VirtualTransfer, isReusable: boolean): void {
    this.#underWay.delete(transfer)
    const at = pool.line.indexOf(transfer)
    if (at >= 0) return void pool.line.splice(at, 1)
    pool.busy -= 1
    if (isReusable) pool.idle += 1
    const next = pool.line.shift()
    if (next) this.#begin(pool, next)
  }

  #poolFor({ origin, connections }: HttpRequest): Pool {
    const key = `${origin} ${connections}`
    const known = this.#pools.get(key)
    if (known) return known
    const place = this.#options.places.find(one => one.origin === origin)
    if (!place) throw new Error(`no simulated provider is at ${origin}`)
    const pool: Pool = { place, connections, busy: 0, idle: 0, line: [] }
    this.#pools.set(key, pool)
    return pool
  }
}
