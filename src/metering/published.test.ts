import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { calcPrice, type ModelInfo, type Provider, waitForUpdate } from '@pydantic/genai-prices'
import type { Usage } from '#exchange'
import { costOf, createPriceBook, readPublishedPrices } from '#metering'
import type { DatedPrice } from './dated.ts'
import { renderPublished, uncounted } from './published.generate.ts'
import { publishedFile } from './published.ts'

const published = readPublishedPrices()
const book = createPriceBook({ published })
const providers = (await waitForUpdate()) ?? []

test('is what the generator makes of the pinned package', async () => {
  const text = await renderPublished(published.origin.released)
  assert(text === readFileSync(publishedFile, 'utf8'), 'run src/metering/published.generate.ts')
})

test('says where it comes from', () => {
  assert.equal(published.origin.package, '@pydantic/genai-prices')
  assert.equal(published.origin.licence, 'MIT')
  assert.deepEqual(
    published.vendors,
    providers.map(({ id }) => id),
  )
})

test('has for every name of every vendor the cost that the package itself works out', () => {
  const moments = ['2025-01-01T00:10:00Z', '2026-05-05T12:00:00Z', '2026-11-21T03:00:00Z'].map(
    at => new Date(at),
  )
  let compared = 0
  for (const [provider, name] of allNames()) {
    for (const at of moments) compared += Number(compare(provider, name, at))
  }
  assert(compared > 5_000, `${compared} prices compared`)
})

describe('every price', () => {
  test('has a name of its own, and ranks its tiers by length and by price', () => {
    const known = new Map<string, string>()
    for (const [provider, name] of allNames()) {
      for (const dated of published.find(provider.id, name)) checkPrice(dated, known)
    }
  })

  function checkPrice({ price }: DatedPrice, known: Map<string, string>): void {
    const numbers = JSON.stringify(price.rates, (_, value) =>
      typeof value === 'bigint' ? `${value}` : value,
    )
    assert.equal(known.get(price.id) ?? numbers, numbers, price.id)
    known.set(price.id, numbers)
    for (const { picoUsd, tiers } of Object.values(price.rates)) {
      let below = { aboveInputTokens: 0, picoUsd }
      for (const tier of tiers) {
        assert(tier.aboveInputTokens > below.aboveInputTokens && tier.picoUsd >= below.picoUsd, price.id)
        below = tier
      }
    }
  }
})

/** Every name that a vendor's list spells out, and the same with something after it. */
function* allNames(): Generator<[Provider, string]> {
  for (const provider of providers) {
    for (const model of provider.models) {
      for (const name of new Set(namesIn(model.match))) yield [provider, name]
    }
  }
}

function namesIn(match: ModelInfo['match']): string[] {
  if ('or' in match) return match.or.flatMap(namesIn)
  if ('and' in match) return match.and.flatMap(namesIn)
  if ('equals' in match) return [match.equals]
  if ('starts_with' in match) return [match.starts_with, `${match.starts_with}-x`]
  if ('contains' in match) return [match.contains]
  if ('ends_with' in match) return [`x${match.ends_with}`]
  return []
}

/** False when neither has a price by token, or when the vendor charges by something else as well. */
function compare(provider: Provider, name: string, at: Date): boolean {
  const price = book.priceOf({ provider: 'p', model: name }, provider.id, at.getTime())
  const usage: Usage = { input: 150_001, cachedInput: 70_007, cacheWrite5m: 60_003 }
  if (price?.rates.output) usage.output = 1_013
  const theirs = calcPrice(
    {
      input_tokens: 280_011,
      cache_read_tokens: 70_007,
      cache_write_tokens: 60_003,
      output_tokens: usage.output,
    },
    name,
    { providerId: provider.id, timestamp: at },
  )
  if (!price) {
    const units = Object.keys(theirs?.model_price ?? {})
    assert(!theirs?.total_price || units.some(unit => uncounted.includes(unit)), `${provider.id}/${name}`)
    return false
  }
  const { picoUsd } = costOf(usage, price)
  assert(theirs && picoUsd !== undefined, `${provider.id}/${name}`)
  // Their arithmetic is in doubles, and a handful of their prices have no exact decimal.
  const differenceUsd = Math.abs(Number(picoUsd) / 1e12 - theirs.total_price)
  assert(differenceUsd <= theirs.total_price * 1e-5, `${provider.id}/${name}: off by $${differenceUsd}`)
  return true
}
