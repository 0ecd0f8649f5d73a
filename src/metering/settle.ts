import { type Attempt, type Usage, type UsageSource, unitKinds, usageKinds } from '#exchange'
import { cacheSavingOf } from './cache-saving.ts'
import { costOf, countOf, isUsed } from './cost.ts'
import { priceIdOf } from './price.ts'
import type { PriceBook } from './price-book.ts'

/** What a call used and what it cost, over all its attempts. */
export type Settlement = Used & Charged

interface Used {
  /** Tokens of all attempts together. */
  usage: Usage
  /** The least certain of the attempts' sources; `undefined` when nothing was used. */
  usageSource: UsageSource | undefined
}

/**
 * `free`: it is known that nothing is charged (no attempt used anything, or the price is zero). `unpriced`: the
 * price or the usage of an attempt is unknown, so the total is. Attempts keep the costs that are known.
 */
type Charged =
  | { priced: 'priced' | 'free'; costPicoUsd: bigint }
  | { priced: 'unpriced'; costPicoUsd: undefined }

export interface Metering {
  /**
   * Prices every attempt that has usage, by the price at its end and the tier that served it, and writes `costPicoUsd`,
   * `price`, and `cacheSavedPicoUsd` where anything was cached, on it. Where we have no price, and the provider says its
   * own, that counts: `price` is `provider`. May be called again when better usage has arrived: the outcome depends
   * on the attempts alone.
   */
  settle(attempts: readonly Attempt[], vendorOf: (provider: string) => string): Settlement
}

export function createMetering({ priceBook }: { priceBook: PriceBook }): Metering {
  return {
    settle(attempts, vendorOf) {
      for (const attempt of attempts) priceAttempt(attempt, priceBook, vendorOf)
      const used = attempts.filter(attempt => !usedNothing(attempt))
      return { usage: sumUsage(used), usageSource: leastCertain(used), ...sumCost(used) }
    },
  }
}

function priceAttempt(attempt: Attempt, book: PriceBook, vendorOf: (provider: string) => string): void {
  const { usage, bill } = attempt
  if (usage) {
    const atMs = attempt.endedAtMs ?? attempt.startedAtMs
    const price = book.priceOf(attempt.target, vendorOf(attempt.target.provider), atMs)
    attempt.price = price ? priceIdOf(price, bill?.tier) : 'unpriced'
    const picoUsd = price && costOf(usage, price, bill?.tier).picoUsd
    if (picoUsd === undefined) delete attempt.costPicoUsd
    else attempt.costPicoUsd = picoUsd
    const saved = price && picoUsd !== undefined ? cacheSavingOf(usage, price, bill?.tier) : undefined
    if (saved !== undefined) attempt.cacheSavedPicoUsd = saved
    else if (attempt.cacheSavedPicoUsd !== undefined) delete attempt.cacheSavedPicoUsd
  }
  if (bill?.picoUsd === undefined || bill.doubt === 'refused' || attempt.costPicoUsd !== undefined) return
  attempt.price = 'provider'
  attempt.costPicoUsd = bill.picoUsd
}

/** A provider that failed and reported nothing is not paid. Any other end without usage leaves it unknown. */
function usedNothing(attempt: Attempt): boolean {
  if (attempt.costPicoUsd) return false
  if (attempt.usage) return !isUsed(attempt.usage)
  return attempt.status === 'failed' && attempt.usageSource !== 'unknown'
}

const allKinds = [...usageKinds, ...unitKinds] as const

function sumUsage(attempts: readonly Attempt[]): Usage {
  const sum: Usage = {}
  for (const { usage = {} } of attempts) {
    for (const kind of allKinds) {
      const count = countOf(usage, kind)
      if (count > 0) sum[kind] = (sum[kind] ?? 0) + count
    }
  }
  return sum
}

const byCertainty: readonly UsageSource[] = ['provider', 'estimate', 'unknown']

function leastCertain(attempts: readonly Attempt[]): UsageSource | undefined {
  const doubts = attempts.map(({ usage, usageSource = 'unknown' }) =>
    byCertainty.indexOf(usage ? usageSource : 'unknown'),
  )
  return byCertainty[Math.max(...doubts)]
}

function sumCost(attempts: readonly Attempt[]): Charged {
  let costPicoUsd = 0n
  for (const attempt of attempts) {
    if (attempt.costPicoUsd === undefined) return { priced: 'unpriced', costPicoUsd: undefined }
    costPicoUsd += attempt.costPicoUsd
  }
  return { priced: costPicoUsd === 0n ? 'free' : 'priced', costPicoUsd }
}
