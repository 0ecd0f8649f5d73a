import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Match, matches } from './match.ts'
import type { PriceLine } from './published.ts'
import type { WrittenRates } from './rate.ts'

/** The file of prices by service tier, one JSON value a line: its origin, then the models that have such. */
export const tiersFile = join(import.meta.dirname, 'tiers.jsonl')

interface TierOrigin {
  package: string
  version: string
  /** The day on which the rates were last checked at the vendors. */
  checked: string
  licence: string
}

interface TierLine {
  vendor: string
  model: string
  match: Match
  tiers: Readonly<Record<string, readonly PriceLine[]>>
}

/** What one service tier of a model costs, over time. */
export interface TierHistory {
  tier: string
  /** Whether it costs more than the usual one. */
  isDearer: boolean
  /** Ascending; the first holds before it too, since nothing older is known. Without rates: unpriced. */
  prices: readonly { fromMs: number; label: string; rates: WrittenRates }[]
}

/** By vendor and the vendor's name of a model, in lower case; empty where there are no tiers. */
export type FindTiers = (vendor: string, model: string) => readonly TierHistory[]

/**
 * Service tiers that cost more than the usual one at some vendors. Where a model of such a vendor has no price for one
 * it is unpriced: the usual price would be too low. (A cheaper tier without a price costs the usual at most.)
 */
const dearer: Readonly<Record<string, readonly string[]>> = {
  openai: ['priority', 'fast'],
  azure: ['priority', 'fast'],
  google: ['priority'],
  aws: ['priority'],
  'x-ai': ['priority'],
  // What Anthropic calls priority is capacity that was paid for in advance, used up at the usual price.
  anthropic: ['fast'],
}

/** Tiers that cost what another does: Google takes half for both (ai.google.dev/gemini-api/docs/optimization). */
const alike: Readonly<Record<string, Readonly<Record<string, string>>>> = { google: { flex: 'batch' } }

/** Reads the prices of tiers that come with Sluice; a vendor's lines are parsed when it is first asked for. */
export function readTiers(): FindTiers {
  const [first = '', ...lines] = readFileSync(tiersFile, 'latin1').trimEnd().split('\n')
  const { checked }: TierOrigin = JSON.parse(first)
  const byVendor = new Map<string, readonly TierLine[]>()
  const linesOf = (vendor: string): readonly TierLine[] => {
    const known = byVendor.get(vendor)
    if (known) return known
    const own = lines.filter(line => line.startsWith(`{"vendor":"${vendor}",`))
    const parsed = own.map((line): TierLine => JSON.parse(line))
    byVendor.set(vendor, parsed)
    return parsed
  }
  return (vendor, model) => {
    const tiers = new Map(
      Object.entries(linesOf(vendor).find(line => matches(line.match, model))?.tiers ?? {}),
    )
    for (const [tier, other] of Object.entries(alike[vendor] ?? {})) {
      const prices = tiers.get(other)
      if (prices && !tiers.has(tier)) tiers.set(tier, prices)
    }
    for (const tier of dearer[vendor] ?? []) if (!tiers.has(tier)) tiers.set(tier, [])
    return [...tiers].map(([tier, prices]) => readTier(tier, prices, checked))
  }
}

function readTier(tier: string, prices: readonly PriceLine[], checked: string): TierHistory {
  const isDearer = tier === 'priority' || tier === 'fast'
  if (prices.length === 0) return { tier, isDearer, prices: [{ fromMs: 0, label: tier, rates: {} }] }
  return {
    tier,
    isDearer,
    prices: prices.map(({ from, rates }) => ({
      fromMs: from === undefined ? 0 : Date.parse(from),
      label: `${tier}@${checked}${from === undefined ? '' : `;from=${from}`}`,
      rates,
    })),
  }
}
