import assert from 'node:assert/strict'
import { totalInput, type Usage, type UsageKind, usageKinds } from '#exchange'
import { type Price, picoUsdPerToken } from './price.ts'

/** What a usage cost by one price. */
export interface Cost {
  /** The total; `undefined` when a kind that was used has no price: a sum with an unknown part is unknown. */
  picoUsd: bigint | undefined
  /** Kinds that were used and have a price. */
  byKind: Readonly<Partial<Record<UsageKind, bigint>>>
  /** Kinds that were used and have none. */
  unpricedKinds: readonly UsageKind[]
}

/** Exact: integers all the way, never negative. Counts that are no counts are a bug of whoever read them. */
export function costOf(usage: Usage, price: Price): Cost {
  const inputTokens = totalInput(usage)
  const byKind: Partial<Record<UsageKind, bigint>> = {}
  const unpricedKinds: UsageKind[] = []
  let picoUsd = 0n
  for (const kind of usageKinds) {
    const tokens = countOf(usage, kind)
    if (tokens === 0) continue
    const rate = price.rates[kind]
    if (!rate) {
      unpricedKinds.push(kind)
      continue
    }
    const cost = BigInt(tokens) * picoUsdPerToken(rate, inputTokens)
    byKind[kind] = cost
    picoUsd += cost
  }
  return { picoUsd: unpricedKinds.length === 0 ? picoUsd : undefined, byKind, unpricedKinds }
}

/** Tokens of a kind. Asserts a whole number of at least zero, small enough to be exact. */
export function countOf(usage: Usage, kind: UsageKind): number {
  const tokens = usage[kind] ?? 0
  // The message is only made when it is needed: this runs for every kind of every attempt.
  if (!Number.isSafeInteger(tokens) || tokens < 0) assert.fail(`${tokens} is not a count of ${kind} tokens`)
  return tokens
}
