import type { Chance } from '#platform'

const baseMs = 500
const longestMs = 8_000
/** Many callers share one instant at which a limit is reset: they come back spread over this long, at most. */
const spreadMs = 1_000

/**
 * How long to wait before another attempt, in milliseconds. By itself: anything up to a bound that doubles each time
 * ("full jitter", https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). Where the provider said
 * when to come back: never before that, and a little spread.
 */
export function backoffMs({
  retry,
  retryAfterMs,
  chance,
}: {
  /** How many retries there have been. */
  retry: number
  retryAfterMs: number | undefined
  chance: Chance
}): number {
  if (retryAfterMs !== undefined)
    return retryAfterMs + chance.random() * Math.min(spreadMs, 50 + retryAfterMs / 4)
  return chance.random() * Math.min(longestMs, baseMs * 2 ** retry)
}
