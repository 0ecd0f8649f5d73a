import type { Clock } from '#platform'

export interface Allowance {
  allowed: boolean
  limit: number
  remaining: number
  /** Until the window is as good as new. */
  resetMs: number
  /** Until the same again would be allowed; 0 if it is now. */
  retryMs: number
}

const windowMs = 60_000
const maxWindows = 10_000

/** So many a minute, requests or tokens, as a bucket that refills evenly, one for each name. */
export class RateWindows {
  readonly #clock: Clock
  readonly #buckets = new Map<string, { level: number; atMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What is more than the whole bucket holds is never allowed. */
  take(name: string, limit: number, amount = 1): Allowance {
    const now = this.#clock.monotonic()
    const bucket = this.#buckets.get(name) ?? this.#open(name, limit, now)
    const refillMs = windowMs / limit
    bucket.level = Math.min(limit, bucket.level + (now - bucket.atMs) / refillMs)
    bucket.atMs = now
    const allowed = bucket.level >= amount
    if (allowed) bucket.level -= amount
    return {
      allowed,
      limit,
      remaining: Math.floor(bucket.level),
      resetMs: Math.ceil((limit - bucket.level) * refillMs),
      retryMs: Math.max(0, Math.ceil((Math.min(amount, limit) - bucket.level) * refillMs)),
    }
  }

  #open(name: string, limit: number, now: number) {
    if (this.#buckets.size >= maxWindows) this.#buckets.delete(this.#buckets.keys().next().value ?? '')
    const bucket = { level: limit, atMs: now }
    this.#buckets.set(name, bucket)
    return bucket
  }
}
