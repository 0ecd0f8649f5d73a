type Headers = Readonly<Record<string, string | string[] | undefined>>

/** Something that a provider says is used up. */
export interface UsedUp {
  of: 'requests' | 'tokens'
  /** In all, if it says. */
  limit: number | undefined
  remaining: number
  /** Until there is as much as ever again. */
  resetMs: number
}

interface Names {
  of: UsedUp['of']
  limit: string
  remaining: string
  reset: string
}

/** No reset is believed past this. */
const longestResetMs = 24 * 3_600_000

/**
 * OpenAI (https://platform.openai.com/docs/guides/rate-limits), and whoever speaks as it does; Anthropic
 * (https://docs.anthropic.com/en/api/rate-limits); and the fields of early drafts of the IETF's RateLimit header
 * (draft-ietf-httpapi-ratelimit-headers-06).
 */
const known: readonly Names[] = [
  ...(['requests', 'tokens'] as const).map(of => ({
    of,
    limit: `x-ratelimit-limit-${of}`,
    remaining: `x-ratelimit-remaining-${of}`,
    reset: `x-ratelimit-reset-${of}`,
  })),
  ...(['requests', 'tokens', 'input-tokens', 'output-tokens'] as const).map(what => ({
    of: what === 'requests' ? ('requests' as const) : ('tokens' as const),
    limit: `anthropic-ratelimit-${what}-limit`,
    remaining: `anthropic-ratelimit-${what}-remaining`,
    reset: `anthropic-ratelimit-${what}-reset`,
  })),
  { of: 'requests', limit: 'ratelimit-limit', remaining: 'ratelimit-remaining', reset: 'ratelimit-reset' },
]

/**
 * What of a provider's limits is used up, as far as its answer's headers say so clearly: less remains than is needed.
 * Where several are, the one that takes longest. `nowMs` is the time of day, to read dates by.
 */
export function usedUp(headers: Headers, need: { tokens: number }, nowMs: number): UsedUp | undefined {
  let longest = readRateLimit(headers)
  for (const names of known) {
    const told = headers[names.remaining]
    if (typeof told !== 'string') continue
    const remaining = Number(told)
    if (told === '' || !(remaining < (names.of === 'requests' ? 1 : need.tokens))) continue
    const resetMs = readReset(headers[names.reset], nowMs)
    if (resetMs === undefined || resetMs <= (longest?.resetMs ?? 0)) continue
    longest = { of: names.of, limit: readCount(headers[names.limit]), remaining, resetMs }
  }
  return longest
}

/** `"default";r=0;t=30`, of later drafts: seconds until the quota is back. */
export function readRateLimit(headers: Headers): UsedUp | undefined {
  const told = headers.ratelimit
  if (typeof told !== 'string') return undefined
  const [, remaining, seconds] = /^[^,]*;\s*r=(\d+)\s*;\s*t=(\d+)/.exec(told) ?? []
  if (seconds === undefined || Number(remaining) > 0) return undefined
  return { of: 'requests', limit: undefined, remaining: 0, resetMs: clamp(Number(seconds) * 1000) }
}

/** `6m0s`, `12ms`, `1h2m3.5s`; seconds; or a date. */
export function readReset(value: string | string[] | undefined, nowMs: number): number | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) < 1e8 ? clamp(Number(value) * 1000) : undefined
  if (/^(\d+(\.\d+)?(ms|[dhms]))+$/.test(value)) {
    const parts = value.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)
    return clamp(
      [...parts].reduce((sum, [, digits, unit]) => sum + Number(digits) * (unitMs[unit ?? ''] ?? 0), 0),
    )
  }
  const date = /^\d{4}-\d{2}-\d{2}T/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(date) ? undefined : clamp(date - nowMs)
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function readCount(value: string | string[] | undefined): number | undefined {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : undefined
}

function clamp(ms: number): number {
  return Math.min(Math.max(Math.ceil(ms), 0), longestResetMs)
}
