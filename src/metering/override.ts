import { parseUsd, unitKinds, usageKinds } from '#exchange'
import { createPrice, type Fees, type Price, type TierPrice } from './price.ts'
import { readRates, type WrittenRates } from './rate.ts'

/** A price that the owner sets: US dollars per million tokens by kind. It is the whole price. */
export type Override = WrittenRates & {
  /** What differs by the service tier that the provider says it served; a kind that a tier leaves out costs as usual. */
  tiers?: Readonly<Record<string, WrittenRates>> | undefined
  /** US dollars for each piece: a request itself, a search, a picture. */
  fees?: Readonly<Partial<Record<keyof Fees, string>>> | undefined
}

/**
 * Prices that the owner sets: `provider/model`, or a beginning of it and `*`, to a price of plain decimals. Nothing of
 * the published one is mixed in.
 */
export type Overrides = Readonly<Record<string, Override>>

/** An override and the targets that it is for. */
export interface Covering {
  covers(name: string): boolean
  price: Price
}

/** The closest comes first: a full name before any `*`, a longer beginning before a shorter one. Throws a `RangeError`. */
export function readCoverings(overrides: Overrides): Covering[] {
  const rank = (pattern: string) => (pattern.endsWith('*') ? pattern.length : Number.MAX_SAFE_INTEGER)
  return Object.entries(overrides)
    .sort(([a], [b]) => rank(b) - rank(a))
    .map(([pattern, override]) => ({ covers: coverOf(pattern), price: readOverride(pattern, override) }))
}

function coverOf(pattern: string): (name: string) => boolean {
  if (!/^[^/*]+\/[^*]*\*?$/.test(pattern) || pattern.endsWith('/')) {
    throw new RangeError(`prices: "${pattern}" is not provider/model, nor a beginning of it followed by *`)
  }
  if (!pattern.endsWith('*')) return name => name === pattern
  const beginning = pattern.slice(0, -1)
  return name => name.startsWith(beginning)
}

function readOverride(pattern: string, override: Override): Price {
  const { tiers = {}, fees = {}, ...rates } = override
  const named = [rates, ...Object.values(tiers)].flatMap(Object.keys)
  const isKnown = named.every(kind => usageKinds.some(known => known === kind))
  const isPiece = Object.keys(fees).every(fee => pieces.includes(fee))
  if (!isKnown || !isPiece || named.length + Object.keys(fees).length === 0) {
    throw new RangeError(
      `prices: "${pattern}" needs prices by kind, of ${usageKinds.join(', ')}; or fees, of ${pieces.join(', ')}`,
    )
  }
  try {
    return createPrice({
      id: `config/${pattern}`,
      source: 'configuration',
      rates: readRates(rates),
      ...(Object.keys(tiers).length > 0 && { tiers: readTierRates(rates, tiers) }),
      ...(Object.keys(fees).length > 0 && { fees: readFees(fees) }),
    })
  } catch (cause) {
    throw new RangeError(`prices: "${pattern}": ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

const pieces: readonly string[] = ['request', ...unitKinds]

function readTierRates(usual: WrittenRates, tiers: NonNullable<Override['tiers']>): Map<string, TierPrice> {
  return new Map(
    Object.entries(tiers).map(([tier, own]) => [
      tier,
      { label: tier, rates: readRates({ ...usual, ...own }) },
    ]),
  )
}

function readFees(fees: NonNullable<Override['fees']>): Fees {
  return Object.fromEntries(Object.entries(fees).map(([fee, usd]) => [fee, parseUsd(usd)]))
}
