import type { CallClass } from '#exchange'
import { Bucket } from './lane-bucket.ts'
import type { GateLimits } from './lane-limits.ts'

/** How many are under way. */
export type Crowd = Record<CallClass, number>

/** What wants to pass a gate. */
export interface Passing {
  class: CallClass
  /** Input, and what the output is expected to be. */
  tokens: number
  nowMs: number
  /** Batch work whose turn it is: it need not leave anything to interactive work. */
  isOwed: boolean
  /** Organizations that have asked of late. */
  organizations: number
  /** What its own organization has under way, and whether it was given more than the others of late. */
  ownUnderWay: number
  isOverShare: boolean
  /** Calls of the other organizations of late, a millisecond. */
  othersPerMs: number
}

/** Where one stands who waits. */
export interface Outlook {
  ahead: number
  tokensAhead: number
  tokens: number
  nowMs: number
}

/** Of all that is let in while batch work waits, as much is batch work at least. */
export const batchShare = 0.1
/** How long a peak of interactive work is remembered, once to twice. */
const peakMs = 30_000
const holdWeight = 0.1
/** Standard deviations above the average: one in twenty comes when there are more. */
const surplus = 1.6

/** A wait that ends when somebody leaves. */
export const untilLeft = Number.POSITIVE_INFINITY

/**
 * Limits that hold together, for a provider or for one of its models: places at once, requests and tokens a minute.
 * Batch work leaves room for interactive work: places for a quarter, or for what was under way of it at its recent peak
 * and some more; of a burst, the half. So does, for a few places, an organization that has more than its share.
 */
export class Gate {
  /** At once; may change. */
  most: number
  requests: Bucket | undefined
  tokens: Bucket | undefined
  readonly #crowd: Crowd
  /** How long a place is held, on average. */
  #holdMs: number | undefined
  #peak = 0
  #formerPeak = 0
  #peakSinceMs = 0

  /** The crowd is its owner's to count. */
  constructor(limits: GateLimits, crowd: Crowd, nowMs: number) {
    this.#crowd = crowd
    this.most = limits.concurrency ?? untilLeft
    this.requests = bucketOf(limits.requestsPerMinute, nowMs)
    this.tokens = bucketOf(limits.tokensPerMinute, nowMs)
  }

  get isOfRates(): boolean {
    return this.requests !== undefined || this.tokens !== undefined
  }

  /** Until it may pass; 0: now, `untilLeft`: when another one leaves. */
  waitMs(passing: Passing): number {
    if (!this.#hasPlace(passing)) return untilLeft
    if (!this.isOfRates) return 0
    const { nowMs, tokens, isOwed } = passing
    const isYielding = passing.class === 'batch' ? !isOwed : passing.isOverShare
    const how = { nowMs, isYielding }
    return Math.max(this.requests?.waitMs(1, how) ?? 0, this.tokens?.waitMs(tokens, how) ?? 0)
  }

  /** About how long it will be until those ahead, and then it, have passed. */
  expectMs({ ahead, tokensAhead, tokens, nowMs }: Outlook): number {
    const isFull = this.#crowd.interactive + this.#crowd.batch >= this.most
    return Math.max(
      isFull ? ((ahead + 1) * (this.#holdMs ?? 0)) / this.most : 0,
      this.requests?.expectMs(ahead, 1, nowMs) ?? 0,
      this.tokens?.expectMs(tokensAhead, tokens, nowMs) ?? 0,
    )
  }

  /** It has passed, and the crowd has been counted. */
  passed({ nowMs, tokens }: Passing): void {
    if (this.#crowd.interactive > this.#peak) this.#peak = this.#crowd.interactive
    this.requests?.take(1, nowMs)
    this.tokens?.take(tokens, nowMs)
  }

  /** It has left again: what was taken and not used is given back. */
  left({ heldMs, unused }: { heldMs: number; unused: { requests: number; tokens: number } }): void {
    this.#holdMs = this.#holdMs === undefined ? heldMs : this.#holdMs + (heldMs - this.#holdMs) * holdWeight
    if (unused.requests !== 0) this.requests?.giveBack(unused.requests)
    if (unused.tokens !== 0) this.tokens?.giveBack(unused.tokens)
  }

  /** Whether one more would be the last one: then it is places that are scarce. */
  get isNearlyFull(): boolean {
    return this.#crowd.interactive + this.#crowd.batch + 1 >= this.most
  }

  #hasPlace(passing: Passing): boolean {
    const { interactive, batch } = this.#crowd
    const all = interactive + batch
    if (all >= this.most) return false
    if (this.most === untilLeft || this.most <= 1) return true
    if (passing.class === 'interactive') return !passing.isOverShare || this.#leavesEnough(passing, all)
    const least = Math.max(1, Math.ceil(this.most * batchShare))
    if (passing.isOwed) return batch < least
    const peak = this.#recentPeak(passing.nowMs)
    const wanted = Math.max(Math.ceil(this.most / 4), peak + Math.max(1, Math.ceil(peak / 4)))
    const reserved = Math.min(wanted, this.most - least)
    return all + 1 <= this.most - Math.max(1, reserved - interactive)
  }

  /**
   * Whether an organization that has more than its share leaves places to the others for what they ask of late: as many
   * as are under way of theirs on average (Little's law), and by the square-root rule some more for when they come
   * together (Halfin and Whitt, "Heavy-traffic limits for queues with many exponential servers", Operations Research
   * 29, 1981).
   */
  #leavesEnough({ organizations, ownUnderWay, othersPerMs }: Passing, all: number): boolean {
    if (ownUnderWay + 1 <= this.most / organizations) return true
    const others = othersPerMs * (this.#holdMs ?? 0)
    return all + 1 < this.most && ownUnderWay + 1 <= this.most - others - surplus * Math.sqrt(others)
  }

  /** Looked at only where batch work asks: a peak costs interactive work nothing but a comparison. */
  #recentPeak(nowMs: number): number {
    if (nowMs - this.#peakSinceMs > peakMs) {
      this.#formerPeak = nowMs - this.#peakSinceMs > 2 * peakMs ? 0 : this.#peak
      this.#peak = this.#crowd.interactive
      this.#peakSinceMs = nowMs
    }
    return Math.max(this.#peak, this.#formerPeak)
  }
}

function bucketOf(perMinute: number | undefined, nowMs: number): Bucket | undefined {
  return perMinute === undefined ? undefined : new Bucket(perMinute, { nowMs })
}
