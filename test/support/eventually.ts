const deadlineMs = 15_000
/** At first; who has waited for long asks less often, since asking is most of what waiting costs. */
const everyMs = 20
const everyMsAtMost = 100

/**
 * Asks again until there is an answer other than undefined or false, for what only polling can tell. Rejects with
 * `what` was waited for when the deadline has passed. `steady`: no less often than at first, for a probe that itself
 * moves things on, such as a clock.
 */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  { steady = false } = {},
): Promise<T> {
  const beganAt = Date.now()
  for (;;) {
    const answer = await probe()
    if (answer !== undefined && answer !== false) return answer
    const waitedMs = Date.now() - beganAt
    if (waitedMs > deadlineMs) throw new Error(`Not within ${deadlineMs} ms: ${what}`)
    const restMs = steady ? everyMs : Math.min(Math.max(everyMs, waitedMs / 20), everyMsAtMost)
    await new Promise(resolve => setTimeout(resolve, restMs))
  }
}
