import {
  type Answer,
  Fault,
  faults,
  type Plan,
  type Timeouts,
  type Trip,
  targetName,
  toFault,
} from '#exchange'
import type { Chance } from '#platform'
import { type AttemptDeps, attemptTarget, type Leg } from './attempt.ts'
import { backoffMs } from './backoff.ts'
import { type Candidate, candidatesOf, type Entry, mayRetry } from './candidate.ts'
import { decisions, failureClassOf } from './decide.ts'
import { Entrance } from './entrance.ts'
import type { HedgeBudgets } from './hedge-budget.ts'
import type { Lanes } from './lane.ts'
import { begun, leave } from './leave.ts'
import { noTarget } from './no-target.ts'
import type { Provider } from './provider.ts'
import { type Lap, race } from './race.ts'
import type { RetryBudgets } from './retry-budget.ts'
import type { Standings } from './standing.ts'

export interface PursuitDeps extends AttemptDeps {
  chance: Chance
  standings: Standings
  lanes: Lanes
  retryBudgets: RetryBudgets
  hedgeBudgets: HedgeBudgets
  providerOf(name: string): Provider
}

/** No caller is kept waiting longer than this for a provider that said when to come back. */
const longestWaitMs = 60_000
/** With less time left than this nothing is begun any more: timers are not more exact. */
const leastLeftMs = 2

/**
 * Pursues an answer over the targets of a plan: each of them once, in order, passing over those that cannot take it
 * now; then again, after a wait, those where that may help. Ends with the first answer (of a stream: its first
 * content), with a failure that nothing more can be done about, or when tries, time or the retry budget are spent.
 */
export class Pursuit {
  readonly #deps: PursuitDeps
  readonly #trip: Trip
  readonly #candidates: readonly Candidate[]
  readonly #entrance: Entrance
  readonly #hedge: Plan['hedge']
  /** By the monotonic clock: the whole call, and the beginning of its answer, must not take longer. */
  readonly #totalUntilMs: number
  readonly #beginUntilMs: number
  #retries = 0
  /** As often as may be, whatever the budget left of that. */
  #isSpent = false
  /** The failure that decides what is done next. */
  #last: { candidate: Candidate; fault: Fault } | undefined

