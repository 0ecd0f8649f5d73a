import { Bucket } from './lane-bucket.ts'
import { type Crowd, Gate, type Outlook, type Passing, untilLeft } from './lane-gate.ts'
import type { UsedUp } from './lane-headers.ts'
import type { GateLimits } from './lane-limits.ts'

/** What a provider has refused for its rate. */
export interface RateRefusal {
  enteredMs: number
  nowMs: number
  /** When it wants to be asked again. */
  retryAfterMs: number | undefined
  /** What it says is used up. */
  usedUp: UsedUp | undefined
}

/** What was learned from a refusal is forgotten after this: providers raise limits without a word. */
const memoryMs = 300_000
/** A model is tried again after this, whatever was said: some resets are nonsense. */
const longestClosedMs = 300_000
const [firstBackoffMs, longestBackoffMs] = [1_000, 30_000]
/** Places come back one by one, the slower the more often that was too many. */
const [firstGrowthMs, slowestGrowthMs] = [5_000, 60_000]
const cut = 0.8
const leastShare = 0.05
/** Of what was told, so much comes back in a millisecond: all of it in 200 seconds. */
const recoveryPerMs = 1 / 200_000
/** Output of a model that has not answered yet, in tokens. */
const unknownOutput = 256
const outputWeight = 0.1

/**
 * What a lane knows of one model. States: as configured → (a provider says that something is used up) paced by what it
 * says, or closed until then → as configured. A refusal closes it until the provider wants to be asked again; after
 * that it is slower: in its pace where the provider tells a limit, in its places where it does not (additive increase,
 * multiplicative decrease). It all is in memory, and dies with the process.
 */
export class ModelLane {
  readonly crowd: Crowd = { interactive: 0, batch: 0 }
  readonly waiting: Crowd = { interactive: 0, batch: 0 }
  readonly configured: Gate | undefined
  /** The round of looking for the next one in which it was found to be blocked. */
  blockedIn = 0
  #learned: Gate | undefined
  #closedUntilMs = 0
  #output: number | undefined
  /** Refusals since the last success. */
  #row = 0
  #places: { most: number; sinceMs: number; growthMs: number } | undefined
  #paces: { of: UsedUp['of']; told: number; perMinute: number; sinceMs: number }[] = []

  constructor(limits: GateLimits | undefined, nowMs: number) {
    this.configured = limits && new Gate(limits, this.crowd, nowMs)
  }

  get isIdle(): boolean {
    const { crowd, waiting } = this
    return crowd.interactive + crowd.batch + waiting.interactive + waiting.batch === 0
  }

  /** Nothing is known of it beyond what is configured. */
  get isUnlearned(): boolean {
    return this.#learned === undefined && this.#closedUntilMs === 0
  }

  /** What its output will be, in tokens, by what it has been. */
  get expectedOutput(): number {
    return this.#output ?? unknownOutput
  }

