/*
 * The forms in which providers write a time to wait. Each reader gives milliseconds from now, not clamped, and
 * undefined for what is not clearly of its form.
 */

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `7`, `0.5`, `-3`: a number in the unit that the header is known to have. */
export function readPlainWait(text: string, unit: 'ms' | 's'): number | undefined {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) * (unitMs[unit] ?? 1) : undefined
}

/** `6m0s`, `1.5s`, `250ms`, `1h2m` (Go's `time.Duration`, as OpenAI and Groq write their resets). */
export function readDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(text)) return undefined
  let ms = 0
  for (const [, digits, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g))
    ms += Number(digits) * (unitMs[unit ?? ''] ?? 0)
  return ms
}

/** The three forms of an HTTP date (RFC 9110, 5.6.7), and that of RFC 3339. */
const dateForms = [
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2}/,
  /^[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2}/,
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/,
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}/,
]

/** A date that has passed is a negative wait. Where it does not name its zone, it is UTC as all of these are. */
export function readDateWait(text: string, nowMs: number): number | undefined {
  if (!dateForms.some(form => form.test(text))) return undefined
  const hasZone = /(GMT|UTC|Z|[+-]\d{2}:?\d{2})$/.test(text)
  const isoForm = /^\d/.test(text)
  const at = Date.parse(hasZone ? text : isoForm ? `${text}Z` : `${text} GMT`)
  return Number.isNaN(at) ? undefined : at - nowMs
}

/** Numbers this large are no seconds to wait but moments: seconds since 1970 from the first on, milliseconds from the second. */
const epochSeconds = 1e9
const epochMs = 1e12

/** When a limit is reset: seconds to go, a duration, a date, or a moment as a number (OpenRouter: milliseconds since 1970). */
export function readReset(text: string, nowMs: number): number | undefined {
  const number = readPlainWait(text, 'ms')
  if (number === undefined) return readDuration(text) ?? readDateWait(text, nowMs)
  if (number >= epochMs) return number - nowMs
  return number >= epochSeconds ? number * 1_000 - nowMs : number * 1_000
}
