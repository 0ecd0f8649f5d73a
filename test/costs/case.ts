import type { Dialect } from '#exchange'

/** A usage report of a provider, and what it costs, worked out by hand. */
export interface PricedCase {
  about: string
  /** `provider/model`, as `prices.ts` has it. */
  target: string
  dialect: Dialect
  /** The report as the provider writes it. */
  usage: Readonly<Record<string, unknown>>
  /** What stands in the answer beside it. */
  answer?: Readonly<Record<string, unknown>>
  /** The arithmetic: tokens × US dollars per million; ten dollars for a thousand searches are 10,000 for a million. */
  sum: string
  /** Its result in US dollars. */
  usd: string
  /** What the provider itself says, in US dollars. */
  provider?: string
  doubt?: 'refused' | 'contradicts'
}
