import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createPriceBook, type Overrides, readPublishedPrices } from '#metering'

const published = readPublishedPrices()
const atMs = Date.parse('2026-10-01T20:00:00Z')

function idOf(overrides: Overrides, provider: string, model: string, vendor: string): string | undefined {
  return createPriceBook({ published, overrides }).priceOf({ provider, model }, vendor, atMs)?.id
}

describe('finds the price of a target', () => {
  const overrides: Overrides = {
    'house/*': { input: '1' },
    'house/llama-*': { input: '2' },
    'house/llama-3.3': { input: '3' },
    'openai/gpt-5': { input: '4', output: '4' },
  }

  test('by its full name before any pattern', () => {
    assert.equal(idOf(overrides, 'house', 'llama-3.3', 'custom'), 'config/house/llama-3.3')
  })

  test('by the longest pattern before a shorter one', () => {
    assert.equal(idOf(overrides, 'house', 'llama-3.3-70b', 'custom'), 'config/house/llama-*')
    assert.equal(idOf(overrides, 'house', 'qwen', 'custom'), 'config/house/*')
  })

  test('by the configuration before the vendor', () => {
    assert.equal(idOf(overrides, 'openai', 'gpt-5', 'openai'), 'config/openai/gpt-5')
    assert.equal(idOf(overrides, 'openai', 'gpt-5-mini', 'openai'), 'openai/gpt-5-mini@2026-09-23')
  })

  test('by the provider it names: another provider of the same vendor keeps the published price', () => {
    assert.equal(idOf(overrides, 'openai-eu', 'gpt-5', 'openai'), 'openai/gpt-5@2026-09-23')
  })

  test('by the vendor, whatever the provider is called', () => {
    assert.equal(idOf({}, 'house', 'gpt-5', 'openai'), 'openai/gpt-5@2026-09-23')
    assert.equal(idOf({}, 'openai', 'gpt-5', 'custom'), undefined)
  })

  test('with the day from which it holds in its name', () => {
    assert.equal(idOf({}, 'openai', 'o3', 'openai'), 'openai/o3@2026-09-23;from=2025-06-10')
  })

  test('with an override for a model of the simulator too', () => {
    assert.equal(idOf({ 'sim/*': { input: '1' } }, 'sim', 'any', 'sim'), 'config/sim/*')
    assert.equal(idOf({}, 'sim', 'any', 'sim'), 'sim/*@2026-11-21')
  })
})

describe('has no price rather than a guess', () => {
  test('for a vendor that publishes none', () =>
    assert.equal(idOf({}, 'house', 'llama-3.3', 'house'), undefined))
  test('for a model it does not know', () => assert.equal(idOf({}, 'openai', 'gpt-99', 'openai'), undefined))
  test('for a model billed by the hour', () =>
    assert.equal(idOf({}, 'openai', 'whisper-1', 'openai'), undefined))
  test('for a model billed by its citations as well, which no usage counts', () => {
    assert.equal(idOf({}, 'perplexity', 'sonar-deep-research', 'perplexity'), undefined)
  })
  test('for a name of absurd length', () => {
    assert.equal(idOf({ 'house/*': { input: '1' } }, 'house', 'x'.repeat(301), 'custom'), undefined)
  })
})

test('gives the same price again, however many other names were asked for in between', () => {
  const book = createPriceBook({ published })
  const target = { provider: 'openai', model: 'gpt-5' }
  const first = book.priceOf(target, 'openai', atMs)
  assert.equal(book.priceOf(target, 'openai', atMs), first)
  for (let n = 0; n < 5_000; n += 1) book.priceOf({ provider: 'openai', model: `gpt-${n}-x` }, 'openai', atMs)
  assert.deepEqual(book.priceOf(target, 'openai', atMs), first)
})

test('keeps its prices when a configuration makes another book', () => {
  const target = { provider: 'openai', model: 'gpt-5' }
  const before = createPriceBook({ published })
  createPriceBook({ published, overrides: { 'openai/*': { input: '9' } } })
  assert.equal(before.priceOf(target, 'openai', atMs)?.id, 'openai/gpt-5@2026-09-23')
})

describe('refuses an override that is not a price, and names it', () => {
  const wrong: [string, Overrides][] = [
    ['house', { house: { input: '1' } }],
    ['house/', { 'house/': { input: '1' } }],
    ['*', { '*': { input: '1' } }],
    ['house/*-mini', { 'house/*-mini': { input: '1' } }],
    ['house/a', { 'house/a': {} }],
    ['house/b', { 'house/b': { input: '0.0000001' } }],
    ['house/c', { 'house/c': { input: '-1' } }],
    ['house/d', { 'house/d': JSON.parse('{"prompt":"1"}') }],
  ]
  for (const [name, overrides] of wrong) {
    test(name, () => {
      assert.throws(
        () => createPriceBook({ published, overrides }),
        (error: Error) => error instanceof RangeError && error.message.includes(`"${name}"`),
      )
    })
  }
})
