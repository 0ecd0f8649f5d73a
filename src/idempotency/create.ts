import type { Decision, Presence } from '#exchange'
import { type Clock, type Database, type Log, repeat } from '#platform'
import { type Claim, Claims, type Limits, leaseMs } from './claims.ts'
import type { KeyedRequest } from './keyed-request.ts'
import { releaseOthers, renewClaims } from './store.ts'
import { sweep } from './sweep.ts'

export type { Claim } from './claims.ts'
export type { KeyedRequest } from './keyed-request.ts'

export interface IdempotencyOptions {
  database: Database
  clock: Clock
  log: Log
  /** UUID of this process. */
  instance: string
  /** Other processes use this database. */
  shared: boolean
}

/** Requests with an `Idempotency-Key`: made once, however often they are sent. */
export interface Idempotency {
  /**
   * What is to be done with a request: make its call, of which the recording must be told the end, or give it the
   * answer of the call that was made or is being made. Waits for a while where another process makes it. Refuses
   * with `idempotency_key_reused`, `idempotency_conflict` or `idempotency_not_kept`; fails with `store_unavailable`.
   */
  claim(request: KeyedRequest, presence: Presence): Promise<Decision<Claim>>
  /** Holds for calls that begin from now on. */
  limit(limits: Limits): void
  start(): Promise<void>
  /** Waits until the database knows how every call ended. */
  stop(): Promise<void>
}

const renewEveryMs = leaseMs / 6
const sweepEveryMs = 60_000
const failed = 'upkeep of idempotency keys failed'

export function createIdempotency(options: IdempotencyOptions): Idempotency {
  const { database, clock, instance, shared } = options
  let isStopping = false
  const claims = new Claims({ ...options, isStopping: () => isStopping })
  const stops: (() => Promise<void>)[] = []

  const renew = async (): Promise<void> => {
    const calls = claims.running
    if (calls.length > 0)
      await renewClaims(database, { instance, calls, leasedUntilMs: clock.now() + leaseMs })
  }

  return {
    claim: (request, presence) => claims.claim(request, presence),
    limit(limits) {
      claims.limits = limits
    },
    async start() {
      if (!shared) await releaseOthers(database, instance)
      stops.push(
        repeat(options, { waitMs: renewEveryMs, failed }, renew),
        repeat(options, { waitMs: sweepEveryMs, failed }, () =>
          sweep(database, { nowMs: clock.now(), vacuums: !shared }),
        ),
      )
    },
    async stop() {
      isStopping = true
      await claims.settled()
      await Promise.all(stops.map(stop => stop()))
    },
  }
}
