import type { Price } from './price.ts'

const dayMs = 24 * 60 * 60 * 1000

/** A price and when it holds; without either condition, always. */
export interface DatedPrice {
  price: Price
  /** From this moment on, in milliseconds since the epoch. */
  fromMs?: number | undefined
  /** Every day between these two, in milliseconds since midnight UTC; over midnight when the end is earlier. */
  daily?: { startMs: number; endMs: number } | undefined
}

/** The price at a moment: the last in the list that holds, else the first, which is the oldest known. */
export function priceAt(prices: readonly DatedPrice[], atMs: number): Price | undefined {
  return (prices.findLast(dated => holds(dated, atMs)) ?? prices[0])?.price
}

function holds({ fromMs, daily }: DatedPrice, atMs: number): boolean {
  if (fromMs !== undefined && atMs < fromMs) return false
  if (daily === undefined) return true
  const timeMs = atMs % dayMs
  return daily.startMs <= daily.endMs
    ? timeMs >= daily.startMs && timeMs < daily.endMs
    : timeMs >= daily.startMs || timeMs < daily.endMs
}
