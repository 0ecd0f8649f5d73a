import type { DatedPrice } from './dated.ts'
import { createPrice, type TierPrice } from './price.ts'
import { mapRates, type Rates, readRates, type WrittenRates } from './rate.ts'
import type { TierHistory } from './tiers.ts'

/** A price as it stands in a list: with the kinds that the list itself names. */
export interface ListedPrice extends DatedPrice {
  written: WrittenRates
}

/**
 * What Anthropic adds for a request that only the United States may serve (`inference_geo`), whatever its tier: a tenth
 * on every kind of token (platform.claude.com/docs, Pricing, "Data residency pricing").
 */
const residency = { vendor: 'anthropic', mark: 'us', times: 11n, over: 10n }

/** Prices over time, with those of the service tiers at each of these times. */
export function withTiers(
  prices: readonly ListedPrice[],
  { vendor, histories }: { vendor: string; histories: readonly TierHistory[] },
): DatedPrice[] {
  if (histories.length === 0) return [...prices]
  const isResident = vendor === residency.vendor
  return momentsOf(prices, histories).map(listed => {
    const tiers = tiersAt(listed, histories)
    const { id, source, rates, fees } = listed.price
    const price = createPrice({
      id,
      source,
      rates,
      fees,
      tiers: isResident ? withResidency(rates, tiers) : tiers,
    })
    return { ...listed, price }
  })
}

/** The list with an entry more wherever the price of a tier changes in the time of one. */
function momentsOf(
  prices: readonly ListedPrice[],
  histories: readonly TierHistory[],
): readonly ListedPrice[] {
  const changes = histories.flatMap(history =>
    history.prices.map(({ fromMs }) => fromMs).filter(ms => ms > 0),
  )
  // A price by the hour stays what it is for good: which one of a list holds is then not said by its start alone.
  if (changes.length === 0 || prices.some(({ daily }) => daily)) return prices
  const starts = new Set([...prices.map(({ fromMs }) => fromMs ?? 0), ...changes])
  return [...starts]
    .sort((a, b) => a - b)
    .flatMap(fromMs => {
      const listed = prices.findLast(price => (price.fromMs ?? 0) <= fromMs) ?? prices[0]
      return listed ? [{ ...listed, fromMs }] : []
    })
}

/**
 * A kind that a cheaper tier does not list costs what it usually does there; one that a dearer tier does not list costs
 * what stands in for it: neither is too low.
 */
function tiersAt(
  { written, fromMs = 0 }: ListedPrice,
  histories: readonly TierHistory[],
): Map<string, TierPrice> {
  const tiers = new Map<string, TierPrice>()
  for (const { tier, isDearer, prices } of histories) {
    const own = prices.findLast(price => price.fromMs <= fromMs) ?? prices[0]
    if (!own) continue
    tiers.set(tier, {
      label: own.label,
      rates: readRates(isDearer ? own.rates : { ...written, ...own.rates }),
    })
  }
  return tiers
}

function withResidency(usual: Rates, tiers: ReadonlyMap<string, TierPrice>): Map<string, TierPrice> {
  const { mark } = residency
  const all = new Map(tiers)
  all.set(mark, { label: mark, rates: residentRates(usual) })
  for (const [tier, { label, rates }] of tiers) {
    all.set(`${tier}+${mark}`, { label: `${label}+${mark}`, rates: residentRates(rates) })
  }
  return all
}

function residentRates(rates: Rates): Rates {
  return mapRates(rates, picoUsd => roundUp(picoUsd * residency.times, residency.over))
}

/** No price is a fraction of a pico-dollar, and none too low. */
function roundUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor
}
