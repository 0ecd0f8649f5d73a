import { type UsageKind, usageKinds } from '#exchange'
import { parseUsdPerMillion } from './usd.ts'

/** Prices of tokens by kind; one that is absent has no price, which is not the same as a price of zero. */
export type Rates = Readonly<Partial<Record<UsageKind, Rate>>>

/** Pico-dollars per token; by context length where the vendor charges long inputs differently. */
export interface Rate {
  picoUsd: bigint
  /** In ascending order. The last one that applies is the price of *every* token of the kind. */
  tiers: readonly Tier[]
}

/** Applies when the request's input tokens of all kinds together are more than `aboveInputTokens`. */
interface Tier {
  aboveInputTokens: number
  picoUsd: bigint
}

/** A rate as written: US dollars per million tokens, as decimals. */
export type WrittenRate =
  | string
  | { base: string; tiers: readonly { aboveInputTokens: number; price: string }[] }

/** A price list's own words, by kind. */
export type WrittenRates = Readonly<Partial<Record<UsageKind, WrittenRate>>>

function readRate(written: WrittenRate): Rate {
  if (typeof written === 'string') return { picoUsd: parseUsdPerMillion(written), tiers: [] }
  const tiers = written.tiers.map(({ aboveInputTokens, price }) => ({
    aboveInputTokens,
    picoUsd: parseUsdPerMillion(price),
  }))
  return { picoUsd: parseUsdPerMillion(written.base), tiers }
}

/** Throws a `RangeError` when a rate is not a price. */
export function readRates(written: WrittenRates): Rates {
  const rates: Partial<Record<UsageKind, Rate>> = {}
  for (const kind of usageKinds) {
    const rate = written[kind]
    if (rate !== undefined) rates[kind] = readRate(rate)
  }
  return withStandIns(rates)
}

/**
 * Fills in the kinds that a price list leaves out because they cost what another kind costs. The rule is never
 * to guess too low, so what usually costs more than its neighbour (audio, generated images, an hour of cache
 * where five minutes are priced apart) stays without a price.
 */
function withStandIns(rates: Rates): Rates {
  const { input, output, audioInput, cacheWrite5m } = rates
  return {
    ...(input && { cachedInput: input, cacheWrite5m: input, imageInput: input }),
    ...(input && !cacheWrite5m && { cacheWrite1h: input }),
    ...(audioInput && { cachedAudioInput: audioInput }),
    ...(output && { reasoning: output }),
    ...rates,
  }
}

/** Pico-dollars per token for a request with this much input. */
export function picoUsdPerToken(rate: Rate, inputTokens: number): bigint {
  let picoUsd = rate.picoUsd
  for (const tier of rate.tiers) if (inputTokens > tier.aboveInputTokens) picoUsd = tier.picoUsd
  return picoUsd
}

export function mapRates(rates: Rates, map: (picoUsd: bigint) => bigint): Rates {
  const mapped: Partial<Record<UsageKind, Rate>> = {}
  for (const kind of usageKinds) {
    const rate = rates[kind]
    if (!rate) continue
    const tiers = rate.tiers.map(tier => ({ ...tier, picoUsd: map(tier.picoUsd) }))
    mapped[kind] = { picoUsd: map(rate.picoUsd), tiers }
  }
  return mapped
}
