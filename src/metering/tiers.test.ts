import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { type Usage, usageKinds } from '#exchange'
import { costOf, createPriceBook, type Price, readPublishedPrices } from '#metering'
import { priceIdOf, ratesOf } from './price.ts'
import { tiersFile } from './tiers.ts'

const book = createPriceBook({ published: readPublishedPrices() })
const november = Date.parse('2026-11-01')

function priceOf(vendor: string, model: string, atMs = november): Price {
  const price = book.priceOf({ provider: vendor, model }, vendor, atMs)
  assert(price, `${vendor}/${model} has a price`)
  return price
}

const usage: Usage = { input: 1000, output: 100 }

describe('prices a request by the tier that served it', () => {
  const price = priceOf('openai', 'gpt-5-mini')

  for (const [tier, picoUsd] of [
    [undefined, 1000n * 250_000n + 100n * 2_000_000n],
    ['default', 1000n * 250_000n + 100n * 2_000_000n],
    ['flex', 1000n * 125_000n + 100n * 1_000_000n],
    ['batch', 1000n * 125_000n + 100n * 1_000_000n],
    ['priority', 1000n * 450_000n + 100n * 3_600_000n],
    // Paid for in advance, or a word that nobody here knows: the usual price.
    ['scale', 1000n * 250_000n + 100n * 2_000_000n],
    ['constructor', 1000n * 250_000n + 100n * 2_000_000n],
  ] as const) {
    test(`${tier ?? 'not told'}`, () => assert.equal(costOf(usage, price, tier).picoUsd, picoUsd))
  }

  test('and says by which numbers', () => {
    assert.equal(priceIdOf(price, undefined), 'openai/gpt-5-mini@2026-09-23')
    assert.equal(priceIdOf(price, 'default'), 'openai/gpt-5-mini@2026-09-23')
    assert.equal(priceIdOf(price, 'flex'), 'openai/gpt-5-mini@2026-09-23;tier=flex@2026-10-14')
  })
})

describe('has no price rather than too low a one', () => {
  for (const [vendor, model, tier] of [
    ['openai', 'gpt-5-nano', 'priority'],
    ['google', 'gemini-2.5-flash', 'priority'],
    ['aws', 'anthropic.claude-sonnet-4-5-20250929-v1:0', 'priority'],
    ['anthropic', 'claude-haiku-4-5', 'fast'],
  ] as const) {
    test(`${vendor}/${model} in ${tier}`, () => {
      assert.equal(costOf(usage, priceOf(vendor, model), tier).picoUsd, undefined)
    })
  }

  test('where a tier that is cheaper has none, the usual one stands for it', () => {
    const price = priceOf('aws', 'anthropic.claude-sonnet-4-5-20250929-v1:0')
    assert.equal(costOf(usage, price, 'flex').picoUsd, costOf(usage, price).picoUsd)
  })
})

test('takes the price of the tier at the moment, as of the usual one', () => {
  const [before, after] = ['2026-12-31T23:59:59Z', '2027-01-01T00:00:00Z'].map(at =>
    costOf(usage, priceOf('google', 'gemini-3.6-flash', Date.parse(at)), 'batch'),
  )
  assert.equal(before?.picoUsd, 1000n * 375_000n + 100n * 1_875_000n)
  assert.equal(after?.picoUsd, 1000n * 750_000n + 100n * 3_750_000n)
})

test('adds a tenth where Anthropic serves from the United States alone, in every tier', () => {
  const price = priceOf('anthropic', 'claude-opus-5')
  assert.equal(costOf(usage, price, 'us').picoUsd, 1000n * 5_500_000n + 100n * 27_500_000n)
  assert.equal(costOf(usage, price, 'batch+us').picoUsd, 1000n * 2_750_000n + 100n * 13_750_000n)
  assert.equal(costOf(usage, price, 'fast+us').picoUsd, 1000n * 11_000_000n + 100n * 55_000_000n)
})

describe('every tier that is published', () => {
  const [, ...lines] = readFileSync(tiersFile, 'utf8').trimEnd().split('\n')

  test('is in the file once for each model', () => {
    const names = lines.map(line => `${JSON.parse(line).vendor}/${JSON.parse(line).model}`)
    assert.equal(new Set(names).size, names.length)
    assert(names.length > 90)
  })

  test('halves or raises the usual price, and never turns the two around', () => {
    let compared = 0
    for (const line of lines) {
      const { vendor, model, tiers } = JSON.parse(line)
      const price = book.priceOf({ provider: vendor, model }, vendor, november)
      if (!price) continue // newer than the list of usual prices
      for (const tier of Object.keys(tiers)) compared += compare(price, tier)
    }
    assert(compared > 200, `${compared} rates compared`)
  })

  function compare(price: Price, tier: string): number {
    const own = ratesOf(price, tier)
    let compared = 0
    for (const kind of usageKinds) {
      const [usual, tiered] = [price.rates[kind]?.picoUsd, own[kind]?.picoUsd]
      if (usual === undefined || tiered === undefined || usual === 0n) continue
      compared += 1
      const about = `${price.id} ${tier} ${kind}: ${tiered} and usually ${usual}`
      if (tier === 'batch' || tier === 'flex') assert(tiered <= 2n * usual, about)
      else assert(tiered >= usual, about)
    }
    return compared
  }
})