  constructor(deps: PursuitDeps, trip: Trip) {
    this.#deps = deps
    this.#trip = trip
    const { call, plan } = trip
    const startedMs = deps.clock.monotonic() - Math.max(0, deps.clock.now() - call.startedAtMs)
    this.#totalUntilMs = startedMs + plan.timeouts.totalMs
    this.#beginUntilMs = Math.min(
      this.#totalUntilMs,
      startedMs + (call.patienceMs ?? Number.POSITIVE_INFINITY),
    )
    this.#candidates = candidatesOf(trip, deps)
    this.#entrance = new Entrance(deps, {
      trip,
      candidates: this.#candidates,
      untilMs: this.#beginUntilMs - leastLeftMs,
    })
    this.#hedge = mayHedge(trip) ? plan.hedge : undefined
    if (this.#hedge) deps.hedgeBudgets.earn(call.caller.organization, trip.asked.model, this.#hedge.share)
  }

  async run(): Promise<Answer> {
    for (;;) {
      const entry = this.#entrance.enterUntried('at-once') ?? (await this.#look())
      this.#entrance.found(entry)
      try {
        return await this.#answerFrom(entry)
      } catch (cause) {
        this.#goOn(toFault(cause))
      }
    }
  }

  async #answerFrom(entry: Entry): Promise<Answer> {
    const afterMs = this.#hedge && (this.#hedge.afterMs ?? entry.candidate.standing.firstTokenMs(0.95))
    if (afterMs !== undefined) return await this.#race(entry, afterMs)
    const answer = await this.#go(entry)
    this.#tell(entry)
    return answer
  }

  #race(first: Entry, afterMs: number): Promise<Answer> {
    return race({
      clock: this.#deps.clock,
      presence: this.#trip.presence,
      first,
      afterMs,
      second: () => this.#enterBeside(first),
      go: (entry, lap) => this.#go(entry, lap),
      won: entry => this.#tell(entry),
    })
  }

  /** As far as the budget for that goes. */
  #enterBeside({ candidate }: Entry): Entry | undefined {
    const { hedgeBudgets } = this.#deps
    const { asked, call } = this.#trip
    const { organization } = call.caller
    if (!hedgeBudgets.take(organization, asked.model)) return undefined
    const entry = this.#entrance.enterBeside(candidate)
    if (entry) this.#entrance.found(entry)
    else {
      this.#entrance.forget()
      hedgeBudgets.giveBack(organization, asked.model)
    }
    return entry
  }

  /** One attempt, to the beginning of its answer. */
  async #go(entry: Entry, lap?: Lap): Promise<Answer> {
    const leg = this.#legFor(entry, lap)
    const trip = lap ? { ...this.#trip, presence: lap } : this.#trip
    let failed: Fault | undefined
    try {
      const answer = await attemptTarget(this.#deps, leg, trip)
      if (answer.kind === 'stream') begun(entry, this.#deps)
      return answer
    } catch (cause) {
      failed = toFault(cause)
      if (!lap?.isLost) this.#note(entry.candidate, failed, leg)
      throw failed
    } finally {
      // Nothing was put on record: it ended before it was an attempt.
      if (!leg.attempt) leave(entry, { attempt: undefined, fault: failed }, this.#deps)
    }
  }

  #legFor(entry: Entry, lap: Lap | undefined): Leg {
    const { candidate, slot } = entry
    const { target, provider, standing } = candidate
    if (candidate.tries === 0)
      this.#deps.retryBudgets.request(this.#trip.call.caller.organization, provider.name)
    candidate.tries += 1
    standing.underWay += 1
    return {
      target,
      provider,
      timeouts: () => this.#timeouts(),
      attempt: undefined,
      heard: (status, headers) => slot.heard(status, headers),
      onOver: (attempt, fault) => {
        lap?.note(attempt, ms => standing.heardFirstToken(ms))
        leave(entry, { attempt, fault }, this.#deps)
      },
    }
  }

  /** What is left of the call's time. */
  #timeouts(): Timeouts {
    const { asked, plan } = this.#trip
    const { connectMs, firstTokenMs, idleMs } = plan.timeouts
    const nowMs = this.#deps.clock.monotonic()
    const beginMs = Math.max(0, Math.ceil(this.#beginUntilMs - nowMs))
    const totalMs = asked.stream ? Math.max(0, Math.ceil(this.#totalUntilMs - nowMs)) : beginMs
    return {
      connectMs: Math.min(connectMs, beginMs),
      firstTokenMs: Math.min(firstTokenMs, beginMs),
      idleMs,
      totalMs,
    }
  }

  #note(candidate: Candidate, fault: Fault, { attempt }: Leg): void {
    if (fault.detail.elsewhere) {
      this.#trip.skip(candidate.target, 'over_budget')
      this.#last ??= { candidate, fault }
      candidate.tries = 0
      candidate.isPassedOver = true
      return
    }
    // Of two that raced, the one that nothing helps against decides.
    const isDecided = this.#last !== undefined && isFinal(this.#last.candidate)
    if (!isDecided) this.#last = { candidate, fault }
    if (isOurs(fault)) return
    const { retryAfterMs } = fault.detail
    candidate.failure = attempt?.failure ?? failureClassOf(fault, 'unsent')
    candidate.notBeforeMs = retryAfterMs === undefined ? 0 : this.#deps.clock.monotonic() + retryAfterMs
  }

  /** Throws when that was the end of it. */
  #goOn(cause: Fault): void {
    if (this.#trip.presence.gone || !this.#last) throw cause
    const { candidate, fault } = this.#last
    if (isOurs(fault) || isFinal(candidate)) throw fault
    if (this.#deps.clock.monotonic() + leastLeftMs < this.#beginUntilMs) return
    this.#isSpent = true
    throw this.#lastWord()
  }

  /** A way to a target that may be tried again; else into the line of one that was not tried yet. Throws when there is none. */
  async #look(): Promise<Entry> {
    try {
      const found = (await this.#retry()) ?? (await this.#enterUntried()) ?? (await this.#comeBack())
      if (found) return found
    } catch (cause) {
      this.#entrance.nothing()
      throw cause
    }
    throw this.#lastWord()
  }

  async #enterUntried(): Promise<Entry | undefined> {
    return (await this.#entrance.waitForUntried()) ?? this.#entrance.enterUntried('last-resort')
  }

  /** To those that were passed over for others. */
  async #comeBack(): Promise<Entry | undefined> {
    if (!this.#candidates.some(({ isPassedOver }) => isPassedOver)) return undefined
    for (const candidate of this.#candidates) candidate.isPassedOver = false
    if (this.#last?.fault.detail.elsewhere) this.#last = undefined // with less, or later, it may have room after all
    return await this.#enterUntried()
  }

  /** Waits, and goes to a target again where that may help; nothing where it may not. */
  async #retry(): Promise<Entry | undefined> {
    const again = this.#candidates
      .filter(candidate => mayRetry(candidate, this.#trip.asked.passthrough))
      .sort((a, b) => a.notBeforeMs - b.notBeforeMs)
    const [soonest] = again
    if (!soonest) return undefined
    if (this.#retries >= this.#trip.plan.retries) return this.#giveUp()
    const { chance, clock } = this.#deps
    const nowMs = clock.monotonic()
    const asksMs = soonest.notBeforeMs - nowMs
    const waitMs = backoffMs({ retry: this.#retries, retryAfterMs: asksMs > 0 ? asksMs : undefined, chance })
    const untilMs = nowMs + waitMs
    if (waitMs > longestWaitMs || untilMs + leastLeftMs >= this.#beginUntilMs) return undefined
    const ready = again.filter(({ notBeforeMs }) => notBeforeMs <= untilMs)
    const payer = ready.find(candidate => this.#pay(candidate))
    if (!payer) return this.#giveUp()
    await this.#wait(waitMs)
    this.#retries += 1
    return (await this.#enterAgain(ready, payer)) ?? this.#giveUp()
  }

  /** The one that has paid for its retry, or another one that can. */
  async #enterAgain(candidates: readonly Candidate[], payer: Candidate): Promise<Entry | undefined> {
    const paid = new Set([payer])
    for (const effort of ['at-once', 'waiting', 'last-resort'] as const) {
      for (const candidate of candidates) {
        if (!paid.has(candidate) && !this.#pay(candidate)) continue
        paid.add(candidate)
        const entry = await this.#entrance.enter(candidate, effort)
        if (entry) return entry
      }
    }
    return undefined
  }

  #pay({ provider }: Candidate): boolean {
    return this.#deps.retryBudgets.take(this.#trip.call.caller.organization, provider.name)
  }

  #giveUp(): undefined {
    this.#isSpent = true
  }

  /** Why there is no answer. Where we try again, SDKs are told not to; when to come back, by who knows best. */
  #lastWord(): Fault {
    const { retries, tryAgainMs } = this.#trip.plan
    const refused = this.#entrance.nothing()
    const fault = this.#last?.fault ?? noTarget(refused, tryAgainMs)
    if (retries > 0 && (this.#isSpent || this.#retries > 0)) fault.detail.retriesSpent = true
    if (faults[fault.code].retry) fault.detail.retryAfterMs ??= tryAgainMs
    return fault
  }

  #wait(ms: number): Promise<void> {
    const { clock } = this.#deps
    return new Promise((resolve, reject) => {
      const stop = clock.after(ms, resolve)
      this.#trip.presence.onGone(() => {
        stop()
        reject(new Fault('client_closed', 'The caller hung up before the answer was complete.'))
      })
    })
  }

  /** Says so if the answer is not the one that was hoped for. */
  #tell({ candidate }: Entry): void {
    const { target } = candidate
    if (target.degraded === undefined) return
    const why = this.#last?.fault.code ?? this.#entrance.firstSkip ?? 'slow'
    this.#trip.degrade(`${target.degraded}; target=${targetName(target)}; because=${why}`)
  }
}

/** Somebody waits for the beginning of a stream, and nothing is made by asking twice. */
function mayHedge({ asked, call, plan }: Trip): boolean {
  return plan.hedge !== undefined && asked.stream && call.class === 'interactive' && !asked.passthrough
}

/** It failed in a way that neither another target nor another try helps against. */
function isFinal({ failure }: Candidate): boolean {
  if (failure === undefined) return false
  const { failOver, retry } = decisions[failure]
  return failOver === 'no' && retry === 'no'
}

/** What went wrong on our side goes wrong at every target. */
function isOurs({ code, detail }: Fault): boolean {
  if (detail.ours) return true
  return code === 'internal' || code === 'store_unavailable' || code === 'media_not_fetched'
}
