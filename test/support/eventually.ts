const deadlineMs = 15_000
const everyMs = 20

/**
 * Asks again until there is an answer other than undefined or false, for what only polling can tell. Rejects with
 * `what` was waited for when the deadline has passed.
 */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const giveUpAt = Date.now() + deadlineMs
  for (;;) {
    const answer = await probe()
    if (answer !== undefined && answer !== false) return answer
    if (Date.now() > giveUpAt) throw new Error(`Not within ${deadlineMs} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, everyMs))
  }
}
