import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { calendarWindow, type Period, rollingWindow, type Window } from './window.ts'

const zones = Intl.supportedValuesOf('timeZone')
const periods = ['minute', 'hour', 'day', 'week', 'month', 'quarter'] as const satisfies readonly Period[]

const between = (from: string, to: string): [number, number] => [Date.parse(from), Date.parse(to)]
const spanAt = (period: Period, zone: string, at: string): string[] => {
  const { startMs, endMs } = calendarWindow(period, zone).at(Date.parse(at))
  return [startMs, endMs].map(ms => new Date(ms).toISOString())
}
const hoursOf = (zone: string, at: string): number => {
  const { startMs, endMs } = calendarWindow('day', zone).at(Date.parse(at))
  return (endMs - startMs) / 3_600_000
}

describe('windows of the calendar', () => {
  it('tile time in every zone: each instant lies in its span, and the next begins where it ends', () => {
    const [from, to] = between('1975-01-01T00:00:00Z', '2036-01-01T00:00:00Z')
    const instant = fc.integer({ min: from, max: to })
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.constantFrom(...periods), instant, (zone, period, ms) => {
        checkTiles(calendarWindow(period, zone), ms)
      }),
      { numRuns: 1_000 },
    )
  })

  it('tile time around every change of the clock in every zone', () => {
    for (const zone of zones) {
      const changes = changesOf(zone, 2026)
      for (const period of changes.length > 0 ? periods : []) {
        const window = calendarWindow(period, zone)
        for (const awayMs of [-3_600_000, -1, 0, 1_799_999, 86_400_000])
          for (const changeMs of changes) checkTiles(window, changeMs + awayMs)
      }
    }
  })

  it('give a day of 23 and one of 25 hours where the clock is changed', () => {
    assert.equal(hoursOf('Europe/Berlin', '2026-03-29T12:00:00Z'), 23)
    assert.equal(hoursOf('Europe/Berlin', '2026-10-25T12:00:00Z'), 25)
    assert.equal(hoursOf('Australia/Lord_Howe', '2026-10-04T00:00:00Z'), 23.5)
    assert.equal(hoursOf('Asia/Kolkata', '2026-03-29T12:00:00Z'), 24)
  })

  it('begin a day at the jump where the clock jumps over midnight', () => {
    assert.deepEqual(spanAt('day', 'America/Santiago', '2026-09-06T12:00:00Z'), [
      '2026-09-06T04:00:00.000Z', // shown as 01:00
      '2026-09-07T03:00:00.000Z',
    ])
  })

  it('begin a day once where the clock goes back over midnight', () => {
    // St. John's went back from 00:01 to 23:01, two and a half hours behind UTC before and three and a half after.
    const spans = ['02:29:59', '02:30:00', '02:31:00', '03:29:59', '03:30:00'].map(
      time => spanAt('day', 'America/St_Johns', `2010-11-07T${time}Z`)[0],
    )
    assert.deepEqual(spans.slice(1), Array(4).fill('2010-11-07T02:30:00.000Z'))
    assert.notEqual(spans[0], spans[1])
  })

  it('begin a week on Monday, a month on its first and a quarter in January, April, July and October', () => {
    assert.deepEqual(spanAt('week', 'UTC', '2026-08-02T23:59:59.999Z'), [
      '2026-07-27T00:00:00.000Z',
      '2026-08-03T00:00:00.000Z',
    ])
    assert.deepEqual(spanAt('month', 'Europe/Berlin', '2026-07-31T22:00:00Z'), [
      '2026-07-31T22:00:00.000Z',
      '2026-08-31T22:00:00.000Z',
    ])
    assert.deepEqual(spanAt('quarter', 'Asia/Kathmandu', '2026-12-31T18:14:59Z'), [
      '2026-09-30T18:15:00.000Z',
      '2026-12-31T18:15:00.000Z',
    ])
  })

  it('show half hours of a zone as full hours, and count a repeated hour twice', () => {
    assert.deepEqual(spanAt('hour', 'Asia/Kolkata', '2026-01-01T00:00:00Z'), [
      '2025-12-31T23:30:00.000Z',
      '2026-01-01T00:30:00.000Z',
    ])
    const first = spanAt('hour', 'Europe/Berlin', '2026-10-25T00:30:00Z')
    const second = spanAt('hour', 'Europe/Berlin', '2026-10-25T01:30:00Z')
    assert.equal(first[1], second[0])
  })

  it('never end where the period is all of time', () => {
    const span = calendarWindow('total', 'Europe/Berlin').at(0)
    assert.deepEqual([span.startMs, span.endMs], [0, Number.POSITIVE_INFINITY])
  })

  it('refuse a zone that does not exist', () => {
    for (const zone of ['Mars/Olympus', '', 'Europe/Berlin '])
      assert.throws(() => calendarWindow('day', zone), RangeError)
  })

  it('are kept until they are over', () => {
    const window = calendarWindow('day', 'Europe/Berlin')
    const noon = Date.parse('2026-07-01T12:00:00Z')
    assert.equal(window.at(noon), window.at(noon + 3_600_000))
    assert.notEqual(window.at(noon), window.at(noon + 86_400_000))
  })
})

describe('rolling windows', () => {
  it('are counted in quarters of a second up to a minute, and in sixty buckets beyond', () => {
    const buckets = [1_000, 60_000, 3_600_000, 30 * 86_400_000].map(ms => rollingWindow(ms).rolling?.bucketMs)
    assert.deepEqual(buckets, [250, 250, 60_000, 43_200_000])
    assert.equal(rollingWindow(100).rolling?.bucketMs, 100)
  })

  it('keep one key for all time', () => {
    const window = rollingWindow(60_000)
    assert.equal(window.at(0).key, window.at(1e12).key)
  })
})

function checkTiles(window: Window, ms: number): void {
  const span = window.at(ms)
  const where = `${window.name} at ${new Date(ms).toISOString()}`
  assert(span.startMs <= ms && ms < span.endMs, where)
  const [before, next] = [window.at(span.startMs - 1), window.at(span.endMs)]
  assert.deepEqual([window.at(span.startMs), window.at(span.endMs - 1)], [span, span], where)
  assert.equal(before.endMs, span.startMs, where)
  assert.equal(next.startMs, span.endMs, where)
  assert.equal(new Set([before.key, span.key, next.key]).size, 3, where)
}

/** The instants of a year at which a zone's clock is changed, to the second. */
function changesOf(zone: string, year: number): number[] {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
  const offsetAt = (ms: number): string => format.format(ms).replace(/^.*GMT/, '')
  const found: number[] = []
  const dayMs = 86_400_000
  for (let ms = Date.UTC(year, 0, 1); ms < Date.UTC(year + 1, 0, 1); ms += 7 * dayMs) {
    if (offsetAt(ms) === offsetAt(ms + 7 * dayMs)) continue
    let [low, high] = [ms / 1_000, ms / 1_000 + 7 * 86_400]
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (offsetAt(middle * 1_000) === offsetAt(high * 1_000)) high = middle
      else low = middle
    }
    found.push(high * 1_000)
  }
  return found
}
