import type { Clock } from '#platform'

export interface RetryBudgetOptions extends RetryBounds {
  clock: Clock
}

export interface RetryBounds {
  /** Of the requests, as much may be retries. */
  share: number
  /** So many a second may be retries in any case: else who asks seldom could never try again. */
  floorPerSecond: number
}

/** Seconds that are looked at. */
const windowSeconds = 10
/** Pairs of an organization and a provider that are kept; past them the oldest begin anew. */
const mostPools = 10_000

/**
 * Bounds the retries of each organization at each provider, so that an outage does not multiply: within the last ten
 * seconds, a share of the requests, or a floor where that is more (the larger of the two, not both). After Finagle's
 * retry budgets (https://finagle.github.io/blog/2016/02/08/retry-budgets/).
 */
export class RetryBudgets {
  readonly #options: RetryBudgetOptions
  readonly #pools = new Map<string, Pool>()

  constructor(options: RetryBudgetOptions) {
    this.#options = options
  }

  /** A call goes to this provider for the first time. */
  request(organization: string, provider: string): void {
    this.#pool(organization, provider).count('requests', this.#second())
  }

  /** Takes a retry, if there is one left. */
  take(organization: string, provider: string, bounds: RetryBounds = this.#options): boolean {
    const { share, floorPerSecond } = bounds
    const pool = this.#pool(organization, provider)
    const second = this.#second()
    const most = Math.max(floorPerSecond * windowSeconds, share * pool.sum('requests', second))
    if (pool.sum('retries', second) + 1 > most) return false
    pool.count('retries', second)
    return true
  }

  #second(): number {
    return Math.floor(this.#options.clock.monotonic() / 1_000)
  }

  #pool(organization: string, provider: string): Pool {
    const key = `${provider} ${organization}`
    const known = this.#pools.get(key)
    if (known) return known
    if (this.#pools.size >= mostPools) {
      const [oldest = ''] = this.#pools.keys()
      this.#pools.delete(oldest)
    }
    const pool = new Pool()
    this.#pools.set(key, pool)
    return pool
  }
}

class Pool {
  readonly #counts = { requests: new Uint32Array(windowSeconds), retries: new Uint32Array(windowSeconds) }
  #second = 0

  count(what: 'requests' | 'retries', second: number): void {
    this.#moveTo(second)
    const counts = this.#counts[what]
    const at = second % windowSeconds
    counts[at] = (counts[at] ?? 0) + 1
  }

  sum(what: 'requests' | 'retries', second: number): number {
    this.#moveTo(second)
    let sum = 0
    for (const count of this.#counts[what]) sum += count
    return sum
  }

  #moveTo(second: number): void {
    for (let behind = Math.min(second - this.#second, windowSeconds); behind > 0; behind--) {
      const emptied = (second - behind + 1) % windowSeconds
      this.#counts.requests[emptied] = 0
      this.#counts.retries[emptied] = 0
    }
    this.#second = second
  }
}
