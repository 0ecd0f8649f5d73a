import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Attempt } from '#exchange'
import { createMetering, createPriceBook, readPublishedPrices } from '#metering'

const priceBook = createPriceBook({ published: readPublishedPrices() })
const { settle } = createMetering({ priceBook })
const vendorOf = (provider: string) => (provider === 'house' ? 'custom' : 'openai')
const startedAtMs = Date.parse('2026-10-01T20:00:00Z')

function attempt(change: Partial<Attempt>): Attempt {
  const target = { provider: 'openai', model: 'gpt-5-mini' }
  return { n: 1, target, startedAtMs, endedAtMs: startedAtMs + 900, status: 'succeeded', ...change }
}

const answered = () => attempt({ usage: { input: 1000, output: 500 }, usageSource: 'provider' })

test('prices an attempt and says by which price', () => {
  const one = answered()
  const settled = settle([one], vendorOf)
  assert.equal(one.costPicoUsd, 1_250_000_000n)
  assert.equal(one.price, 'openai/gpt-5-mini@2026-09-23')
  assert.deepEqual(settled, {
    usage: { input: 1000, output: 500 },
    usageSource: 'provider',
    priced: 'priced',
    costPicoUsd: 1_250_000_000n,
  })
})

test('adds up what every attempt used, each at its own price', () => {
  const cut = attempt({ status: 'failed', usage: { input: 10, output: 3 }, usageSource: 'estimate' })
  const other = attempt({
    n: 2,
    target: { provider: 'openai', model: 'gpt-5' },
    usage: { input: 10, cachedInput: 4 },
    usageSource: 'provider',
  })
  const settled = settle([cut, other], vendorOf)
  assert.deepEqual(settled.usage, { input: 20, cachedInput: 4, output: 3 })
  assert.equal(settled.usageSource, 'estimate')
  assert.equal(settled.costPicoUsd, 10n * 250_000n + 3n * 2_000_000n + 10n * 1_250_000n + 4n * 125_000n)
})

test('uses the price that holds when the attempt ends', () => {
  const over = attempt({
    target: { provider: 'openai', model: 'o3' },
    startedAtMs: Date.parse('2025-06-09T23:59:59Z'),
    endedAtMs: Date.parse('2025-06-10T00:00:01Z'),
    usage: { input: 1 },
    usageSource: 'provider',
  })
  assert.equal(settle([over], vendorOf).costPicoUsd, 2_000_000n)
})

describe('is free only when nothing is charged for certain', () => {
  test('no attempt was made', () => {
    assert.deepEqual(settle([], vendorOf), {
      usage: {},
      usageSource: undefined,
      priced: 'free',
      costPicoUsd: 0n,
    })
  })

  test('every attempt failed and reported nothing', () => {
    const settled = settle([attempt({ status: 'failed' }), attempt({ n: 2, status: 'failed' })], vendorOf)
    assert.equal(settled.priced, 'free')
    assert.equal(settled.costPicoUsd, 0n)
  })

  test('an attempt is known to have used nothing', () => {
    const stopped = attempt({ status: 'cancelled', usage: {}, usageSource: 'provider' })
    assert.equal(settle([stopped], vendorOf).priced, 'free')
  })

  test('a failed attempt beside one that answered changes nothing', () => {
    assert.deepEqual(
      settle([attempt({ status: 'failed' }), answered()], vendorOf),
      settle([answered()], vendorOf),
    )
  })
})

