import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Alert } from './alert.ts'
import type { BudgetNote } from './budget-note.ts'
import { BudgetWatch } from './watch-budgets.ts'

const [minuteMs, hourMs] = [60_000, 3_600_000]
const dayMs = 24 * hourMs
const startMs = Date.UTC(2026, 2, 14)
const dollar = 1_000_000_000_000n

function watch({ mostPerHour = 20, burn = false }: { mostPerHour?: number; burn?: boolean } = {}) {
  const raised: Alert[] = []
  const seen = new BudgetWatch({
    raise: alert => raised.push(alert),
    shares: () => [50, 80, 100],
    watchesBurn: () => burn,
    mostPerHour: () => mostPerHour,
  })
  const note = (spentUsd: number, more: Partial<BudgetNote> = {}): void =>
    seen.note({
      rule: 'rule-1',
      name: 'daily',
      subject: 'acme',
      windowKey: 'd1',
      startMs,
      endMs: startMs + dayMs,
      spent: BigInt(Math.round(spentUsd * 1e6)) * (dollar / 1_000_000n),
      most: 10n * dollar,
      nowMs: startMs + hourMs,
      ...more,
    })
  return { raised, note, shares: () => raised.map(({ detail }) => detail.share) }
}

describe('a budget', () => {
  it('is told of at each share once, at the call that reaches it', () => {
    const { raised, note, shares } = watch()
    for (const spent of [1, 4.99, 5, 5, 6, 7.99, 8, 9, 9.999999, 10, 10.5]) note(spent)
    assert.deepEqual(shares(), [50, 80, 100])
    assert.deepEqual(
      raised.map(({ severity }) => severity),
      ['info', 'warning', 'critical'],
    )
    assert.equal(raised[1]?.title, 'Budget "daily" of acme has reached 80 %: $8 of $10 spent.')
    const { detail, endsAtMs } = raised[1] ?? assert.fail()
    assert.deepEqual([detail.spent, detail.limit, detail.unit, endsAtMs], ['8', '10', 'usd', startMs + dayMs])
  })

  it('that passes several shares at once is told of once, at the highest', () => {
    const { note, shares } = watch()
    note(8.5)
    assert.deepEqual(shares(), [80])
  })

  it('is told of anew when it has renewed, and for each subject and rule by itself', () => {
    const { raised, note } = watch()
    note(6)
    note(6, { subject: 'globex' })
    note(6, { rule: 'rule-2' })
    note(6, { windowKey: 'd2', startMs: startMs + dayMs, endMs: startMs + 2 * dayMs, nowMs: startMs + dayMs })
    assert.equal(new Set(raised.map(({ key }) => key)).size, 4)
  })

  it('that was over before is no news, and does not hide the window of now', () => {
    const { note, shares } = watch()
    const today = {
      windowKey: 'd2',
      startMs: startMs + dayMs,
      endMs: startMs + 2 * dayMs,
      nowMs: startMs + dayMs + 1,
    }
    note(6, today)
    note(9, { nowMs: startMs + dayMs + 1 })
    note(6, today)
    assert.deepEqual(shares(), [50])
  })

  it('that was raised is told of again at the shares of the new amount', () => {
    const { raised, note, shares } = watch()
    note(10)
    note(10, { most: 20n * dollar })
    note(16, { most: 20n * dollar })
    assert.deepEqual(shares(), [100, 50, 80])
    assert.equal(new Set(raised.map(({ key }) => key)).size, 3)
  })

  it('is used up when a call is refused for want of the rest, and that is told once', () => {
    const { raised, note, shares } = watch()
    for (let n = 0; n < 3; n++) note(9.9, { refused: true })
    note(10)
    assert.deepEqual(shares(), [100, 80])
    assert.match(raised[0]?.title ?? '', /is used up: \$9\.90 of \$10 spent, and a call was refused\.$/)
  })

  it('is told of at amounts that its owner has named', () => {
    const { note, shares } = watch()
    for (const spent of [1, 2, 3]) note(spent, { alertAt: [2n * dollar] })
    assert.deepEqual(shares(), [20])
  })

  it('that rolls is told of again when its window has passed once', () => {
    const { raised, note } = watch()
    const rolling = (nowMs: number): Partial<BudgetNote> => ({ nowMs, startMs: nowMs - dayMs, endMs: nowMs })
    for (const nowMs of [startMs + 1, startMs + hourMs, startMs + dayMs + 1, startMs + dayMs + hourMs])
      note(6, { windowKey: 'last', ...rolling(nowMs) })
    assert.equal(new Set(raised.map(({ key }) => key)).size, 2)
    assert.equal(raised.length, 2)
  })

  it('of each user does not become a message for each user', () => {
    const { raised, note } = watch({ mostPerHour: 3 })
    for (let n = 0; n < 50; n++) note(10, { subject: `u${n}` })
    const named = raised.filter(({ detail }) => detail.subject !== undefined)
    assert.equal(named.length, 3)
    assert.equal(new Set(raised.map(({ key }) => key)).size, 4)
    assert.match(raised.at(-1)?.title ?? '', /news of more than 3 subjects/)
    note(10, { subject: 'u99', nowMs: startMs + 2 * hourMs })
    assert.equal(raised.at(-1)?.detail.subject, 'u99')
  })

  it('of tokens is told of in tokens', () => {
    const { raised, note } = watch()
    note(0, { spent: 1_600_000n, most: 2_000_000n, unit: 'tokens' })
    assert.match(raised[0]?.title ?? '', /1,600,000 tokens of 2,000,000 tokens spent/)
  })

  it('is told of at exactly the shares that it has passed, in whatever steps it is spent', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 60 })
    fc.assert(
      fc.property(steps, cents => {
        const { note, shares } = watch()
        let spent = 0
        for (const step of cents) {
          spent += step
          note(spent / 100)
        }
        const told = shares()
        assert.equal(new Set(told).size, told.length)
        const highest = [50, 80, 100].filter(share => spent >= share * 10).at(-1)
        assert.equal(told.at(-1), highest)
      }),
    )
  })
})

