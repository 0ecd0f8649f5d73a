import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { correctionsOf, entriesOf, type Spent } from './rebuild.ts'
import { ruleSet } from './rule-set.ts'
import { rule, spentAt } from './stage.contract.ts'

const nowMs = Date.UTC(2026, 10, 21, 12)
const day = rule({ id: 'day' })

async function* booksOf(...all: Spent[]): AsyncGenerator<Spent> {
  yield* all
}

suite('counters made from the ledger', () => {
  test('have what is under way where it will be posted by its hold: its process has died', async () => {
    const books = () =>
      booksOf(
        spentAt(nowMs - 60_000, 5n),
        spentAt(nowMs - 60_000, 70n, { open: { callId: 'call_1', attempt: 1 } }),
      )
    const [atStart] = await entriesOf([day], books, { nowMs, withOpen: true })
    const [later] = await entriesOf([day], books, { nowMs })
    assert.deepEqual([atStart?.amount, later?.amount], [75n, 5n])
  })

  test('follow corrections in their window, and none of before', () => {
    const yesterday = { atMs: nowMs - 24 * 3_600_000 }
    const entries = correctionsOf(
      ruleSet([day]),
      [spentAt(nowMs - 60_000, -3n), spentAt(nowMs - 60_000, -9n, yesterday)],
      nowMs,
    )
    assert.deepEqual(
      entries.map(({ amount }) => amount),
      [-3n],
    )
  })
})
