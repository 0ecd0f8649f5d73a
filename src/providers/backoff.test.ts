import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededChance } from '../../test/support/virtual-clock.ts'
import { backoffMs } from './backoff.ts'

const chance = fc.integer().map(seededChance)
const retry = fc.nat({ max: 20 })

test('by itself, a wait is anything up to a bound that doubles from half a second to eight', () => {
  fc.assert(
    fc.property(chance, retry, (chance, retry) => {
      const ms = backoffMs({ retry, retryAfterMs: undefined, chance })
      assert.ok(ms >= 0 && ms <= Math.min(8_000, 500 * 2 ** retry))
    }),
  )
})

test('waits are spread over all of that: callers who failed together do not come back together', () => {
  const from = seededChance(7)
  const waits = Array.from({ length: 4_000 }, () =>
    backoffMs({ retry: 4, retryAfterMs: undefined, chance: from }),
  )
  for (let quarter = 0; quarter < 4; quarter++) {
    const within = waits.filter(ms => ms >= quarter * 2_000 && ms < (quarter + 1) * 2_000).length
    assert.ok(within > 900 && within < 1_100, `${within} of 4000 in quarter ${quarter}`)
  }
})

test('nobody comes back before the time that a provider said, nor much later', () => {
  fc.assert(
    fc.property(chance, retry, fc.nat({ max: 60_000 }), (chance, retry, retryAfterMs) => {
      const ms = backoffMs({ retry, retryAfterMs, chance })
      assert.ok(ms >= retryAfterMs && ms <= retryAfterMs + 1_000)
    }),
  )
})
