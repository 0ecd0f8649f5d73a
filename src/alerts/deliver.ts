import { type Chance, type Clock, type Database, DatabaseUnavailable, type Log } from '#platform'
import { alertIdOf } from './alert.ts'
import type { Delivery, Destination } from './destination.ts'
import { sendTimeoutMs } from './destinations.ts'
import { waitAfter } from './retry.ts'
import { type Claim, claimDeliveries, type DeliveryEnd, endDelivery } from './store.ts'

export interface DeliveriesOptions {
  database: Database
  clock: Clock
  chance: Chance
  log: Log
  destinations(): readonly Destination[]
}

/** Long enough for an attempt and for putting its end on record. */
const leaseMs = 3 * sendTimeoutMs
const atOnce = 20

/**
 * Brings alerts to their destinations: at least once each, with the same id, by one process at a time. An attempt is
 * on record before it is made; its process may die at any point, and another goes on when the lease is over.
 */
export class Deliveries {
  readonly #options: DeliveriesOptions
  #round: Promise<void> | undefined
  #isAsked = false
  #isStopping = false

  constructor(options: DeliveriesOptions) {
    this.#options = options
  }

  /** Delivers all that is due, and what comes due while it does. */
  round(): Promise<void> {
    this.#isAsked = true
    this.#round ??= this.#run()
    return this.#round
  }

  /** Whoever closes the destinations now ends what is under way: that was not an attempt, and another begins at once. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#round?.catch(() => undefined) // of which whoever asked for it is told
  }

  async #run(): Promise<void> {
    try {
      while (this.#isAsked && !this.#isStopping) {
        this.#isAsked = false
        if ((await this.#deliverSome()) === atOnce) this.#isAsked = true
      }
    } finally {
      this.#round = undefined // at once, so that whoever asks from now on begins another
    }
  }

  async #deliverSome(): Promise<number> {
    const { database, clock } = this.#options
    const destinations = new Map(this.#options.destinations().map(one => [one.name, one]))
    if (destinations.size === 0) return 0
    const claims = await claimDeliveries(database, {
      destinations: [...destinations.keys()],
      nowMs: clock.now(),
      leaseMs,
      most: atOnce,
    })
    await Promise.all(claims.map(claim => this.#deliver(claim, destinations.get(claim.destination))))
    return claims.length
  }

  async #deliver(claim: Claim, destination: Destination | undefined): Promise<void> {
    const { database, clock } = this.#options
    const delivery: Delivery = destination
      ? await destination.send(claim.alert)
      : { ok: false, error: 'No destination of this name is configured.' }
    const end = this.#endOf(claim, delivery)
    this.#tell(claim, end)
    try {
      await endDelivery(database, claim, { end, nowMs: clock.now() })
    } catch (cause) {
      if (!(cause instanceof DatabaseUnavailable)) throw cause
      // The lease ends by itself, and it is delivered once more.
      this.#options.log.warn(
        { err: cause, alert: alertIdOf(claim.alert.id) },
        'a delivery could not be recorded',
      )
    }
  }

  #endOf({ attempt }: Claim, delivery: Delivery): DeliveryEnd {
    const { clock, chance } = this.#options
    if (delivery.ok) return { state: 'delivered' }
    const { error, gone, waitMs: askedMs } = delivery
    if (this.#isStopping) return { state: 'pending', error, nextAtMs: clock.now(), spent: false }
    const waitMs = gone ? undefined : waitAfter(attempt, { askedMs, chance })
    if (waitMs === undefined) return { state: 'failed', error }
    return { state: 'pending', error, nextAtMs: clock.now() + waitMs, spent: true }
  }

  #tell({ destination, attempt, alert }: Claim, end: DeliveryEnd): void {
    const { log } = this.#options
    const about = { alert: alertIdOf(alert.id), destination, attempt }
    if (end.state === 'delivered') log.debug(about, 'an alert was delivered')
    else if (end.state === 'failed')
      log.error(
        { ...about, error: end.error, title: alert.title },
        'an alert could not be delivered and is given up',
      )
    else if (end.spent)
      log.warn({ ...about, error: end.error }, 'an alert could not be delivered; it is tried again')
  }
}
