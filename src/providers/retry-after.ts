import { readRateLimit } from './lane-headers.ts'
import { readDateWait, readDuration, readPlainWait, readReset } from './wait-forms.ts'

/** No provider's wait is believed past this: many callers share one reset instant, and some dates are nonsense. */
const longestMs = 3_600_000

type Headers = Readonly<Record<string, string | string[] | undefined>>

/**
 * How long a provider asks us to wait, in milliseconds: `retry-after-ms`, `x-ms-retry-after-ms` (Azure), then
 * `retry-after` in seconds, as a duration or as a date (RFC 9110, 10.2.3), from nothing to an hour. Undefined when it
 * does not say, or not clearly.
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  for (const name of ['retry-after-ms', 'x-ms-retry-after-ms']) {
    const text = textOf(headers[name])
    const waitMs = readPlainWait(text, 'ms') ?? readDuration(text)
    if (waitMs !== undefined) return clamp(waitMs)
  }
  const text = textOf(headers['retry-after'])
  return clampWait(readPlainWait(text, 's') ?? readDuration(text) ?? readDateWait(text, nowMs))
}

/** `anthropic-ratelimit-requests-reset`; `x-ratelimit-reset-tokens`, `x-ratelimit-reset`, `ratelimit-reset`. Beside them, `ratelimit`. */
const resetNames = /^(?:(anthropic-ratelimit-.+-)reset|((?:x-)?ratelimit-)reset(-.+)?)$/

/**
 * How long it takes until all limits that are used up are reset, in milliseconds, from nothing to an hour: by the
 * `reset` of those whose `remaining` is 0. For an answer that says that a limit is why it refuses. Sources:
 * https://platform.openai.com/docs/guides/rate-limits and https://docs.anthropic.com/en/api/rate-limits.
 */
export function limitResetMs(headers: Headers, nowMs: number): number | undefined {
  let longest = clampWait(readRateLimit(headers)?.resetMs)
  for (const name of Object.keys(headers)) {
    const [match, anthropic, plain, what = ''] = resetNames.exec(name) ?? []
    if (match === undefined) continue
    const remaining = anthropic === undefined ? `${plain}remaining${what}` : `${anthropic}remaining`
    const left = readPlainWait(textOf(headers[remaining]), 'ms')
    if (left === undefined || left > 0) continue
    const waitMs = clampWait(readReset(textOf(headers[name]), nowMs))
    if (waitMs !== undefined) longest = Math.max(longest ?? 0, waitMs)
  }
  return longest
}

function textOf(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value)?.trim() ?? ''
}

/** A wait that a provider named in its body. */
export function clampWait(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : clamp(ms)
}

function clamp(ms: number): number {
  return Math.min(Math.max(Math.ceil(ms), 0), longestMs)
}
