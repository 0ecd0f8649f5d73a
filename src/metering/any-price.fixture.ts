import fc from 'fast-check'
import { type UnitKind, type Usage, type UsageKind, unitKinds, usageKinds } from '#exchange'
import { createPrice, type Price } from './price.ts'
import type { Rate, Rates } from './rate.ts'

const anyPicoUsd = fc.bigInt({ min: 0n, max: 1_000_000_000n })

/** Prices by length may rise and fall. */
const anyRate: fc.Arbitrary<Rate> = fc
  .tuple(
    anyPicoUsd,
    fc.uniqueArray(fc.tuple(fc.nat({ max: 3_000 }), anyPicoUsd), {
      maxLength: 3,
      selector: ([above]) => above,
    }),
  )
  .map(([picoUsd, steps]) => ({
    picoUsd,
    tiers: steps
      .sort(([a], [b]) => a - b)
      .map(([aboveInputTokens, dearer]) => ({ aboveInputTokens, picoUsd: dearer })),
  }))

const anyRates: fc.Arbitrary<Rates> = fc.record(
  Object.fromEntries(usageKinds.map(kind => [kind, anyRate] as const)) as Record<
    UsageKind,
    fc.Arbitrary<Rate>
  >,
  { requiredKeys: [] },
)

const anyFees = fc.record(
  { request: anyPicoUsd, webSearches: anyPicoUsd, images: anyPicoUsd } satisfies Record<
    'request' | UnitKind,
    fc.Arbitrary<bigint>
  >,
  { requiredKeys: [] },
)

/** Any kinds, lengths, service tiers and fees. */
export const anyPrice: fc.Arbitrary<Price> = fc
  .record(
    {
      rates: anyRates,
      tiers: fc
        .dictionary(fc.constantFrom('batch', 'flex', 'priority'), anyRates)
        .map(tiers => new Map(Object.entries(tiers).map(([tier, rates]) => [tier, { label: tier, rates }]))),
      fees: anyFees,
    },
    { requiredKeys: ['rates'] },
  )
  .map(price => createPrice({ id: 'any', source: 'chance', ...price }))

export const anyUsage: fc.Arbitrary<Usage> = fc.record(
  Object.fromEntries(
    [...usageKinds, ...unitKinds].map(kind => [kind, fc.nat({ max: 2_000 })] as const),
  ) as Record<UsageKind | UnitKind, fc.Arbitrary<number>>,
  { requiredKeys: [] },
)
