import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { correctionsOf, entriesOf, type Spent } from './rebuild.ts'
import { ruleSet } from './rule-set.ts'
import { rule } from './stage.contract.ts'

const nowMs = Date.UTC(2026, 10, 21, 12)
const day = rule({ id: 'day' })

function spent(picoUsd: bigint, more: Partial<Spent> = {}): Spent {
  return {
    subject: {
      organization: 'acme',
      project: 'shop',
      keyId: 'k',
      keyName: 'web',
      user: undefined,
      feature: undefined,
      model: 'smart',
      class: 'interactive',
      tags: [],
      environment: undefined,
    },
    provider: 'p',
    target: 'p/m',
    atMs: nowMs - 60_000,
    picoUsd,
    inputTokens: 1,
    outputTokens: 1,
    ...more,
  }
}

async function* booksOf(...all: Spent[]): AsyncGenerator<Spent> {
  yield* all
}

suite('counters made from the ledger', () => {
  test('have what is under way where it will be posted by its hold: its process has died', async () => {
    const books = () => booksOf(spent(5n), spent(70n, { open: { callId: 'call_1', attempt: 1 } }))
    const [atStart] = await entriesOf([day], books, { nowMs, withOpen: true })
    const [later] = await entriesOf([day], books, { nowMs })
    assert.deepEqual([atStart?.amount, later?.amount], [75n, 5n])
  })

  test('follow corrections in their window, and none of before', () => {
    const yesterday = { atMs: nowMs - 24 * 3_600_000 }
    const entries = correctionsOf(ruleSet([day]), [spent(-3n), spent(-9n, yesterday)], nowMs)
    assert.deepEqual(
      entries.map(({ amount }) => amount),
      [-3n],
    )
  })
})
