/** What each call earns, and what a hedge costs, in whole numbers: shares of calls add up exactly. */
const wholeHedge = 1_000_000
/** As much is saved up, and no more: a target that turns slow is not met with a burst. */
const mostSaved = 10 * wholeHedge
/** Pairs of an organization and a model that are kept; past them the oldest begin anew, with nothing saved. */
const mostPools = 10_000

/**
 * Bounds what is asked twice: each call that could be hedged earns a share of a hedge, which takes a whole one. Over
 * any time there are no more hedges than that share of the calls, and those saved up before it. (A token bucket
 * filled by calls, as gRPC throttles its hedges by: https://github.com/grpc/proposal/blob/master/A6-client-retries.md)
 */
export class HedgeBudgets {
  readonly #pools = new Map<string, { saved: number }>()

  /** A call that could be hedged begins; `share` is 0 to 1. */
  earn(organization: string, model: string, share: number): void {
    const pool = this.#pool(organization, model)
    pool.saved = Math.min(mostSaved, pool.saved + Math.round(share * wholeHedge))
  }

  /** Takes a hedge, if one has been earned. */
  take(organization: string, model: string): boolean {
    const pool = this.#pool(organization, model)
    if (pool.saved < wholeHedge) return false
    pool.saved -= wholeHedge
    return true
  }

  /** One that was taken has not been made. */
  giveBack(organization: string, model: string): void {
    const pool = this.#pool(organization, model)
    pool.saved = Math.min(mostSaved, pool.saved + wholeHedge)
  }

  #pool(organization: string, model: string): { saved: number } {
    const key = `${organization} ${model}`
    const known = this.#pools.get(key)
    if (known) return known
    if (this.#pools.size >= mostPools) {
      const [oldest = ''] = this.#pools.keys()
      this.#pools.delete(oldest)
    }
    const pool = { saved: 0 }
    this.#pools.set(key, pool)
    return pool
  }
}
