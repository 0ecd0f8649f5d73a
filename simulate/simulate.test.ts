import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { Aside } from './aside.ts'
import { laws } from './laws.ts'

const seeds = 200
/** As many to a test: each has its own time. */
const atOnce = 50
const pairs = 4

suite('the way of a call', () => {
  const aside = new Aside()
  after(() => aside.close())
  const checks = new Map<string, number>()

  for (let first = 1; first <= seeds; first += atOnce) {
    const last = first + atOnce - 1
    test(`keeps every law in scenarios ${first} to ${last}`, async () => {
      const broken: string[] = []
      for (let seed = first; seed <= last; seed++) {
        const outcome = await aside.simulate(seed)
        for (const [law, count] of outcome.checks) checks.set(law, (checks.get(law) ?? 0) + count)
        for (const { law, detail } of outcome.breaches)
          broken.push(`npm run simulate -- --seed ${seed} --verbose: "${law}": ${detail}`)
      }
      assert.deepEqual(broken, [])
    })
  }

  test('puts every law to the test', () => {
    for (const law of Object.keys(laws)) {
      const count = checks.get(law) ?? 0
      assert.ok(count >= seeds / 2, `"${law}" was put to the test ${count} times`)
    }
  })

  test('is the same each time for the same seed, to the last byte and millisecond', async () => {
    const traces = new Set<string>()
    for (let seed = 1; seed <= pairs; seed++) {
      const { trace } = await aside.simulate(seed)
      assert.equal((await aside.simulate(seed)).trace, trace, `seed ${seed}`)
      traces.add(trace)
    }
    assert.equal(traces.size, pairs, 'and another one for another')
  })
})
