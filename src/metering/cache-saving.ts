import { totalInput, type Usage, type UsageKind } from '#exchange'
import { countOf } from './cost.ts'
import { type Price, ratesOf } from './price.ts'
import { picoUsdPerToken } from './rate.ts'

/** Kinds that a provider's prompt cache makes of input, and what the same tokens are without it. */
const plainKinds: readonly (readonly [kind: UsageKind, plain: UsageKind])[] = [
  ['cachedInput', 'input'],
  ['cachedAudioInput', 'audioInput'],
  ['cacheWrite5m', 'input'],
  ['cacheWrite1h', 'input'],
]

/**
 * Pico-dollars that a provider's prompt cache spared: what the tokens that were read from it or written to it would have
 * cost as plain input, less what they cost. Negative where writes cost more than reads saved. Undefined: nothing was
 * cached, or one of these kinds has no price.
 */
export function cacheSavingOf(usage: Usage, price: Price, tier?: string): bigint | undefined {
  // Most calls have nothing cached, and pay for no more than this look.
  if (!(usage.cachedInput || usage.cacheWrite5m || usage.cacheWrite1h || usage.cachedAudioInput))
    return undefined
  const rates = ratesOf(price, tier)
  const inputTokens = totalInput(usage)
  let picoUsd = 0n
  for (const [kind, plain] of plainKinds) {
    const tokens = countOf(usage, kind)
    if (tokens === 0) continue
    const [paid, instead] = [rates[kind], rates[plain]]
    if (!paid || !instead) return undefined
    picoUsd += BigInt(tokens) * (picoUsdPerToken(instead, inputTokens) - picoUsdPerToken(paid, inputTokens))
  }
  return picoUsd
}
