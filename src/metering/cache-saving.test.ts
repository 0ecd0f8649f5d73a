import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Attempt, type Bill, formatUsd, type Usage } from '#exchange'
import { costOf, createMetering, createPriceBook, readPublishedPrices } from '#metering'

const overrides = {
  'house/plain': { input: '1', output: '2' },
  'house/five': { input: '1', cacheWrite5m: '1.25', output: '2' },
}
const priceBook = createPriceBook({ published: readPublishedPrices(), overrides })
const { settle } = createMetering({ priceBook })
const startedAtMs = Date.parse('2026-10-20T12:00:00Z')

function settled(target: string, usage: Usage | undefined, bill?: Bill): Attempt {
  const [provider = '', model = ''] = target.split('/')
  const attempt: Attempt = {
    n: 1,
    target: { provider, model },
    startedAtMs,
    endedAtMs: startedAtMs + 900,
    status: 'succeeded',
    usageSource: 'provider',
    ...(usage && { usage }),
    ...(bill && { bill }),
  }
  settle([attempt], name => name)
  return attempt
}

/** Tokens × (plain − paid), in pico-dollars per token: worked out by hand from the vendors' lists. */
const golden: { about: string; target: string; tier?: string; usage: Usage; sum: bigint; usd: string }[] = [
  {
    about: 'reads, and writes of both lifetimes',
    target: 'anthropic/claude-haiku-4-5',
    usage: { input: 100, cachedInput: 10_000, cacheWrite5m: 2_000, cacheWrite1h: 500, output: 50 },
    sum:
      10_000n * (1_000_000n - 100_000n) +
      2_000n * (1_000_000n - 1_250_000n) +
      500n * (1_000_000n - 2_000_000n),
    usd: '0.008',
  },
  {
    about: 'five-minute writes that nobody has read yet',
    target: 'anthropic/claude-haiku-4-5',
    usage: { cacheWrite5m: 4_000, output: 1 },
    sum: 4_000n * (1_000_000n - 1_250_000n),
    usd: '-0.001',
  },
  {
    about: 'one-hour writes that nobody has read yet',
    target: 'anthropic/claude-haiku-4-5',
    usage: { input: 7, cacheWrite1h: 1_000 },
    sum: 1_000n * (1_000_000n - 2_000_000n),
    usd: '-0.001',
  },
  {
    about: 'as much context as has the usual price',
    target: 'anthropic/claude-sonnet-4-5',
    usage: { cachedInput: 200_000 },
    sum: 200_000n * (3_000_000n - 300_000n),
    usd: '0.54',
  },
  {
    about: 'long context, by the price of long context',
    target: 'anthropic/claude-sonnet-4-5',
    usage: { input: 50_000, cachedInput: 250_000 },
    sum: 250_000n * (6_000_000n - 600_000n),
    usd: '1.35',
  },
  {
    about: 'the batch tier, by its own price',
    target: 'anthropic/claude-fable-5',
    tier: 'batch',
    usage: { cachedInput: 1_000 },
    sum: 1_000n * (5_000_000n - 500_000n),
    usd: '0.0045',
  },
  {
    about: 'prompt 2006 of which cached 1920',
    target: 'openai/gpt-5-mini',
    usage: { input: 86, cachedInput: 1_920, output: 108, reasoning: 192 },
    sum: 1_920n * (250_000n - 25_000n),
    usd: '0.000432',
  },
  {
    about: 'text and speech, each by its own price',
    target: 'google/gemini-2.5-flash',
    usage: { input: 10, audioInput: 10, cachedInput: 1_000, cachedAudioInput: 1_000, output: 5 },
    sum: 1_000n * (300_000n - 30_000n) + 1_000n * (1_000_000n - 100_000n),
    usd: '0.00117',
  },
  {
    about: 'a price that makes no difference',
    target: 'house/plain',
    usage: { input: 5, cachedInput: 1_000 },
    sum: 0n,
    usd: '0',
  },
]

describe("a provider's prompt cache spares what is worked out by hand", () => {
  for (const { about, target, tier, usage, sum, usd } of golden) {
    test(`${target}, ${about}: $${usd}`, () => {
      const { cacheSavedPicoUsd } = settled(target, usage, tier === undefined ? undefined : { tier })
      assert.equal(cacheSavedPicoUsd, sum)
      assert.equal(formatUsd(sum), usd)
    })
  }

  test('which is what the same tokens cost more as plain input', () => {
    const tokens = fc.nat({ max: 200_000 })
    const some = fc.record({
      input: tokens,
      cachedInput: tokens.map(count => count + 1),
      cacheWrite5m: tokens,
      cacheWrite1h: tokens,
      output: tokens,
    })
    const price = priceBook.priceOf(
      { provider: 'anthropic', model: 'claude-sonnet-4-5' },
      'anthropic',
      startedAtMs,
    )
    assert(price)
    fc.assert(
      fc.property(some, usage => {
        const { input, cachedInput, cacheWrite5m, cacheWrite1h, output } = usage
        const plain = costOf({ input: input + cachedInput + cacheWrite5m + cacheWrite1h, output }, price)
        const { costPicoUsd, cacheSavedPicoUsd } = settled('anthropic/claude-sonnet-4-5', usage)
        assert.equal((costPicoUsd ?? 0n) + (cacheSavedPicoUsd ?? 0n), plain.picoUsd)
      }),
    )
  })
})

describe('nothing is said of a cache', () => {
  const silent: Record<string, () => Attempt> = {
    'where nothing was cached': () => settled('openai/gpt-5-mini', { input: 1, cachedInput: 0, output: 1 }),
    'where there is no usage': () => settled('openai/gpt-5-mini', undefined),
    'where the model has no price': () => settled('house/unknown', { cachedInput: 9 }),
    'where a kind that was cached has none': () => settled('house/five', { cachedInput: 9, cacheWrite1h: 9 }),
    'where the price is the word of the provider': () =>
      settled('house/unknown', { cachedInput: 9 }, { picoUsd: 5n }),
  }
  for (const [where, make] of Object.entries(silent)) {
    test(where, () => assert.equal('cacheSavedPicoUsd' in make(), false))
  }

  test('any more when better usage has arrived that has nothing cached', () => {
    const attempt = settled('openai/gpt-5-mini', { input: 1, cachedInput: 1_000 })
    assert.equal(attempt.cacheSavedPicoUsd, 225_000_000n)
    attempt.usage = { input: 1_001 }
    settle([attempt], name => name)
    assert.equal('cacheSavedPicoUsd' in attempt, false)
  })
})
