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
  tiers?: TierRates | undefined
  /** Pico-dollars for each of what is not a token; absent: a request itself costs nothing, anything else is unpriced. */
  fees?: Fees | undefined
  /** The dearest of its rates, for bounds. */
  ceilings: Ceilings
}

export function createPrice(price: Omit<Price, 'ceilings'>): Price {
  return { ...price, ceilings: ceilingsOf(price) }
}

/** Service tiers that have prices of their own, by the name that `exchange` knows them by. */
export type TierRates = Readonly<Record<string, Rates>>

export type Fees = Readonly<Partial<Record<'request' | UnitKind, bigint>>>
