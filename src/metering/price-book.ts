import { type Target, targetName } from '#exchange'
import { type DatedPrice, priceAt } from './dated.ts'
import { type Overrides, readCoverings } from './override.ts'
import { createPrice, type Price } from './price.ts'
import type { PublishedPrices } from './published.ts'
import { readRates } from './rate.ts'

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
  const overrides = readCoverings(options.overrides ?? {})
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
