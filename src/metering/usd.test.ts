import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { formatUsd } from '#exchange'
import { parseUsdPerMillion } from '#metering'

describe('writes money exactly', () => {
  const cases: [bigint, string][] = [
    [0n, '0'],
    [1n, '0.000000000001'],
    [12_300_000n, '0.0000123'],
    [100_000_000_000n, '0.1'],
    [1_000_000_000_000n, '1'],
    [1_000_000_000_001n, '1.000000000001'],
    [-2_500_000_000_000n, '-2.5'],
    [-1n, '-0.000000000001'],
    [10n ** 24n, '1000000000000'],
  ]
  for (const [pico, text] of cases)
    test(`${pico} pico-dollars are $${text}`, () => assert.equal(formatUsd(pico), text))
})

describe('reads a price exactly, or not at all', () => {
  const prices: [string, bigint][] = [
    ['0', 0n],
    ['0.25', 250_000n],
    ['0.250000', 250_000n],
    ['0.2500000000', 250_000n],
    ['10', 10_000_000n],
    ['0.000001', 1n],
    ['0.003625', 3_625n],
    ['999999999.999999', 999_999_999_999_999n],
  ]
  for (const [text, pico] of prices) test(text, () => assert.equal(parseUsdPerMillion(text), pico))

  for (const text of [
    '',
    ' 1',
    '-1',
    '+1',
    '.5',
    '1.',
    '1e-3',
    '0x10',
    '1,5',
    '$1',
    'free',
    'NaN',
    '1234567890',
  ])
    test(`refuses "${text}"`, () => assert.throws(() => parseUsdPerMillion(text), RangeError))

  test('refuses what is finer than a pico-dollar per token', () => {
    assert.throws(() => parseUsdPerMillion('0.0000001'), /finer than six decimals/)
  })

  test('reads back every price it writes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 14n }), pico => {
        assert.equal(parseUsdPerMillion(formatUsd(pico * 1_000_000n)), pico)
      }),
    )
  })
})
