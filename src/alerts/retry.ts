import type { Chance } from '#platform'

const [secondMs, minuteMs, hourMs] = [1_000, 60_000, 3_600_000]

/**
 * Waits between attempts: those that Standard Webhooks gives as an example, and one that makes the last attempt come
 * a day after the first (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
 */
const waitsMs = [
  5 * secondMs,
  5 * minuteMs,
  30 * minuteMs,
  2 * hourMs,
  5 * hourMs,
  10 * hourMs,
  6 * hourMs + 24 * minuteMs + 55 * secondMs,
]

/** A receiver may put off the next attempt so far, and no farther. */
const longestPutOffMs = 6 * hourMs
/** So that receivers that failed together are not asked together. */
const jitter = 0.1

/** How long to wait after an attempt (the first is 1) that failed; undefined when that was the last. */
export function waitAfter(
  attempt: number,
  { askedMs = 0, chance }: { askedMs?: number | undefined; chance: Chance },
): number | undefined {
  const waitMs = waitsMs[attempt - 1]
  if (waitMs === undefined) return undefined
  return Math.round(Math.max(waitMs * (1 + jitter * chance.random()), Math.min(askedMs, longestPutOffMs)))
}
