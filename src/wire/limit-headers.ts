import type { CallerDialect, LimitStanding } from '#exchange'

/**
 * How limits stand, in the headers of the caller's dialect: Anthropic's with the moment of the reset (RFC 3339;
 * platform.claude.com/docs/en/api/rate-limits), OpenAI's with the time until it (`6m0s`;
 * developers.openai.com/api/docs/guides/rate-limits). Gemini has none of its own, and gets OpenAI's. `limits`:
 * one of a kind.
 */
export function limitHeaders(
  dialect: CallerDialect,
  { limits, nowMs }: { limits: readonly LimitStanding[]; nowMs: number },
): Record<string, string> {
  const headers: Record<string, string> = {}
  const isAnthropic = dialect.startsWith('anthropic-')
  for (const limit of limits) {
    const kind = limit.kind.replace('_', '-')
    const [most, left] = [whole(limit.most), whole(Math.min(limit.left, limit.most))]
    const resetMs = Math.max(0, Math.ceil(limit.resetMs))
    if (isAnthropic) {
      headers[`anthropic-ratelimit-${kind}-limit`] = most
      headers[`anthropic-ratelimit-${kind}-remaining`] = left
      headers[`anthropic-ratelimit-${kind}-reset`] = moment(nowMs + resetMs)
    } else {
      headers[`x-ratelimit-limit-${kind}`] = most
      headers[`x-ratelimit-remaining-${kind}`] = left
      headers[`x-ratelimit-reset-${kind}`] = duration(resetMs)
    }
  }
  return headers
}

/** Headers that tell of limits, ours or a provider's. */
export const limitHeader = /^(x|anthropic)-ratelimit-/

/** A limit can be larger than a header should say; nothing is left of one that was lowered. */
function whole(count: number): string {
  return String(Math.floor(Math.min(Math.max(count, 0), Number.MAX_SAFE_INTEGER)))
}

const secondMs = 1_000
const latestMs = 8_640_000_000_000_000

/** To the second that is not too early. */
function moment(ms: number): string {
  const at = Math.min(Math.ceil(ms / secondMs) * secondMs, latestMs)
  return new Date(at).toISOString().replace('.000Z', 'Z')
}

/** As Go writes a `time.Duration`: `120ms`, `1s`, `6m0s`, `1h0m0.5s`. */
function duration(ms: number): string {
  if (ms < secondMs) return `${ms}ms`
  const seconds = `${(ms % 60_000) / secondMs}s`
  if (ms < 60_000) return seconds
  const minutes = `${Math.floor(ms / 60_000) % 60}m${seconds}`
  return ms < 3_600_000 ? minutes : `${Math.floor(ms / 3_600_000)}h${minutes}`
}
