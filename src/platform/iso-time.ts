let second = Number.NaN
let prefix = ''

/** `2026-11-21T01:02:03.456Z`. Times of a busy second differ in three digits: only those are written anew. */
export function isoTime(ms: number): string {
  const whole = Math.floor(ms)
  const at = Math.floor(whole / 1000)
  if (at !== second) {
    prefix = new Date(at * 1000).toISOString().slice(0, 20)
    second = at
  }
  return `${prefix}${String(whole - at * 1000).padStart(3, '0')}Z`
}

/** Milliseconds of a time in ISO 8601; NaN where there is no such day: `Date.parse` takes 30 February for 2 March. */
export function parseTime(text: string): number {
  const day = text.slice(0, 10)
  const dayMs = Date.parse(day)
  return Number.isNaN(dayMs) || isoTime(dayMs).slice(0, 10) !== day ? Number.NaN : Date.parse(text)
}
