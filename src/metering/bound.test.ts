import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { totalInput, totalOutput } from '#exchange'
import { boundOf, costOf, createPrice, createPriceBook, readPublishedPrices } from '#metering'
import { anyPrice, anyUsage } from './any-price.fixture.ts'
import { readRates } from './rate.ts'

const book = createPriceBook({ published: readPublishedPrices() })

function priceOf(provider: string, model: string) {
  const price = book.priceOf({ provider, model }, provider, Date.parse('2026-10-01'))
  assert(price)
  return price
}

test('bounds the cost of whatever the tokens turn out to be, however the request is served', () => {
  const anyTier = fc.constantFrom(undefined, 'default', 'batch', 'flex', 'priority', 'scale')
  fc.assert(
    fc.property(anyPrice, anyUsage, anyTier, fc.nat(5), (price, usage, tier, more) => {
      const { picoUsd } = costOf(usage, price, tier)
      if (picoUsd === undefined) return
      const bound = {
        inputTokens: totalInput(usage) + more,
        outputTokens: totalOutput(usage),
        units: { webSearches: usage.webSearches ?? 0, images: usage.images ?? 0 },
      }
      for (const asked of [undefined, tier]) {
        const most = boundOf(price, { ...bound, tier: asked })
        if (more === 0) assert(most !== undefined, 'what has a cost has a bound')
        if (most !== undefined) assert(most >= picoUsd, `${most} < ${picoUsd}`)
      }
    }),
    { numRuns: 500 },
  )
})

test('is what the call costs where all input costs the same, and all output does', () => {
  const price = createPrice({ id: 'flat', source: 'test', rates: readRates({ input: '0.1', output: '0.4' }) })
  assert.equal(boundOf(price, { inputTokens: 1000, outputTokens: 500 }), 100_000_000n + 200_000_000n)
  assert.equal(boundOf(price, { inputTokens: 0, outputTokens: 0 }), 0n)
})

describe('counts the dearest kind of a side', () => {
  test('an hour of cache, of Anthropic', () => {
    const price = priceOf('anthropic', 'claude-sonnet-4-5')
    assert.equal(boundOf(price, { inputTokens: 1000, outputTokens: 0, tier: 'default' }), 1000n * 6_000_000n)
  })

  test('speech, of a model that speaks', () => {
    const price = priceOf('openai', 'gpt-audio')
    assert.equal(boundOf(price, { inputTokens: 0, outputTokens: 10 }), 10n * 64_000_000n)
  })

  test('a longer input, from its length on', () => {
    const price = createPrice({
      id: 'long',
      source: 'test',
      rates: readRates({
        input: { base: '1', tiers: [{ aboveInputTokens: 100, price: '2' }] },
        output: { base: '4', tiers: [{ aboveInputTokens: 100, price: '3' }] },
      }),
    })
    assert.equal(boundOf(price, { inputTokens: 100, outputTokens: 1 }), 100n * 1_000_000n + 4_000_000n)
    // The input may still turn out to be shorter, and the output dearer for it.
    assert.equal(boundOf(price, { inputTokens: 101, outputTokens: 1 }), 101n * 2_000_000n + 4_000_000n)
  })
})

describe('knows no bound', () => {
  const embedding = createPrice({ id: 'embedding', source: 'test', rates: readRates({ input: '0.1' }) })

  test('of output that has no price', () => {
    assert.equal(boundOf(embedding, { inputTokens: 1, outputTokens: 1 }), undefined)
    assert.equal(boundOf(embedding, { inputTokens: 1, outputTokens: 0 }), 100_000n)
  })

  test('of searches that have no price', () => {
    assert.equal(
      boundOf(embedding, { inputTokens: 1, outputTokens: 0, units: { webSearches: 1 } }),
      undefined,
    )
  })
})

test('asserts that it is given counts', () => {
  const price = priceOf('openai', 'gpt-5-mini')
  for (const count of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    assert.throws(() => boundOf(price, { inputTokens: count, outputTokens: 0 }))
    assert.throws(() => boundOf(price, { inputTokens: 0, outputTokens: count }))
  }
})
