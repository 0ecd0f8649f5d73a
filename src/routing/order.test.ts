import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type Target, targetName } from '#exchange'
import { seededChance } from '../../test/support/virtual-clock.ts'
import { type Load, type Ordering, orderTargets, type Weighted } from './order.ts'

const unknown: Load = { underWay: 0, firstTokenMs: undefined }
const weighted = (weights: Record<string, number>): Weighted[] =>
  Object.entries(weights).map(([model, weight]) => ({ target: { provider: 'p', model }, weight }))

function ordering(by: Ordering['by'], loads: Record<string, Partial<Load>> = {}, seed = 1): Ordering {
  const loadOf = ({ model }: Target): Load => ({ ...unknown, ...loads[model] })
  return { by, loadOf, chance: seededChance(seed) }
}

/** How often each comes first, of a thousand. */
function firsts(targets: readonly Weighted[], how: Ordering): Record<string, number> {
  const counts: Record<string, number> = {}
  for (let n = 0; n < 1_000; n++) {
    const model = orderTargets(targets, how)[0]?.model ?? ''
    counts[model] = (counts[model] ?? 0) + 1
  }
  return counts
}

function near(actual: number | undefined, expected: number, within: number): void {
  assert.ok(Math.abs((actual ?? 0) - expected) <= within, `${actual} is not about ${expected}`)
}

test('law: whatever the strategy, each target comes exactly once, so that each stands in for the others', () => {
  const strategy = fc.constantFrom('weight', 'least_loaded', 'fastest')
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 5 }), { maxLength: 8 }), strategy, fc.nat(), (weights, by, seed) => {
      const targets = weights.map((weight, n) => ({ target: { provider: 'p', model: `m${n}` }, weight }))
      const order = orderTargets(targets, ordering(by, { m1: { underWay: 3, firstTokenMs: 9 } }, seed))
      assert.deepEqual(
        order.map(targetName).toSorted(),
        targets.map(({ target }) => targetName(target)).toSorted(),
      )
      // Those of no weight come last: they are only there to stand in.
      const rest = targets.filter(({ weight }) => weight === 0).map(({ target }) => target)
      assert.deepEqual(order.slice(order.length - rest.length), rest)
    }),
  )
})

test('targets in a list keep their order', () => {
  const targets = ['c', 'a', 'b'].map(model => ({ target: { provider: 'p', model } }))
  const loads = { c: { underWay: 9, firstTokenMs: 9 } }
  for (const by of ['weight', 'least_loaded', 'fastest'] as const)
    assert.deepEqual(
      orderTargets(targets, ordering(by, loads)).map(({ model }) => model),
      ['c', 'a', 'b'],
    )
})

test('weights are shares of the calls', () => {
  const counts = firsts(weighted({ a: 3, b: 1, c: 0 }), ordering('weight'))
  near(counts.a, 750, 50)
  near(counts.b, 250, 50)
  assert.equal(counts.c, undefined)
})

suite('the least loaded', () => {
  test('is the one with the fewest calls under way for its weight', () => {
    const targets = weighted({ a: 4, b: 1 })
    assert.deepEqual(firsts(targets, ordering('least_loaded', { a: { underWay: 5 }, b: { underWay: 2 } })), {
      a: 1_000,
    })
    assert.deepEqual(firsts(targets, ordering('least_loaded', { a: { underWay: 12 }, b: { underWay: 2 } })), {
      b: 1_000,
    })
  })

  test('is drawn where there are several', () => {
    const counts = firsts(weighted({ a: 1, b: 1 }), ordering('least_loaded'))
    near(counts.a, 500, 60)
  })
})

suite('the fastest', () => {
  const loads = { a: { firstTokenMs: 300 }, b: { firstTokenMs: 200 }, c: { firstTokenMs: 900 } }

  test('comes first, but for a few calls that learn how each of the others does', () => {
    const counts = firsts(weighted({ a: 1, b: 1, c: 1 }), ordering('fastest', loads))
    near(counts.b, 950, 30)
    near(counts.a, 25, 20)
    near(counts.c, 25, 20)
  })

  test('is not known before each was asked: who was not comes first', () => {
    const counts = firsts(weighted({ a: 1, b: 1 }), ordering('fastest', { a: { firstTokenMs: 1 } }))
    near(counts.b, 950, 30)
  })
})
