import type { UnitKind } from '#exchange'
import { type Ceilings, ceilingsOf } from './bound.ts'
import type { Rates } from './rate.ts'

/** What a model's tokens cost, at one time, by one source. Immutable. */
export interface Price {
  /** Names these numbers on record: `openai/gpt-5-mini@2026-09-23` or `config/house/llama-3.3`. */
  id: string
  /** Where the numbers come from, in words. */
  source: string
  /** By kind of token; a kind that is absent has no price, which is not the same as a price of zero. */
  rates: Rates
  /** Where a provider may serve a request at other prices than the usual; absent: one price however it is served. */
  tiers?: ReadonlyMap<string, TierPrice> | undefined
  /** Pico-dollars for each of what is not a token; absent: a request itself costs nothing, anything else is unpriced. */
  fees?: Fees | undefined
  /** The dearest of its rates, for bounds. */
  ceilings: Ceilings
}

export function createPrice(price: Omit<Price, 'ceilings'>): Price {
  return { ...price, ceilings: ceilingsOf(price) }
}

/** What tokens cost in one service tier. */
export interface TierPrice {
  /** Stands behind the price's id on record: `flex@2026-10-14`. */
  label: string
  rates: Rates
}

export type Fees = Readonly<Partial<Record<'request' | UnitKind, bigint>>>

/** The rates by which a request in a service tier is priced; one that the price does not tell apart is the usual one. */
export function ratesOf(price: Price, tier: string | undefined): Rates {
  return (tier !== undefined && price.tiers?.get(tier)?.rates) || price.rates
}

/** The name on record of the numbers by which a request in a service tier is priced. */
export function priceIdOf(price: Price, tier: string | undefined): string {
  const own = tier === undefined ? undefined : price.tiers?.get(tier)
  return own ? `${price.id};tier=${own.label}` : price.id
}
