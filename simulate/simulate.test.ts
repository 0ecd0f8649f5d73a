import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { laws } from './laws.ts'
import { type Outcome, simulate } from './world.ts'

const seeds = 200

suite('the way of a call', () => {
  test(`keeps every law in ${seeds} scenarios, and puts every law to the test`, async () => {
    const outcomes: Outcome[] = []
    for (let seed = 1; seed <= seeds; seed++) outcomes.push(await simulate(seed))
    const broken = outcomes.flatMap(({ seed, breaches }) =>
      breaches.map(({ law, detail }) => `npm run simulate -- --seed ${seed} --verbose: "${law}": ${detail}`),
    )
    assert.deepEqual(broken, [])
    for (const law of Object.keys(laws) as (keyof typeof laws)[]) {
      const checks = outcomes.reduce((sum, outcome) => sum + (outcome.checks.get(law) ?? 0), 0)
      assert.ok(checks >= seeds, `"${law}" was put to the test ${checks} times`)
    }
  })

  test('is the same each time for the same seed, to the last byte and millisecond', async () => {
    const traces = new Set<string>()
    for (let seed = 1; seed <= 8; seed++) {
      const { trace } = await simulate(seed)
      assert.equal((await simulate(seed)).trace, trace, `seed ${seed}`)
      traces.add(trace)
    }
    assert.equal(traces.size, 8, 'and another one for another')
  })
})
