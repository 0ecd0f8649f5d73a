import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { Aside } from './aside.ts'
import { faultyParts } from './faulty-parts.ts'
import { type Law, laws } from './laws.ts'

const mostSeeds = 40

suite('the laws', () => {
  const aside = new Aside()
  after(() => aside.close())

  test('have a faulty part each', () => {
    const seen = new Set(faultyParts.map(({ law }) => law))
    assert.deepEqual(
      Object.keys(laws).filter(law => !seen.has(law as Law)),
      [],
    )
  })

  for (const [at, { what, law, seed: first }] of faultyParts.entries()) {
    test(`see ${what}`, async () => {
      for (let seed = first; seed < first + mostSeeds; seed += 1) {
        const { breaches } = await aside.simulate(seed, at)
        if (breaches.some(breach => breach.law === law)) return
      }
      assert.fail(`no breach of "${law}" in ${mostSeeds} seeds`)
    })
  }
})