describe('a budget that will not last', () => {
  const burns = (raised: Alert[]): Alert[] => raised.filter(({ kind }) => kind === 'budget_burn')

  it('is told of once, by the rate of the window so far, with the time at which it will be used up', () => {
    const { raised, note } = watch({ burn: true })
    // $1 an hour: the day's $10 last ten hours.
    for (let minutes = 10; minutes <= 180; minutes += 10)
      note(minutes / 60, { nowMs: startMs + minutes * minuteMs })
    const [burn, ...more] = burns(raised)
    assert.deepEqual(more, [])
    const { used_up_at } = burn?.detail ?? {}
    assert.ok(
      Math.abs(Date.parse(String(used_up_at)) - (startMs + 10 * hourMs)) < minuteMs,
      String(used_up_at),
    )
    assert.match(
      burn?.title ?? '',
      /will be used up at 2026-03-14 (09:59|10:00) UTC, before it renews at 2026-03-15 00:00 UTC/,
    )
  })

  it('is told of by the rate of the last hour, where that is higher', () => {
    const { raised, note } = watch({ burn: true })
    const at = (hours: number): number => startMs + hours * hourMs
    for (let hours = 1; hours <= 12; hours++) note(0.1 * hours, { nowMs: at(hours) })
    assert.deepEqual(burns(raised), [])
    for (let minutes = 5; minutes <= 60; minutes += 5)
      note(1.2 + minutes / 20, { nowMs: at(12) + minutes * minuteMs })
    const [burn] = burns(raised)
    const usedUpMs = Date.parse(String(burn?.detail.used_up_at))
    assert.ok(usedUpMs > at(13) && usedUpMs < at(16), String(burn?.detail.used_up_at))
  })

  it('is not told of before anything is known, nor where it lasts, is used up or never renews', () => {
    const { raised, note } = watch({ burn: true })
    note(1, { nowMs: startMs + minuteMs })
    note(1, { subject: 'lasts', nowMs: startMs + 12 * hourMs })
    note(10, { subject: 'used up', nowMs: startMs + 2 * hourMs })
    note(9, { subject: 'total', endMs: Number.POSITIVE_INFINITY, startMs: 0 })
    note(9, { subject: 'short', startMs, endMs: startMs + minuteMs, nowMs: startMs + minuteMs / 2 })
    assert.deepEqual(burns(raised), [])
  })
})
