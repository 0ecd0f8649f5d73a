/**
 * Makes `published.jsonl` from the installed `@pydantic/genai-prices`. Run it after a new version of the
 * package is installed, with the day that version was released, and read the difference before committing it:
 *
 *     node src/metering/published.generate.ts 2026-09-23
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import {
  type ConditionalPrice,
  type MatchLogic,
  type ModelInfo,
  type ModelPrice,
  type Provider,
  type TieredPrices,
  waitForUpdate,
} from '@pydantic/genai-prices'
import type { UsageKind } from '#exchange'
import type { Match } from './match.ts'
import type { Fees } from './price.ts'
import { type ModelLine, type Origin, type PriceLine, publishedFile, type VendorLine } from './published.ts'
import type { WrittenRate } from './rate.ts'
import { formatUsdPerMillion, parseUsdPerMillion } from './usd.ts'

/** The package's units that are kinds of tokens with us. Its other units (pages, hours, characters) are left out. */
const kindOfUnit: Readonly<Record<string, UsageKind>> = {
  input_mtok: 'input',
  cache_read_mtok: 'cachedInput',
  cache_write_mtok: 'cacheWrite5m',
  cache_write_1h_mtok: 'cacheWrite1h',
  input_audio_mtok: 'audioInput',
  cache_audio_read_mtok: 'cachedAudioInput',
  input_image_mtok: 'imageInput',
  output_mtok: 'output',
  output_reasoning_mtok: 'reasoning',
  output_audio_mtok: 'audioOutput',
  output_image_mtok: 'imageOutput',
}

/** Units that every answer is charged by, and that no usage counts: tokens alone would be a bill too low. */
export const uncounted = ['output_citation_mtok']

/** The package's units that are pieces with us. */
const feeOfUnit: Readonly<Record<string, keyof Fees>> = {
  requests_kcount: 'request',
  web_searches_kcount: 'webSearches',
}

/** The file's text. `released` is the day of the package's release, which the package itself does not say. */
export async function renderPublished(released: string): Promise<string> {
  const providers = (await waitForUpdate()) ?? []
  const about: { name: string; version: string; license: string } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.resolve('@pydantic/genai-prices')), 'utf8'),
  )
  const origin: Origin = { package: about.name, version: about.version, released, licence: about.license }
  const lines = [origin, ...providers.flatMap(linesOf)]
  const text = `${lines.map(line => JSON.stringify(line)).join('\n')}\n`
  assert.match(text, /^\p{ASCII}*$/u, 'the file is read byte by byte')
  return text
}

function linesOf(provider: Provider): (VendorLine | ModelLine)[] {
  const [source] = provider.pricing_urls ?? []
  const vendor: VendorLine = { vendor: provider.id }
  if (source) vendor.source = source
  if (provider.fallback_model_providers) vendor.fallback = provider.fallback_model_providers
  return [vendor, ...provider.models.map(modelLine)]
}

/** A model without a price keeps its line, or a broader match further down would lend it a wrong one. */
function modelLine(model: ModelInfo): ModelLine {
  const listed: ConditionalPrice[] = Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }]
  const line = { model: model.id, match: lowerCase(model.match) }
  if (model.id.endsWith(':free') && listed.every(({ prices }) => Object.keys(prices).length === 0)) {
    return { ...line, prices: [{ rates: { input: '0', output: '0' } }] }
  }
  const unpriced = whyUnpriced(listed)
  return unpriced ? { ...line, prices: [], unpriced } : { ...line, prices: listed.map(priceLine) }
}

function whyUnpriced(listed: readonly ConditionalPrice[]): string | undefined {
  const units = listed.flatMap(({ prices }) => Object.keys(prices))
  const extra = uncounted.find(unit => units.includes(unit))
  if (extra) return `also charged by ${extra}`
  const complete = listed.every(({ prices }) => Object.keys(prices).some(unit => unit in kindOfUnit))
  return complete ? undefined : 'no price by token'
}

function priceLine({ constraint, prices }: ConditionalPrice): PriceLine {
  const fees = feesOf(prices)
  const listed = { rates: ratesOf(prices), ...(Object.keys(fees).length > 0 && { fees }) }
  if (!constraint) return listed
  if (constraint.type === 'start_date') return { from: constraint.start_date, ...listed }
  return { daily: [utcTime(constraint.start_time), utcTime(constraint.end_time)], ...listed }
}

function feesOf(prices: ModelPrice): NonNullable<PriceLine['fees']> {
  const fees: Partial<Record<keyof Fees, string>> = {}
  for (const [unit, fee] of Object.entries(feeOfUnit)) {
    const price = prices[unit]
    if (price === undefined) continue
    assert(typeof price === 'number', `${unit} has no tiers`)
    fees[fee] = decimalOf(price)
  }
  return fees
}

function utcTime(time: string): string {
  assert.match(time, /^\d\d:\d\d:\d\dZ$/)
  return time.slice(0, -1)
}

function ratesOf(prices: ModelPrice): PriceLine['rates'] {
  const rates: Partial<Record<UsageKind, WrittenRate>> = {}
  for (const [unit, kind] of Object.entries(kindOfUnit)) {
    const price = prices[unit]
    if (price !== undefined) rates[kind] = rateOf(price)
  }
  return rates
}

function rateOf(price: number | TieredPrices): WrittenRate {
  if (typeof price === 'number') return decimalOf(price)
  const tiers = price.tiers
    .map(tier => ({ aboveInputTokens: tier.start, price: decimalOf(tier.price) }))
    .sort((a, b) => a.aboveInputTokens - b.aboveInputTokens)
  return { base: decimalOf(price.base), tiers }
}

/**
 * The shortest decimal that is this number, which is what was written into the package's sources. A price that
 * somebody computed (1/12, 0.1 + 0.08) has no exact decimal: it is rounded to the pico-dollar per token, and by
 * less than one part in a hundred thousand.
 */
function decimalOf(price: number): string {
  const shortest = String(price)
  if (/^\d+(\.\d{1,6})?$/.test(shortest)) {
    assert.equal(Number(formatUsdPerMillion(parseUsdPerMillion(shortest))), price)
    return shortest
  }
  const rounded = price.toFixed(6)
  assert(Math.abs(Number(rounded) - price) <= price * 1e-5, `${price} cannot be kept exactly enough`)
  return formatUsdPerMillion(parseUsdPerMillion(rounded))
}

function lowerCase(match: MatchLogic): Match {
  if ('or' in match) return { or: match.or.map(lowerCase) }
  if ('and' in match) return { and: match.and.map(lowerCase) }
  if ('equals' in match) return { equals: match.equals.toLowerCase() }
  if ('starts_with' in match) return { starts_with: match.starts_with.toLowerCase() }
  if ('ends_with' in match) return { ends_with: match.ends_with.toLowerCase() }
  if ('contains' in match) return { contains: match.contains.toLowerCase() }
  return { regex: match.regex }
}

if (import.meta.main) {
  const [released = ''] = process.argv.slice(2)
  assert.match(released, /^\d{4}-\d{2}-\d{2}$/, 'say the day the package was released, such as 2026-09-23')
  writeFileSync(publishedFile, await renderPublished(released))
}
