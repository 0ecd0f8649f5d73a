import { type Decision, Fault, type PlannedTarget, type SkipReason, type Trip } from '#exchange'
import type { Clock } from '#platform'
import type { Breaker } from './breaker.ts'
import { type Candidate, type Entry, isOpenTo } from './candidate.ts'
import type { Lanes, Slot } from './lane.ts'
import type { Skipped } from './no-target.ts'

/** How hard to look for a way in: at once or not at all; waiting in line; past a breaker that is not without hope. */
export type Effort = 'at-once' | 'waiting' | 'last-resort'

export interface EntranceDeps {
  clock: Clock
  lanes: Lanes
}

export interface EntranceOptions {
  trip: Trip
  candidates: readonly Candidate[]
  /** By the monotonic clock: who has not begun by then need not wait any longer. */
  untilMs: number
}

/** Estimates of tokens are rough: only what is far beyond a context is refused by them. */
const estimateSlack = 1.5

/**
 * Looks for a way in: past targets whose breaker is open, whose lane has no room, or which take too little. A search
 * ends with `found` or with `nothing`: only then is it clear which targets were passed over. Of those that were
 * looked at, only who comes before the one that was found; one that was waited for was not passed over at all.
 */
export class Entrance {
  readonly #deps: EntranceDeps
  readonly #options: EntranceOptions
  /** In the order in which they were first looked at, each with the last reason. */
  readonly #refused = new Map<PlannedTarget, Skipped>()
  /** Why the first choice was not even asked. */
  firstSkip: SkipReason | undefined

  constructor(deps: EntranceDeps, options: EntranceOptions) {
    this.#deps = deps
    this.#options = options
  }

  /** The first untried one that can be had. */
  enterUntried(effort: 'at-once' | 'last-resort'): Entry | undefined {
    for (const candidate of this.#options.candidates) {
      if (!this.#isOpenTo(candidate)) continue
      const entry = this.enter(candidate, effort)
      if (entry && !(entry instanceof Promise)) return entry
    }
    return undefined
  }

  /** As `enterUntried`, for one that goes beside another: what is only better than nothing need not be asked for that. */
  enterBeside({ target: first }: Candidate): Entry | undefined {
    for (const candidate of this.#options.candidates) {
      const isLesser = candidate.target.degraded === 'degrade' && first.degraded !== 'degrade'
      if (isLesser || !this.#isOpenTo(candidate)) continue
      const entry = this.enter(candidate, 'at-once')
      if (entry && !(entry instanceof Promise)) return entry
    }
    return undefined
  }

  async waitForUntried(): Promise<Entry | undefined> {
    for (const candidate of this.#options.candidates) {
      const entry = this.#isOpenTo(candidate) && (await this.enter(candidate, 'waiting'))
      if (entry) return entry
    }
    return undefined
  }

  enter(candidate: Candidate, effort: Effort): Entry | undefined | Promise<Entry | undefined> {
    const { target, provider, scope } = candidate
    const { asked, call, presence } = this.#options.trip
    const nowMs = this.#deps.clock.monotonic()
    const breaker = breakerBefore(candidate, effort, nowMs)
    if (breaker) return this.#refuseFor(breaker, candidate, nowMs)
    const tokens = asked.estimatedInputTokens
    if (target.contextTokens !== undefined && tokens > target.contextTokens * estimateSlack)
      return this.#refuse(target, 'context_too_small', undefined)
    const entered = this.#deps.lanes.enter(provider, {
      organization: call.caller.organization,
      class: call.class,
      model: scope,
      tokens,
      untilMs: this.#options.untilMs,
      mayWait: effort === 'waiting',
      presence,
    })
    return entered instanceof Promise
      ? entered.then(slot => this.#pass(candidate, slot, effort))
      : this.#pass(candidate, entered, effort)
  }

  /** The search has ended: this one is asked, and who was looked at before it is passed over. */
  found({ candidate }: Entry): void {
    if (this.#refused.size === 0) return
    for (const skipped of this.#refused.values()) {
      if (skipped.target === candidate.target) break
      this.#tell(skipped)
    }
    this.#refused.clear()
  }

  /** The search has ended without a way in: nobody is asked. Gives why. */
  nothing(): Skipped[] {
    const refused = [...this.#refused.values()]
    for (const skipped of refused) this.#tell(skipped)
    this.#refused.clear()
    return refused
  }

  /** Nobody had to be found: nobody was passed over. */
  forget(): void {
    this.#refused.clear()
  }

  #tell({ target, reason }: Skipped): void {
    const { plan, skip } = this.#options.trip
    if (target === plan.targets[0]) this.firstSkip ??= reason
    skip(target, reason)
  }

  #isOpenTo(candidate: Candidate): boolean {
    const { candidates: others, trip } = this.#options
    return isOpenTo(candidate, { others, failOverBlocked: trip.plan.failOverBlocked === true })
  }

  /** Through the breakers, now that the lane has let it in. */
  #pass(candidate: Candidate, entered: Decision<Slot>, effort: Effort): Entry | undefined {
    const { target, standing, credential } = candidate
    if (!entered.ok) {
      if (entered.code === 'client_closed') throw new Fault(entered.code, entered.message)
      const reason = entered.code === 'rate_limited' ? 'rate_limited' : 'busy'
      return this.#refuse(target, reason, entered.detail?.retryAfterMs)
    }
    const nowMs = this.#deps.clock.monotonic()
    const breaker = breakerBefore(candidate, effort, nowMs)
    if (breaker) {
      entered.value.leave(undefined) // it opened meanwhile
      return this.#refuseFor(breaker, candidate, nowMs)
    }
    return {
      candidate,
      slot: entered.value,
      isProbe: standing.breaker.enter(nowMs),
      isCredentialProbe: credential.enter(nowMs),
    }
  }

  #refuseFor(breaker: Breaker, { target, credential }: Candidate, nowMs: number): undefined {
    const reason = breaker === credential ? 'credential_refused' : 'breaker_open'
    return this.#refuse(target, reason, breaker.opensInMs(nowMs))
  }

  #refuse(target: PlannedTarget, reason: SkipReason, waitMs: number | undefined): undefined {
    this.#refused.set(target, { target, reason, waitMs })
  }
}

/** The breaker that keeps an attempt from a target. */
function breakerBefore(
  { standing, credential }: Candidate,
  effort: Effort,
  nowMs: number,
): Breaker | undefined {
  const isInTheWay = (breaker: Breaker): boolean =>
    !breaker.admits(nowMs) && !(effort === 'last-resort' && breaker.isInTrouble)
  if (isInTheWay(credential)) return credential
  return isInTheWay(standing.breaker) ? standing.breaker : undefined
}