describe('is unpriced, never zero', () => {
  test('when the price is unknown', () => {
    const unknown = attempt({ target: { provider: 'house', model: 'llama' }, usage: { input: 5 } })
    const settled = settle([unknown], vendorOf)
    assert.equal(settled.priced, 'unpriced')
    assert.equal(settled.costPicoUsd, undefined)
    assert.deepEqual(settled.usage, { input: 5 })
    assert.equal(unknown.price, 'unpriced')
    assert.equal('costPicoUsd' in unknown, false)
  })

  test('when a kind that was used has no price', () => {
    const spoken = attempt({ usage: { input: 5, audioOutput: 5 }, usageSource: 'provider' })
    assert.equal(settle([spoken], vendorOf).costPicoUsd, undefined)
    assert.equal(spoken.price, 'openai/gpt-5-mini@2026-09-23')
  })

  test('when one of several attempts is, and the others keep their cost', () => {
    const known = answered()
    const unknown = attempt({ n: 2, target: { provider: 'house', model: 'llama' }, usage: { input: 5 } })
    assert.equal(settle([known, unknown], vendorOf).priced, 'unpriced')
    assert.equal(known.costPicoUsd, 1_250_000_000n)
  })

  for (const status of ['succeeded', 'cancelled', 'unknown', 'running'] as const) {
    test(`when an attempt is ${status} and nobody knows what it used`, () => {
      const settled = settle([attempt({ status })], vendorOf)
      assert.equal(settled.priced, 'unpriced')
      assert.equal(settled.usageSource, 'unknown')
    })
  }

  test('when a failed attempt may have used something', () => {
    assert.equal(settle([attempt({ status: 'failed', usageSource: 'unknown' })], vendorOf).priced, 'unpriced')
  })
})

describe('where the provider says more than counts', () => {
  test('prices by the tier that served it, and says by which', () => {
    const flex = attempt({
      usage: { input: 1000, output: 500 },
      usageSource: 'provider',
      bill: { tier: 'flex' },
    })
    assert.equal(settle([flex], vendorOf).costPicoUsd, 625_000_000n)
    assert.equal(flex.price, 'openai/gpt-5-mini@2026-09-23;tier=flex@2026-10-14')
  })

  test('keeps our price beside its own', () => {
    const both = attempt({
      usage: { input: 1000, output: 500 },
      usageSource: 'provider',
      bill: { picoUsd: 1_100_000_000n },
    })
    assert.equal(settle([both], vendorOf).costPicoUsd, 1_250_000_000n)
    assert.deepEqual(both.bill, { picoUsd: 1_100_000_000n })
  })

  const house = { provider: 'house', model: 'llama' }

  test('takes its word where we have no price', () => {
    const told = attempt({
      target: house,
      usage: { input: 5 },
      usageSource: 'provider',
      bill: { picoUsd: 7n },
    })
    assert.deepEqual(settle([told], vendorOf), {
      usage: { input: 5 },
      usageSource: 'provider',
      priced: 'priced',
      costPicoUsd: 7n,
    })
    assert.equal(told.price, 'provider')
  })

  test('takes its word where it counts nothing', () => {
    const settled = settle([attempt({ target: house, bill: { picoUsd: 20_000_000_000n } })], vendorOf)
    assert.equal(settled.costPicoUsd, 20_000_000_000n)
    assert.equal(settled.usageSource, 'unknown')
  })

  test('does not where its counts are no counts', () => {
    const odd = attempt({ target: house, bill: { picoUsd: 7n, doubt: 'refused' } })
    assert.equal(settle([odd], vendorOf).priced, 'unpriced')
  })

  test('charges searches beside tokens, and adds them up', () => {
    const claude = { provider: 'anthropic', model: 'claude-sonnet-4-5' }
    const searched = attempt({
      target: claude,
      usage: { input: 10, webSearches: 3 },
      usageSource: 'provider',
    })
    const settled = settle([searched, { ...searched, n: 2 }], () => 'anthropic')
    assert.deepEqual(settled.usage, { input: 20, webSearches: 6 })
    assert.equal(settled.costPicoUsd, 2n * (10n * 3_000_000n + 3n * 10_000_000_000n))
  })
})

test('settles again when better usage has arrived, with nothing left of the first time', () => {
  const late = attempt({ usage: { input: 900, output: 400 }, usageSource: 'estimate' })
  settle([late], vendorOf)
  late.usage = { input: 1000, output: 500 }
  late.usageSource = 'provider'
  assert.deepEqual(settle([late], vendorOf), settle([answered()], vendorOf))
  late.target = { provider: 'house', model: 'llama' }
  assert.equal(settle([late], vendorOf).costPicoUsd, undefined)
  assert.equal(late.costPicoUsd, undefined)
})
