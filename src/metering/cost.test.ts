import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { formatUsd, type Usage, usageKinds } from '#exchange'
import { costOf, createPrice, createPriceBook, type Price, readPublishedPrices } from '#metering'
import { type GoldenCost, goldenCosts } from './cost.golden.ts'

const published = readPublishedPrices()
const october = '2026-10-01T20:00:00Z'

function priceFor({ target, vendor = 'openai', at = october, overrides = {} }: Omit<GoldenCost, 'usage'>) {
  const slash = target.indexOf('/')
  const named = { provider: target.slice(0, slash), model: target.slice(slash + 1) }
  const price = createPriceBook({ published, overrides }).priceOf(named, vendor, Date.parse(at))
  assert(price, `${target} has a price`)
  return price
}

function priceOfModel(target: string, vendor: string): Price {
  return priceFor({ about: '', target, vendor, sum: '', usd: '' })
}

function addUp(sum: string): bigint {
  const products = sum.replaceAll('_', '').split(' + ')
  return products
    .map(product => product.split(' × ').map(BigInt))
    .reduce((total, [tokens = 0n, pico = 0n]) => total + tokens * pico, 0n)
}

for (const [group, cases] of Object.entries(goldenCosts)) {
  describe(`costs exactly what is worked out by hand: ${group}`, () => {
    for (const golden of cases) {
      test(`${golden.target}, ${golden.about}: $${golden.usd}`, () => {
        const cost = costOf(golden.usage, priceFor(golden))
        assert.equal(cost.picoUsd, addUp(golden.sum))
        assert.equal(formatUsd(cost.picoUsd), golden.usd)
        assert.equal(
          Object.values(cost.byKind).reduce((total, part) => total + part, 0n),
          cost.picoUsd,
        )
      })
    }
  })
}

describe('says which kinds have no price, and gives no total', () => {
  const cases: { about: string; target: string; vendor: string; usage: Usage; kinds: string[] }[] = [
    {
      about: 'speech to a model that prices text only',
      target: 'openai/gpt-4.1',
      vendor: 'openai',
      usage: { input: 10, audioInput: 10, cachedAudioInput: 5, audioOutput: 5 },
      kinds: ['audioInput', 'cachedAudioInput', 'audioOutput'],
    },
    {
      about: 'a picture from a model that prices text only',
      target: 'openai/gpt-4.1',
      vendor: 'openai',
      usage: { imageOutput: 1 },
      kinds: ['imageOutput'],
    },
    {
      about: 'an answer from an embedding model',
      target: 'openai/text-embedding-3-small',
      vendor: 'openai',
      usage: { input: 1, output: 1, reasoning: 1 },
      kinds: ['output', 'reasoning'],
    },
    {
      about: 'an hour of cache where only five minutes have a price',
      target: 'router/anthropic/claude-sonnet-4.5',
      vendor: 'openrouter',
      usage: { input: 1, cacheWrite5m: 1, cacheWrite1h: 1 },
      kinds: ['cacheWrite1h'],
    },
  ]
  for (const { about, target, vendor, usage, kinds } of cases) {
    test(about, () => {
      const cost = costOf(usage, priceOfModel(target, vendor))
      assert.equal(cost.picoUsd, undefined)
      assert.deepEqual(cost.unpricedKinds, kinds)
    })
  }

  test('kinds without a price that were not used do not matter', () => {
    const cost = costOf({ input: 4, audioInput: 0 }, priceOfModel('openai/gpt-4.1', 'openai'))
    assert.equal(cost.picoUsd, 8_000_000n)
  })
})

describe('refuses counts that are no counts', () => {
  const price = priceOfModel('openai/gpt-5', 'openai')
  for (const count of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    test(`${count}`, () => {
      assert.throws(() => costOf({ input: count }, price), assert.AssertionError)
      assert.throws(() => costOf({ input: 10, output: count }, price), assert.AssertionError)
    })
  }
})

describe('laws of cost', () => {
  const anyUsage: fc.Arbitrary<Usage> = fc.record(
    Object.fromEntries(usageKinds.map(kind => [kind, fc.nat({ max: 1_000_000_000_000 })])),
    { requiredKeys: [] },
  )
  const flat = anyPrice(fc.constant([]))
  const tiered = anyPrice(
    fc.array(fc.record({ above: fc.nat({ max: 2_000_000 }), more: fc.nat({ max: 1_000_000_000 }) }), {
      maxLength: 3,
    }),
  )

  test('is additive in usage', () => {
    fc.assert(
      fc.property(anyUsage, anyUsage, flat, (a, b, price) => {
        assert.equal(known(add(a, b), price), known(a, price) + known(b, price))
      }),
    )
  })

  test('never falls when usage rises, nor is cheaper in one request than in two where length costs more', () => {
    fc.assert(
      fc.property(anyUsage, anyUsage, tiered, (a, b, price) => {
        assert(known(add(a, b), price) >= known(a, price) + known(b, price))
      }),
    )
  })

  test('is never negative, and nothing costs nothing', () => {
    fc.assert(
      fc.property(anyUsage, tiered, (usage, price) => {
        assert(known(usage, price) >= 0n)
        assert.equal(known({}, price), 0n)
      }),
    )
  })

  function known(usage: Usage, price: Price): bigint {
    const { picoUsd } = costOf(usage, price)
    assert(picoUsd !== undefined)
    return picoUsd
  }

  function add(a: Usage, b: Usage): Usage {
    return Object.fromEntries(usageKinds.map(kind => [kind, (a[kind] ?? 0) + (b[kind] ?? 0)]))
  }
})

/** Every kind priced, each tier dearer than the one before. */
function anyPrice(anySteps: fc.Arbitrary<{ above: number; more: number }[]>): fc.Arbitrary<Price> {
  const anyRate = fc.tuple(fc.nat({ max: 1_000_000_000 }), anySteps).map(([base, steps]) => {
    let picoUsd = BigInt(base)
    const tiers = steps
      .sort((a, b) => a.above - b.above)
      .map(({ above, more }) => {
        picoUsd += BigInt(more)
        return { aboveInputTokens: above, picoUsd }
      })
    return { picoUsd: BigInt(base), tiers }
  })
  return fc
    .record(Object.fromEntries(usageKinds.map(kind => [kind, anyRate])))
    .map(rates => createPrice({ id: 'any', source: 'chance', rates }))
}
