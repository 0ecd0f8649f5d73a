import { type Attempt, assert, type Counts, type Hold, type Target, totalInput, totalOutput } from '#exchange'
import type { Unit } from './rule.ts'

/** What calls cost, by whoever knows prices. */
export interface Pricing {
  /** The most that so many tokens can cost at a target, in pico-dollars; undefined: they have no price. */
  bound(
    target: Target,
    tokens: { inputTokens: number; outputTokens: number; tier?: string | undefined },
    atMs: number,
  ): bigint | undefined
  /** Puts the cost of what it used on an attempt that is over. */
  price(attempt: Attempt): void
}

/** So much of a counter in that unit. Requests and places are of the call, and not of its attempts. */
export function amountIn(unit: Unit, { inputTokens, outputTokens, picoUsd }: Counts): bigint {
  switch (unit) {
    case 'usd':
      return picoUsd ?? 0n
    case 'tokens':
      return BigInt(inputTokens + outputTokens)
    case 'input_tokens':
      return BigInt(inputTokens)
    case 'output_tokens':
      return BigInt(outputTokens)
    case 'requests':
    case 'concurrent':
      return 1n
    default: {
      const stranger: never = unit
      assert(false, `${String(stranger)} is no unit`)
    }
  }
}

/** Whether a call has one of it, however often it is attempted. */
export function isOfCall(unit: Unit): boolean {
  return unit === 'requests' || unit === 'concurrent'
}

const nothing: Counts = { inputTokens: 0, outputTokens: 0, picoUsd: 0n }

/**
 * What budgets count of an attempt: what the provider says that it used; nothing where it is known that nothing was;
 * else what was held, since as much may have been billed. Where an answer was cut, what we counted of it and a margin
 * for what was on its way.
 */
export function countsOf(attempt: Attempt | undefined, hold: Hold, pricing: Pricing): Counts {
  if (!attempt) return nothing
  if (attempt.status === 'running' || attempt.status === 'unknown') return hold
  const { usage, usageSource } = attempt
  if (!usage) {
    if (usageSource === 'unknown' || attempt.status !== 'failed') return hold
    return attempt.httpStatus === 200 ? inputAlone(attempt, hold, pricing) : nothing
  }
  const [inputTokens, outputTokens] = [totalInput(usage), totalOutput(usage)]
  if (usageSource === undefined && inputTokens + outputTokens === 0) return nothing // it was never sent
  pricing.price(attempt)
  const picoUsd = attempt.costPicoUsd ?? hold.picoUsd
  const used = { inputTokens, outputTokens, picoUsd }
  return usageSource === 'provider' ? used : withMargin(used, { attempt, hold, pricing })
}

/** It was taken, and failed before it gave anything: a provider may bill what it has read all the same. */
function inputAlone({ target }: Attempt, { inputTokens, atMs }: Hold, pricing: Pricing): Counts {
  const read = { inputTokens, outputTokens: 0 }
  return { ...read, picoUsd: pricing.bound(target, read, atMs) }
}

/** What counts roughly is counted too low by no more than a sixteenth, and some tokens. */
const marginShare = 16
const marginTokens = 16
/** How long a provider goes on at most before it hears that its reader has left. */
const onTheWayMs = 250
/** So long before the first token it read what was asked. What comes on top may be thinking that nobody is shown. */
const readingMs = 1_000
/** Of a stream that has just begun, nobody can tell how fast it is. */
const leastStreamMs = 50

function withMargin(
  { inputTokens, outputTokens, picoUsd }: Counts,
  { attempt, hold, pricing }: { attempt: Attempt; hold: Hold; pricing: Pricing },
): Counts {
  const input = Math.min(hold.inputTokens, inputTokens + Math.ceil(inputTokens / marginShare) + marginTokens)
  const onItsWay = unseen(attempt, outputTokens)
  const output = Math.min(hold.outputTokens, outputTokens + onItsWay)
  if (picoUsd === undefined || output === hold.outputTokens) {
    const most = { inputTokens: input, outputTokens: output }
    return { ...most, picoUsd: smaller(hold.picoUsd, pricing.bound(attempt.target, most, hold.atMs)) }
  }
  const more = { inputTokens: input - Math.min(input, inputTokens), outputTokens: onItsWay }
  const morePicoUsd = pricing.bound(attempt.target, more, hold.atMs) ?? 0n
  return { inputTokens: input, outputTokens: output, picoUsd: smaller(hold.picoUsd, picoUsd + morePicoUsd) }
}

/**
 * Output tokens that may have been made beside those that were seen. All there can be where nobody saw any (a provider
 * may have thought already, or go on with a plain answer), and where the reader was behind: what waits for it in the
 * network may be much. What it thought before, and did not show, it thought as fast as it wrote.
 */
function unseen(attempt: Attempt, seen: number): number {
  const { firstTokenMs, startedAtMs, endedAtMs, behind } = attempt
  if (firstTokenMs === undefined || behind) return Number.POSITIVE_INFINITY
  const streamMs = Math.max(leastStreamMs, (endedAtMs ?? startedAtMs) - startedAtMs - firstTokenMs)
  const thinkingMs = Math.max(0, firstTokenMs - readingMs)
  return Math.ceil(seen / marginShare + (seen / streamMs) * (onTheWayMs + thinkingMs)) + marginTokens
}

function smaller(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a < b ? a : b
}
