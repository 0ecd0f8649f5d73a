import { changeBetween, createZone, hourMs, minuteMs, type Zone } from './zone.ts'

/** Periods of the calendar, and all of time. */
export type Period = 'minute' | 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'total'

/** From `startMs` to the last millisecond before `endMs`, which is infinite for `total`. */
export interface Span {
  /** Differs from the key of any other span that a rule may have, whatever becomes of its period and zone. */
  readonly key: string
  readonly startMs: number
  readonly endMs: number
}

/** Over which time a rule counts. */
export interface Window {
  /** `day in Europe/Berlin`, `the last 30d`: the same text, the same window. */
  readonly name: string
  /** Present where it is the time up to now instead of a period of the calendar. */
  readonly rolling: Rolling | undefined
  /** The span that an instant lies in. Of a rolling window: the time up to that instant, always under one key. */
  at(ms: number): Span
}

/** The time up to now. What was counted in the same bucket is forgotten together, when all of it is longer ago than the window. */
export interface Rolling {
  readonly windowMs: number
  readonly bucketMs: number
}

/** What a month is where it is not the calendar's: 30 days. A quarter: 90. */
export const periodMs: Readonly<Record<Exclude<Period, 'total'>, number>> = {
  minute: minuteMs,
  hour: hourMs,
  day: 24 * hourMs,
  week: 7 * 24 * hourMs,
  month: 30 * 24 * hourMs,
  quarter: 90 * 24 * hourMs,
}

const always: Span = { key: 'total', startMs: 0, endMs: Number.POSITIVE_INFINITY }

/** A period of the calendar of a time zone; throws a `RangeError` where there is no such zone. */
export function calendarWindow(period: Period, zone: string): Window {
  if (period === 'total') return { name: 'total', rolling: undefined, at: () => always }
  const clock = createZone(zone)
  const find = period === 'minute' || period === 'hour' ? shortSpan : longSpan
  let last: Span = { key: '', startMs: 0, endMs: 0 }
  return {
    name: `${period} in ${zone}`,
    rolling: undefined,
    at(ms) {
      if (ms < last.startMs || ms >= last.endMs) last = find(clock, period, ms)
      return last
    },
  }
}

const buckets = 60
/** The edge of a short window is felt: a caller waits for it. */
const fineBucketMs = 250

/** The time up to now, counted in sixty buckets, or in quarters of a second where it is a minute or less. */
export function rollingWindow(windowMs: number): Window {
  const bucketMs =
    windowMs <= periodMs.minute ? Math.min(windowMs, fineBucketMs) : Math.ceil(windowMs / buckets)
  return {
    name: `the last ${windowMs}ms`,
    rolling: { windowMs, bucketMs },
    at: ms => ({ key: `last${windowMs}`, startMs: ms - windowMs, endMs: ms }),
  }
}

/** For what is counted while it lasts: calls under way. */
export const nowWindow: Window = {
  name: 'now',
  rolling: undefined,
  at: ms => ({ key: 'now', startMs: ms, endMs: ms }),
}

type LongPeriod = 'day' | 'week' | 'month' | 'quarter'

/**
 * Days and what is made of them begin when the local clock first shows their midnight. Where it goes back over
 * midnight, the new day has begun all the same: spans follow each other without gap or overlap.
 */
function longSpan(zone: Zone, period: Period, ms: number): Span {
  const ordinal = ordinalAt(period as LongPeriod, ms + zone.offsetAt(ms))
  const middle = zone.firstAt(startOf(period as LongPeriod, ordinal + 1))
  const isNext = ms >= middle
  const startMs = isNext ? middle : zone.firstAt(startOf(period as LongPeriod, ordinal))
  const endMs = isNext ? zone.firstAt(startOf(period as LongPeriod, ordinal + 2)) : middle
  return { key: keyOf(period, startMs), startMs, endMs }
}

const monthsIn = { month: 1, quarter: 3 }
/** 1970-01-05, the first Monday. */
const firstMondayMs = 4 * periodMs.day

/** Which day, week, month or quarter it is, counted from 1970; `localMs` is local time as if it were UTC. */
function ordinalAt(period: LongPeriod, localMs: number): number {
  if (period === 'day') return Math.floor(localMs / periodMs.day)
  if (period === 'week') return Math.floor((localMs - firstMondayMs) / periodMs.week)
  const date = new Date(localMs)
  return Math.floor(((date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()) / monthsIn[period])
}

function startOf(period: LongPeriod, ordinal: number): number {
  if (period === 'day') return ordinal * periodMs.day
  if (period === 'week') return firstMondayMs + ordinal * periodMs.week
  return Date.UTC(1970, ordinal * monthsIn[period], 1)
}

/**
 * Minutes and hours go on by real time, as the local clock shows them full. An hour that the clock repeats is two;
 * one in which it is changed by less than an hour ends there.
 */
function shortSpan(zone: Zone, period: Period, ms: number): Span {
  const lengthMs = period === 'minute' ? minuteMs : hourMs
  const offset = zone.offsetAt(ms)
  const since = (ms + offset) % lengthMs
  let [startMs, endMs] = [ms - since, ms - since + lengthMs]
  if (zone.offsetAt(startMs) !== offset) startMs = changeBetween(zone.offsetAt, startMs, ms)
  if (zone.offsetAt(endMs - 1) !== offset) endMs = changeBetween(zone.offsetAt, ms, endMs - 1)
  return { key: keyOf(period, startMs), startMs, endMs }
}

function keyOf(period: Period, startMs: number): string {
  return `${period}${startMs / 1_000}`
}
