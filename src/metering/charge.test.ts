import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createMarkup } from '#metering'

describe('charges the cost times a factor', () => {
  const { chargeOf } = createMarkup({ '*': '1.2', acme: '1.1', 'acme/website': '1', free: '0' })

  test('of the project before that of its organization, before that of all', () => {
    assert.equal(chargeOf(1_000n, 'acme', 'website'), 1_000n)
    assert.equal(chargeOf(1_000n, 'acme', 'app'), 1_100n)
    assert.equal(chargeOf(1_000n, 'other', 'website'), 1_200n)
    assert.equal(chargeOf(1_000n, 'free', 'website'), 0n)
  })

  test('to the pico-dollar, half of one up, and a correction the same way back', () => {
    const half = createMarkup({ '*': '0.5' })
    assert.equal(half.chargeOf(3n, 'acme', 'website'), 2n)
    assert.equal(half.chargeOf(-3n, 'acme', 'website'), -2n)
    assert.equal(createMarkup({ '*': '1.000001' }).chargeOf(499_999n, 'a', 'b'), 499_999n)
    assert.equal(createMarkup({ '*': '1.000001' }).chargeOf(500_000n, 'a', 'b'), 500_001n)
  })
})

test('charges the cost where there is no factor', () => {
  fc.assert(
    fc.property(fc.bigInt(), cost => {
      assert.equal(createMarkup().chargeOf(cost, 'acme', 'website'), cost)
      assert.equal(createMarkup({ other: '2' }).chargeOf(cost, 'acme', 'website'), cost)
    }),
  )
})

test('refuses what is no factor', () => {
  for (const factor of ['-1', '1e3', 'NaN', 'Infinity', '', '1.0000001', '20%', '1,2', '1000000000']) {
    assert.throws(() => createMarkup({ acme: factor }), RangeError, factor)
  }
})
