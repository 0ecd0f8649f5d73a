/** No provider's wait is believed past this: many callers share one reset instant, and some dates are nonsense. */
const longestMs = 3_600_000

type Headers = Readonly<Record<string, string | string[] | undefined>>

/**
 * How long a provider asks us to wait, in milliseconds: `retry-after-ms`, `x-ms-retry-after-ms` (Azure), then
 * `retry-after` in seconds or as an HTTP date (RFC 9110, 10.2.3). Undefined when it does not say, or not clearly.
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const inMs = number(headers['retry-after-ms']) ?? number(headers['x-ms-retry-after-ms'])
  if (inMs !== undefined) return clamp(inMs)
  const seconds = number(headers['retry-after'])
  if (seconds !== undefined) return clamp(seconds * 1000)
  const date = Date.parse(one(headers['retry-after']) ?? '')
  return Number.isNaN(date) ? undefined : clamp(date - nowMs)
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function number(value: string | string[] | undefined): number | undefined {
  const text = one(value)?.trim()
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

/** A wait that a provider named in its body. */
export function clampWait(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : clamp(ms)
}

function clamp(ms: number): number {
  return Math.min(Math.max(Math.ceil(ms), 0), longestMs)
}
