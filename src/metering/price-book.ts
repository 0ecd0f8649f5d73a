import { type Target, targetName, type UsageKind, usageKinds } from '#exchange'
import { type DatedPrice, priceAt } from './dated.ts'
import { createPrice, type Price } from './price.ts'
import type { PublishedPrices } from './published.ts'
import { readRates } from './rate.ts'

/**
 * Prices that the owner sets: `provider/model`, or a beginning of it and `*`, to US dollars per million tokens
 * by kind, as plain decimals. An override is the whole price: nothing of the published one is mixed in.
 */
export type Overrides = Readonly<Record<string, Readonly<Partial<Record<UsageKind, string>>>>>

/** One immutable view of all prices; a configuration that changes makes another. */
export interface PriceBook {
  /**
   * The price of a target at a moment, in milliseconds since the epoch. `vendor` is the vendor's name among the
   * published prices (`openai`, `anthropic`, `google`, …); one that is not there has overrides only.
   */
  priceOf(target: Target, vendor: string, atMs: number): Price | undefined
}

// A caller may name any model of a provider, so the memory of what was looked up has a bound.
const rememberedTargets = 2_000
const longestName = 300

// The simulator bills nobody. It has a price so that the first call of a newcomer shows what a price looks like.
const ownPrices: ReadonlyMap<string, Price> = new Map([
  [
    'sim',
    createPrice({
      id: 'sim/*@2026-11-21',
      source: 'play money of the simulator',
      rates: readRates({ input: '0.1', cachedInput: '0.025', output: '0.4' }),
    }),
  ],
])

/** Throws a `RangeError` that names the override when one is not a price. */
export function createPriceBook(options: { published: PublishedPrices; overrides?: Overrides }): PriceBook {
  const { published } = options
  const overrides = readOverrides(options.overrides ?? {})
  const remembered = new Map<string, readonly DatedPrice[]>()

  function find(target: Target, vendor: string): readonly DatedPrice[] {
    const name = targetName(target)
    const price = overrides.find(override => override.covers(name))?.price ?? ownPrices.get(vendor)
    return price ? [{ price }] : published.find(vendor, target.model)
  }

  return {
    priceOf(target, vendor, atMs) {
      if (target.model.length > longestName) return undefined
      const name = `${vendor} ${target.provider}/${target.model}`
      let prices = remembered.get(name)
      if (!prices) {
        prices = find(target, vendor)
        if (remembered.size >= rememberedTargets) forgetOldest(remembered)
        remembered.set(name, prices)
      }
      return priceAt(prices, atMs)
    },
  }
}

function forgetOldest(map: Map<string, unknown>): void {
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}

interface Override {
  covers(name: string): boolean
  price: Price
}

/** The closest comes first: a full name before any `*`, a longer beginning before a shorter one. */
function readOverrides(overrides: Overrides): Override[] {
  const rank = (pattern: string) => (pattern.endsWith('*') ? pattern.length : Number.MAX_SAFE_INTEGER)
  return Object.keys(overrides)
    .sort((a, b) => rank(b) - rank(a))
    .map(pattern => ({ covers: coverOf(pattern), price: readOverride(pattern, overrides[pattern]) }))
}

function coverOf(pattern: string): (name: string) => boolean {
  if (!/^[^/*]+\/[^*]*\*?$/.test(pattern) || pattern.endsWith('/')) {
    throw new RangeError(`prices: "${pattern}" is not provider/model, nor a beginning of it followed by *`)
  }
  if (!pattern.endsWith('*')) return name => name === pattern
  const beginning = pattern.slice(0, -1)
  return name => name.startsWith(beginning)
}

function readOverride(pattern: string, written: Overrides[string] = {}): Price {
  const kinds = Object.keys(written)
  const stranger = kinds.find(kind => !usageKinds.some(known => known === kind))
  if (stranger !== undefined || kinds.length === 0) {
    throw new RangeError(`prices: "${pattern}" needs prices by kind, of ${usageKinds.join(', ')}`)
  }
  try {
    return createPrice({ id: `config/${pattern}`, source: 'configuration', rates: readRates(written) })
  } catch (cause) {
    throw new RangeError(`prices: "${pattern}": ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}