  /** Until it may be asked; 0: now, `untilLeft`: when another one leaves. */
  waitMs(passing: Passing): number {
    const configured = this.configured?.waitMs(passing) ?? 0
    if (this.isUnlearned) return configured
    this.#renew(passing.nowMs)
    const closed = this.closedForMs(passing.nowMs)
    return Math.max(configured, closed, this.#learned?.waitMs(passing) ?? 0)
  }

  /** As for a gate. */
  expectMs(outlook: Outlook): number {
    return Math.max(
      this.configured?.expectMs(outlook) ?? 0,
      this.#learned?.expectMs(outlook) ?? 0,
      this.closedForMs(outlook.nowMs),
    )
  }

  closedForMs(nowMs: number): number {
    return Math.max(0, this.#closedUntilMs - nowMs)
  }

  /** Places at once, as learned; undefined: nothing was. */
  get learnedConcurrency(): number | undefined {
    return this.#places?.most
  }

  passed(passing: Passing): void {
    this.crowd[passing.class] += 1
    this.configured?.passed(passing)
    this.#learned?.passed(passing)
  }

  left(leaving: Parameters<Gate['left']>[0]): void {
    this.configured?.left(leaving)
    this.#learned?.left(leaving)
  }

  answered(outputTokens: number | undefined): void {
    this.#row = 0
    if (outputTokens === undefined) return
    this.#output =
      this.#output === undefined ? outputTokens : this.#output + (outputTokens - this.#output) * outputWeight
  }

  /** The provider has answered, and says that no more is left. */
  told(usedUp: UsedUp, nowMs: number): void {
    if (usedUp.limit === undefined) this.#close(usedUp.resetMs, nowMs)
    else this.#pace(usedUp, { nowMs, isRefused: false })
  }

  /** It has refused, and has been counted out already. */
  refused({ enteredMs, nowMs, retryAfterMs, usedUp }: RateRefusal): void {
    this.#row += 1
    const backoffMs = Math.min(longestBackoffMs, firstBackoffMs * 2 ** Math.min(this.#row - 1, 10))
    const unlimited = usedUp?.limit === undefined ? usedUp?.resetMs : undefined
    this.#close(retryAfterMs ?? unlimited ?? backoffMs, nowMs)
    if (usedUp === undefined) this.#narrow(enteredMs, nowMs)
    else this.#pace(usedUp, { nowMs, isRefused: true })
  }

  #close(ms: number, nowMs: number): void {
    this.#closedUntilMs = Math.max(this.#closedUntilMs, nowMs + Math.min(ms, longestClosedMs))
  }

  /** Nothing tells why: fewer at once. So many others were not refused; again and again, half of them. */
  #narrow(enteredMs: number, nowMs: number): void {
    const { interactive, batch } = this.crowd
    const places = this.#places
    const isAgain = this.#row > 1 && places !== undefined && enteredMs > places.sinceMs
    const others = Math.floor((interactive + batch) / (isAgain ? 2 : 1))
    const most = Math.max(1, Math.min(places?.most ?? untilLeft, others))
    const growthMs =
      places === undefined
        ? firstGrowthMs
        : Math.min(slowestGrowthMs, places.growthMs * (enteredMs > places.sinceMs ? 2 : 1))
    this.#places = { most, sinceMs: nowMs, growthMs }
    this.#gate(nowMs).most = most
  }

  #pace({ of, limit, remaining, resetMs }: UsedUp, at: { nowMs: number; isRefused: boolean }): void {
    if (limit === undefined || limit === 0) return
    const { nowMs, isRefused } = at
    const perReset = resetMs > 0 && limit > remaining ? ((limit - remaining) / resetMs) * 60_000 : limit
    const told = Math.min(limit, perReset)
    const gate = this.#gate(nowMs)
    const known = this.#paces.find(pace => pace.of === of)
    const bucket = gate[of]
    if (!known || !bucket) {
      gate[of] = new Bucket(told, { nowMs, isEmpty: true })
      this.#paces.push({ of, told, perMinute: told, sinceMs: nowMs })
      return
    }
    // Many are refused together: that is one reason to slow down, not many.
    const isNew = isRefused && nowMs - known.sinceMs >= firstBackoffMs
    const now = rateAt(known, nowMs)
    known.told = told
    known.perMinute = Math.min(told, Math.max(told * leastShare, isNew ? now * cut : now))
    known.sinceMs = nowMs
    bucket.setRate(known.perMinute, nowMs)
    bucket.empty(nowMs)
  }

  #gate(nowMs: number): Gate {
    this.#learned ??= new Gate({}, this.crowd, nowMs)
    return this.#learned
  }

  /** What was learned wears off. */
  #renew(nowMs: number): void {
    if (nowMs >= this.#closedUntilMs) this.#closedUntilMs = 0
    const gate = this.#learned
    if (!gate) return
    const places = this.#places
    if (places && nowMs - places.sinceMs > memoryMs) this.#places = undefined
    else if (places) gate.most = places.most + Math.floor((nowMs - places.sinceMs) / places.growthMs)
    if (!this.#places) gate.most = untilLeft
    for (const pace of this.#paces) {
      if (nowMs - pace.sinceMs > memoryMs) gate[pace.of] = undefined
      else gate[pace.of]?.setRate(rateAt(pace, nowMs), nowMs)
    }
    if (this.#paces.length > 0) this.#paces = this.#paces.filter(({ of }) => gate[of] !== undefined)
    if (!this.#places && this.#paces.length === 0) this.#learned = undefined
  }
}

function rateAt(pace: { told: number; perMinute: number; sinceMs: number }, nowMs: number): number {
  return Math.min(pace.told, pace.perMinute + (nowMs - pace.sinceMs) * recoveryPerMs * pace.told)
}
