import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { seededChance } from '../../test/support/virtual-clock.ts'
import { findChanges, type SpendRow } from './watch-spend.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const nowMs = Date.UTC(2026, 2, 16, 9) // a Monday
const rules = { factor: 3, floorPicoUsd: 5_000_000_000_000n }

/** What one feature costs in each hour, in US dollars; undefined: it was not there. */
type Course = (atMs: number) => number | undefined

function changes(courses: Record<string, Course>, more = rules) {
  const read = async (fromMs: number, toMs: number): Promise<SpendRow[]> => {
    assert.equal(toMs - fromMs, hourMs)
    return Object.entries(courses).flatMap(([name, course]) => {
      const usd = course(fromMs)
      const [organization = '', project = '', feature = null] = name.split('/')
      const costPicoUsd = BigInt(Math.round((usd ?? 0) * 1e6)) * 1_000_000n
      return usd === undefined ? [] : [{ organization, project, feature, costPicoUsd }]
    })
  }
  return findChanges(read, nowMs, more)
}

const then =
  (now: number, before: Course): Course =>
  atMs =>
    atMs === nowMs ? now : before(atMs)
const steady: Course = atMs => 10 + ((atMs / hourMs) % 3)
const isWeekend = (atMs: number): boolean => [0, 6].includes(new Date(atMs).getUTCDay())

describe('the spend of an hour', () => {
  it('that is as usual is no news', async () => {
    assert.deepEqual(await changes({ 'acme/shop/chat': steady }), [])
    assert.deepEqual(await changes({ 'acme/shop/chat': then(25, steady) }), [], 'not three times as much')
  })

  it('that is far more than usual is told of once, at the widest place, with its parts', async () => {
    const [alert, ...more] = await changes({
      'acme/shop/chat': then(200, steady),
      'acme/blog/chat': steady,
      'globex/shop/chat': steady,
    })
    assert.deepEqual(more, [])
    assert.equal(alert?.key, 'spend_change/acme/2026-03-16T09')
    assert.match(
      alert?.title ?? '',
      /^acme spent far more than usual in the hour from 2026-03-16 09:00 UTC: \$2\d\d.*, usually \$2\d\.$/,
    )
    assert.deepEqual(
      ((alert?.detail.parts ?? []) as { of: string }[]).map(({ of }) => of),
      ['shop', 'shop/chat'],
    )
  })

  it('is told of by its project or feature where the whole is as usual', async () => {
    const [alert] = await changes({ 'acme/shop/chat': () => 1_000, 'acme/shop/search': then(200, steady) })
    assert.equal(alert?.key, 'spend_change/acme/shop/search/2026-03-16T09')
  })

  it('that is far less than usual is told of more quietly', async () => {
    const [alert] = await changes({ 'acme/shop/chat': then(1, steady) })
    assert.deepEqual([alert?.severity, alert?.detail.direction], ['info', 'fall'])
    const [gone] = await changes({ 'acme/shop/chat': atMs => (atMs === nowMs ? undefined : steady(atMs)) })
    assert.equal(gone?.detail.spent_usd, '0')
  })

  it('of small change is no news, however many times as much it is', async () => {
    assert.deepEqual(await changes({ 'acme/shop/chat': then(4, () => 0.01) }), [])
  })

  it('of a Monday is held against Mondays as well, not against a weekend alone', async () => {
    const office: Course = atMs => (isWeekend(atMs) ? 1 : 50)
    assert.deepEqual(await changes({ 'acme/shop/chat': office }), [])
    const mondays: Course = atMs => (new Date(atMs).getUTCDay() === 1 ? 60 : 2)
    assert.deepEqual(await changes({ 'acme/shop/chat': mondays }), [])
  })

  it('says nothing while too little is known of what is usual', async () => {
    const fresh: Course = atMs => (atMs > nowMs - 3 * dayMs ? 100 : undefined)
    assert.deepEqual(await changes({ 'acme/shop/chat': fresh }), [])
  })

  it('is not made usual by one bad day', async () => {
    const course: Course = atMs => (atMs === nowMs - 2 * dayMs ? 5_000 : steady(atMs))
    const [alert] = await changes({ 'acme/shop/chat': then(500, course) })
    assert.equal(alert?.detail.direction, 'rise')
  })

  it('that only wavers is no news, whatever the size and the seed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), fc.nat(10_000), async (level, seed) => {
        const course: Course = atMs => level * (0.7 + 0.6 * seededChance(seed + atMs / hourMs).random())
        assert.deepEqual(await changes({ 'acme/shop/chat': course }), [])
      }),
      { numRuns: 50 },
    )
  })
})
