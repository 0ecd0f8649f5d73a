import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededChance, VirtualClock } from '../../test/support/virtual-clock.ts'
import { RetryBudgets } from './index.ts'

test('retries are a share of the requests of the last ten seconds', async () => {
  const clock = new VirtualClock()
  const budgets = new RetryBudgets({ clock, share: 0.1, floorPerSecond: 0 })
  for (let n = 0; n < 100; n++) budgets.request('acme', 'one')
  const granted = Array.from({ length: 50 }, () => budgets.take('acme', 'one')).filter(yes => yes)
  assert.equal(granted.length, 10)
  await clock.pass(10_000)
  assert.equal(budgets.take('acme', 'one'), false, 'those requests are long ago')
})

test('who asks seldom may try again all the same', async () => {
  const clock = new VirtualClock()
  const budgets = new RetryBudgets({ clock, share: 0.1, floorPerSecond: 1 })
  budgets.request('acme', 'one')
  const granted = Array.from({ length: 50 }, () => budgets.take('acme', 'one')).filter(yes => yes)
  assert.equal(granted.length, 10, 'one a second, over ten seconds')
  await clock.pass(10_000)
  assert.equal(budgets.take('acme', 'one'), true)
})

test('an organization, or a provider, that has spent its own leaves that of others', () => {
  const budgets = new RetryBudgets({ clock: new VirtualClock(), share: 0, floorPerSecond: 0.1 })
  assert.ok(budgets.take('acme', 'one'))
  assert.ok(!budgets.take('acme', 'one'))
  assert.ok(budgets.take('other', 'one'))
  assert.ok(budgets.take('acme', 'two'))
})

test('law: over any time, retries are no more than the share of the requests, or the floor, of it and ten seconds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 40 }), async (seed, perSecond) => {
      const chance = seededChance(seed)
      const clock = new VirtualClock()
      const budgets = new RetryBudgets({ clock, share: 0.1, floorPerSecond: 1 })
      let [requests, retries] = [0, 0]
      for (let second = 0; second < 60; second++) {
        for (let n = Math.floor(chance.random() * 2 * perSecond); n > 0; n--) {
          await clock.pass(chance.random())
          budgets.request('acme', 'one')
          requests += 1
          for (let tries = 0; tries < 3; tries++) if (budgets.take('acme', 'one')) retries += 1
        }
        await clock.pass(1_000 - (clock.monotonic() % 1_000))
      }
      assert.ok(retries <= 0.1 * requests + 60 + 10, `${retries} retries of ${requests} requests`)
    }),
    { numRuns: 10 },
  )
})
