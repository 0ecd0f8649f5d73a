import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { systemChance } from '#platform'
import { createCredential, digest, hint, isWellFormed } from './credential.ts'

const roles = ['key', 'admin'] as const

describe('credential', () => {
  it('is well formed as it is made, and shows nothing of its random part in the hint', () => {
    for (const role of roles) {
      const credential = createCredential(systemChance, role)
      assert.match(credential, role === 'admin' ? /^sk-sluice-admin-[\w-]{49}$/ : /^sk-sluice-[\w-]{49}$/)
      assert(isWellFormed(credential))
      assert.equal(
        hint(credential, role),
        `sk-sluice-${role === 'admin' ? 'admin-' : ''}…${credential.slice(-4)}`,
      )
    }
  })

  it('keeps its format: the same bits make the same credential for ever', () => {
    const chance = { random: () => 0, bytes: (count: number) => Buffer.alloc(count, 1) }
    assert.equal(
      createCredential(chance, 'key'),
      'sk-sluice-AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEG4aZIQ',
    )
  })

  it('is not well formed with any one character changed, left out or doubled', () => {
    const wrong = fc.record({ at: fc.nat(), role: fc.constantFrom(...roles), how: fc.nat({ max: 2 }) })
    fc.assert(
      fc.property(wrong, ({ at, role, how }) => {
        const credential = createCredential(systemChance, role)
        const place = at % credential.length
        const char = credential.charAt(place)
        const instead = [char === 'A' ? 'B' : 'A', '', char + char][how]
        const spoiled = `${credential.slice(0, place)}${instead}${credential.slice(place + 1)}`
        return spoiled === credential || !isWellFormed(spoiled)
      }),
      { numRuns: 300 },
    )
  })

  it('takes any string for a credential that is not ours', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => !isWellFormed(text) && digest(text).length === 64),
    )
  })
})
