import type { Asked, Hold } from '#exchange'
import { amountIn } from './needs.ts'
import type { Take, Trial } from './reservation.ts'

/** Of a model of which nobody has said how long its answers can be. */
const longestOutput = 131_072
/** What such a model is told where the budget asks for a cap: more than this many models refuse. */
const safeCap = 16_384
/** Cut shorter than this no answer is worth its input; OpenAI's Responses take no smaller cap. */
const leastTokens = 16

/** Output tokens of one choice at most, as it is asked: by the caller's cap, or the model's. */
export function fullOutput({ output }: Asked, mostOutput: number | undefined): number {
  if (!output) return 0
  return output.cap ?? mostOutput ?? longestOutput
}

export function leastOutput(full: number): number {
  return Math.min(full, leastTokens)
}

/** The cap that a provider is told for so many tokens. */
export function capFor(tokens: number, { output }: Asked, mostOutput: number | undefined): number {
  return output?.cap === undefined ? Math.min(tokens, mostOutput ?? safeCap) : tokens
}

/** What other ways of the call take of a counter besides the one that was tried. */
function elsewhere({ rule, line }: Take, tried: Hold): bigint {
  return line.amount - amountIn(rule.unit, tried)
}

/** What is free for this call, were it not for what it may still be billed: all but what others have spent, and hold. */
function freeOf({ takes, outcome, own }: Trial, n: number): { free: bigint; othersHeld: bigint } | undefined {
  const [take, counted] = [takes[n], outcome.counted[n]]
  if (take?.line.most === undefined || !counted) return undefined
  const othersHeld = counted.held - own(take.line.key)
  return { free: take.line.most - counted.spent - othersHeld, othersHeld }
}

/** The first counter of which so much as is spent leaves too little even for the least that could be asked. */
export function hopelessIn(trial: Trial, { tried, least }: { tried: Hold; least: Hold }): Take | undefined {
  return trial.takes.find((take, n) => {
    const room = freeOf(trial, n)
    if (!room) return false
    return elsewhere(take, tried) + amountIn(take.rule.unit, least) > room.free + room.othersHeld
  })
}

/**
 * The largest number of output tokens that fits everywhere, between those of two holds; undefined: not even the least
 * does. While others hold something, no more than half of what is free: the next one wants to find some, too.
 */
export function largestFitting(
  trial: Trial,
  { tried, least, holdFor }: { tried: Hold; least: Hold; holdFor(outputTokens: number): Hold },
): number | undefined {
  const rooms = trial.takes.map((take, n) => {
    const room = freeOf(trial, n)
    if (!room) return undefined
    const other = elsewhere(take, tried)
    const leastNeed = other + amountIn(take.rule.unit, least)
    if (room.othersHeld === 0n || leastNeed > room.free) return room.free
    const half = other + (room.free - other) / 2n
    return half > leastNeed ? half : leastNeed
  })
  const fits = (hold: Hold): boolean =>
    trial.takes.every((take, n) => {
      const room = rooms[n]
      return room === undefined || elsewhere(take, tried) + amountIn(take.rule.unit, hold) <= room
    })
  if (!fits(least)) return undefined
  let [low, high] = [least.outputTokens, tried.outputTokens]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (fits(holdFor(middle))) low = middle
    else high = middle - 1
  }
  return low
}
