import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Usage } from '#exchange'
import { costOf, createPriceBook, readOverrides, readPublishedPrices } from '#metering'

const published = readPublishedPrices()

function costBy(settings: Parameters<typeof readOverrides>[0][string], usage: Usage, tier?: string) {
  const book = createPriceBook({ published, overrides: readOverrides({ 'house/*': settings }) })
  const price = book.priceOf({ provider: 'house', model: 'm' }, 'house:house', 0)
  assert(price)
  return costOf(usage, price, tier).picoUsd
}

const perToken = 1_000_000n

describe('prices of the configuration', () => {
  test('by the tier that served; what it leaves out costs as usual', () => {
    const settings = { input: '2', output: '8', tiers: { flex: { input: '1' } } }
    assert.equal(costBy(settings, { input: 10, output: 1 }, 'flex'), 10n * perToken + 8n * perToken)
    assert.equal(costBy(settings, { input: 10, output: 1 }, 'priority'), 20n * perToken + 8n * perToken)
    assert.equal(costBy(settings, { input: 10, output: 1 }), 20n * perToken + 8n * perToken)
  })

  test('of long requests, every token of them', () => {
    const settings = { input: '2', output: '8', long_context: { above: 100, input: '4', output: '12' } }
    assert.equal(costBy(settings, { input: 100, output: 1 }), 200n * perToken + 8n * perToken)
    assert.equal(costBy(settings, { input: 101, output: 1 }), 404n * perToken + 12n * perToken)
    assert.equal(costBy(settings, { input: 1, cachedInput: 100 }), 4n * perToken + 400n * perToken)
  })

  test('of requests, searches and pictures, in dollars each', () => {
    const settings = { input: '2', request: '0.005', web_search: '0.01', image: '0.04' }
    assert.equal(costBy(settings, { input: 1 }), 2n * perToken + 5_000_000_000n)
    assert.equal(costBy(settings, { input: 1, webSearches: 2 }), 2n * perToken + 25_000_000_000n)
    assert.equal(costBy(settings, { images: 1 }), 45_000_000_000n)
    assert.equal(costBy(settings, {}), 0n)
  })

  test('of pictures alone', () => {
    assert.equal(costBy({ image: '0.04' }, { images: 3 }), 120_000_000_000n)
    assert.equal(costBy({ image: '0.04' }, { input: 1 }), undefined)
  })
})
