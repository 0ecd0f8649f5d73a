/** A place's clock, by the time zone database that the runtime carries (`Intl`). */
export interface Zone {
  /** What is to be added to UTC to have the local time, in milliseconds, at an instant. */
  offsetAt(ms: number): number
  /** The first instant at which the local clock shows `localMs` (as if it were UTC) or later. */
  firstAt(localMs: number): number
}

const minuteMs = 60_000
const hourMs = 3_600_000

/** No zone has ever been further from UTC, and none changes its clock twice within two such spans. */
const furthestMs = 16 * hourMs

const utc: Zone = { offsetAt: () => 0, firstAt: localMs => localMs }

/** Throws a `RangeError` where the runtime knows no such zone. */
export function createZone(name: string): Zone {
  if (name === 'UTC') return utc
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  if (format.resolvedOptions().timeZone === 'UTC') return utc
  const offsetAt = (ms: number): number => {
    const part: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {}
    for (const { type, value } of format.formatToParts(ms)) part[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1_000) * 1_000
  }
  return { offsetAt, firstAt: localMs => firstAt(offsetAt, localMs) }
}

function firstAt(offsetAt: Zone['offsetAt'], localMs: number): number {
  const [before, after] = [offsetAt(localMs - furthestMs), offsetAt(localMs + furthestMs)]
  if (before === after) return localMs - before
  const change = changeBetween(offsetAt, localMs - furthestMs, localMs + furthestMs)
  // Where the clock goes back over it, it is shown twice, and the first time counts; where the clock jumps over
  // it, it is never shown, and the jump itself counts.
  return localMs - before < change ? localMs - before : Math.max(change, localMs - after)
}

/** The first instant with the offset that stands at `to`, where there is one change after `from`. To the second. */
export function changeBetween(offsetAt: Zone['offsetAt'], from: number, to: number): number {
  const after = offsetAt(to)
  let [low, high] = [Math.floor(from / 1_000), Math.ceil(to / 1_000)]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(middle * 1_000) === after) high = middle
    else low = middle
  }
  return high * 1_000
}

export { hourMs, minuteMs }
