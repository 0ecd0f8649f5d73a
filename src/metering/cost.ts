import assert from 'node:assert/strict'
import { totalInput, type UnitKind, type Usage, type UsageKind, unitKinds, usageKinds } from '#exchange'
import { type Price, ratesOf } from './price.ts'
import { picoUsdPerToken } from './rate.ts'

/** What a usage cost by one price. */
export interface Cost {
  /** The total; `undefined` when a kind that was used has no price: a sum with an unknown part is unknown. */
  picoUsd: bigint | undefined
  /** Kinds that were used and have a price; `request` where a request itself costs something. */
  byKind: Readonly<Partial<Record<UsageKind | UnitKind | 'request', bigint>>>
  /** Kinds that were used and have none. */
  unpricedKinds: readonly (UsageKind | UnitKind)[]
}

/**
 * Exact: integers all the way, never negative. `tier` is the service tier that the provider says it served; one that
 * the price does not tell apart is the usual one. Counts that are no counts are a bug of whoever read them.
 */
export function costOf(usage: Usage, price: Price, tier?: string): Cost {
  const rates = ratesOf(price, tier)
  const inputTokens = totalInput(usage)
  const byKind: Partial<Record<UsageKind | UnitKind | 'request', bigint>> = {}
  const unpricedKinds: (UsageKind | UnitKind)[] = []
  let picoUsd = 0n
  const add = (kind: UsageKind | UnitKind, count: number, each: bigint | undefined): void => {
    if (each === undefined) {
      unpricedKinds.push(kind)
      return
    }
    const cost = BigInt(count) * each
    byKind[kind] = cost
    picoUsd += cost
  }
  for (const kind of usageKinds) {
    const tokens = countOf(usage, kind)
    const rate = rates[kind]
    if (tokens > 0) add(kind, tokens, rate && picoUsdPerToken(rate, inputTokens))
  }
  for (const kind of unitKinds) {
    const count = countOf(usage, kind)
    if (count > 0) add(kind, count, price.fees?.[kind])
  }
  const fee = price.fees?.request
  if (fee && isUsed(usage)) {
    byKind.request = fee
    picoUsd += fee
  }
  return { picoUsd: unpricedKinds.length === 0 ? picoUsd : undefined, byKind, unpricedKinds }
}

/** Whether anything was used at all: a request that used nothing is not charged for. */
export function isUsed(usage: Usage): boolean {
  return usageKinds.some(kind => usage[kind]) || unitKinds.some(kind => usage[kind])
}

/** How many of a kind. Asserts a whole number of at least zero, small enough to be exact. */
export function countOf(usage: Usage, kind: UsageKind | UnitKind): number {
  const count = usage[kind] ?? 0
  // The message is only made when it is needed: this runs for every kind of every attempt.
  if (!Number.isSafeInteger(count) || count < 0) assert.fail(`${count} is not a count of ${kind}`)
  return count
}
