import {
  type Answer,
  type Attempt,
  type Decision,
  type FailureClass,
  Fault,
  faults,
  type Passthrough,
  type PlannedTarget,
  type Presence,
  type SkipReason,
  type Timeouts,
  type Trip,
  targetName,
  toFault,
} from '#exchange'
import type { Chance } from '#platform'
import { type AttemptDeps, attemptTarget, type Leg } from './attempt.ts'
import { backoffMs } from './backoff.ts'
import type { Breaker } from './breaker.ts'
import { decisions, failureClassOf } from './decide.ts'
import type { Lanes, Slot } from './lane.ts'
import { noTarget, type Skipped } from './no-target.ts'
import type { Provider } from './provider.ts'
import type { RetryBudgets } from './retry-budget.ts'
import type { Standing, Standings } from './standing.ts'

export interface PursuitDeps extends AttemptDeps {
  chance: Chance
  standings: Standings
  lanes: Lanes
  retryBudgets: RetryBudgets
  hedgeBudgets: RetryBudgets
  providerOf(name: string): Provider
}

/** No caller is kept waiting longer than this for a provider that said when to come back. */
const longestWaitMs = 60_000
/** With less time left than this nothing is begun any more: timers are not more exact. */
const leastLeftMs = 2

/** A target of the plan, and how it went there. */
interface Candidate {
  target: PlannedTarget
  provider: Provider
  /** What a failure or a rate limit is taken to concern: the model, or what is asked for without one. */
  scope: string
  standing: Standing
  credential: Breaker
  tries: number
  failure: FailureClass | undefined
  /** By the monotonic clock: its provider has asked not to be asked before that. */
  notBeforeMs: number
}

/** How hard to look for a way in: at once or not at all; waiting in line; past a breaker that is not without hope. */
type Effort = 'at-once' | 'waiting' | 'last-resort'

/** A way in that was found. */
interface Entry {
  candidate: Candidate
  slot: Slot
  isProbe: boolean
  isCredentialProbe: boolean
}

/**
 * Pursues an answer over the targets of a plan: each of them once, in order, passing over those that cannot take it
 * now; then again, after a wait, those where that may help. Ends with the first answer (of a stream: its first
 * content), with a failure that nothing more can be done about, or when tries, time or the retry budget are spent.
 */
export class Pursuit {
  readonly #deps: PursuitDeps
  readonly #trip: Trip
  readonly #candidates: Candidate[]
  /** By the monotonic clock: the whole call, and the beginning of its answer, must not take longer. */
  readonly #totalUntilMs: number
  readonly #beginUntilMs: number
  #attempts = 0
  #retries = 0
  /** As often as may be, whatever the budget left of that. */
  #isSpent = false
  #last: Fault | undefined
  #skipped: Skipped[] = []

  constructor(deps: PursuitDeps, trip: Trip) {
    this.#deps = deps
    this.#trip = trip
    const { asked, call, plan } = trip
    this.#candidates = plan.targets.map(target => {
      const provider = deps.providerOf(target.provider)
      const scope = target.model === '' ? collectionOf(asked.passthrough) : target.model
      const standing = deps.standings.of(provider, scope)
      const credential = deps.standings.credentialOf(provider)
      return { target, provider, scope, standing, credential, tries: 0, failure: undefined, notBeforeMs: 0 }
    })
    const startedMs = deps.clock.monotonic() - Math.max(0, deps.clock.now() - call.startedAtMs)
    this.#totalUntilMs = startedMs + plan.timeouts.totalMs
    this.#beginUntilMs = Math.min(
      this.#totalUntilMs,
      startedMs + (call.patienceMs ?? Number.POSITIVE_INFINITY),
    )
  }

  async run(): Promise<Answer> {
    for (;;) {
      const found = this.#enterUntried('at-once') ?? (await this.#look())
      try {
        const hedgeMs = this.#hedgeAfterMs(found)
        return hedgeMs === undefined ? await this.#go(found) : await this.#race(found, hedgeMs)
      } catch (cause) {
        this.#goOn(found, toFault(cause))
      }
    }
  }

  /** One attempt, to the beginning of its answer. */
  async #go(found: Entry, lap?: Lap): Promise<Answer> {
    const leg = this.#legFor(found, lap)
    const trip = lap ? { ...this.#trip, presence: lap } : this.#trip
    let failed: Fault | undefined
    try {
      const answer = await attemptTarget(this.#deps, leg, trip)
      if (answer.kind === 'stream') this.#begun(found)
      if (!lap?.isLost) this.#tell(found)
      return answer
    } catch (cause) {
      failed = toFault(cause)
      if (!lap?.isLost) this.#note(found.candidate, failed, leg)
      throw failed
    } finally {
      // Nothing was put on record: it ended before it was an attempt.
      if (!leg.attempt) this.#leave(found, undefined, failed)
    }
  }

  #note(candidate: Candidate, fault: Fault, { attempt }: Leg): void {
    const { retryAfterMs } = fault.detail
    this.#last = fault
    candidate.failure = attempt?.failure ?? failureClassOf(fault, 'unsent')
    candidate.notBeforeMs = retryAfterMs === undefined ? 0 : this.#deps.clock.monotonic() + retryAfterMs
  }

  /** Its target is there: who comes next need not wait for the end of a stream, which may take minutes. */
  #begun(entry: Entry): void {
    if (!entry.isProbe && !entry.isCredentialProbe) return
    const { standing, credential } = entry.candidate
    const nowMs = this.#deps.clock.monotonic()
    if (entry.isProbe) standing.breaker.succeeded(nowMs, true)
    if (entry.isCredentialProbe) credential.succeeded(nowMs, true)
    entry.isProbe = false
    entry.isCredentialProbe = false
  }

  /** How long this target may take to begin before the next one is asked beside it; undefined: none is. */
  #hedgeAfterMs({ candidate }: Entry): number | undefined {
    const { asked, call, plan } = this.#trip
    if (!plan.hedge || !asked.stream || call.class !== 'interactive' || asked.passthrough) return undefined
    this.#deps.hedgeBudgets.request(call.caller.organization, candidate.provider.name)
    return plan.hedge.afterMs ?? candidate.standing.firstTokenMs(0.95)
  }

  /** Two targets, the second some time after the first: the first to begin its answer has won, the other is given up. */
  #race(found: Entry, afterMs: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const laps: Lap[] = []
      const run = (entry: Entry): void => {
        const lap = new Lap(this.#trip.presence)
        laps.push(lap)
        const won = (answer: Answer): void => {
          stop()
          if (lap.isLost) return answer.kind === 'stream' ? answer.stream.cancel() : undefined
          for (const other of laps) if (other !== lap) other.lose()
          resolve(answer)
        }
        const lost = (cause: unknown): void => {
          lap.isOver = true
          if (!laps.every(({ isOver }) => isOver)) return
          stop()
          reject(cause)
        }
        this.#go(entry, lap).then(won, lost)
      }
      const stop = this.#deps.clock.after(afterMs, () => {
        const second = this.#takeHedge(found) ? this.#enterUntried('at-once') : undefined
        if (second) run(second)
      })
      run(found)
    })
  }

  #takeHedge({ candidate }: Entry): boolean {
    const { call, plan } = this.#trip
    const { organization } = call.caller
    const share = plan.hedge?.share ?? 0
    return this.#deps.hedgeBudgets.take(organization, candidate.provider.name, { share, floorPerSecond: 0.1 })
  }

  /** A way to a target that may be tried again; else into the line of one that was not tried yet. Throws when there is none. */
  async #look(): Promise<Entry> {
    const found = (await this.#retry()) ?? (await this.#waitForUntried()) ?? this.#enterUntried('last-resort')
    if (found) return found
    throw this.#lastWord()
  }

  #enterUntried(effort: 'at-once' | 'last-resort'): Entry | undefined {
    for (const candidate of this.#candidates) {
      if (!this.#isOpenTo(candidate)) continue
      const entry = this.#enter(candidate, effort)
      if (entry && !(entry instanceof Promise)) return entry
    }
    return undefined
  }

  async #waitForUntried(): Promise<Entry | undefined> {
    for (const candidate of this.#candidates) {
      const entry = this.#isOpenTo(candidate) && (await this.#enter(candidate, 'waiting'))
      if (entry) return entry
    }
    return undefined
  }

  /** Whether an untried candidate may be asked, after how the others failed. */
  #isOpenTo({ target, tries }: Candidate): boolean {
    if (tries > 0) return false
    return this.#candidates.every(({ failure, target: failed }) => {
      if (failure === undefined) return true
      const { failOver } = decisions[failure]
      if (failOver === 'if_allowed') return this.#trip.plan.failOverBlocked === true
      if (failOver === 'larger_context') return mayTakeMore(target, failed)
      return failOver === 'yes'
    })
  }

  #enter(candidate: Candidate, effort: Effort): Entry | undefined | Promise<Entry | undefined> {
    const { target, provider, scope } = candidate
    const { asked, call, presence } = this.#trip
    const nowMs = this.#deps.clock.monotonic()
    const breaker = breakerBefore(candidate, effort, nowMs)
    if (breaker) return this.#skip(target, 'breaker_open', breaker.opensInMs(nowMs))
    const tokens = asked.estimatedInputTokens
    if (target.contextTokens !== undefined && tokens > target.contextTokens * estimateSlack)
      return this.#skip(target, 'context_too_small', undefined)
    const entered = this.#deps.lanes.enter(provider, {
      organization: call.caller.organization,
      class: call.class,
      model: scope,
      tokens,
      untilMs: this.#beginUntilMs,
      mayWait: effort === 'waiting',
      presence,
    })
    return entered instanceof Promise
      ? entered.then(slot => this.#pass(candidate, slot, effort))
      : this.#pass(candidate, entered, effort)
  }

  /** Through the breakers, now that the lane has let it in. */
  #pass(candidate: Candidate, entered: Decision<Slot>, effort: Effort): Entry | undefined {
    const { target, standing, credential } = candidate
    if (!entered.ok) {
      if (entered.code === 'client_closed') throw new Fault(entered.code, entered.message)
      const reason = entered.code === 'rate_limited' ? 'rate_limited' : 'busy'
      return this.#skip(target, reason, entered.detail?.retryAfterMs)
    }
    const nowMs = this.#deps.clock.monotonic()
    const breaker = breakerBefore(candidate, effort, nowMs)
    if (breaker) {
      entered.value.leave(undefined) // it opened meanwhile
      return this.#skip(target, 'breaker_open', breaker.opensInMs(nowMs))
    }
    return {
      candidate,
      slot: entered.value,
      isProbe: standing.breaker.enter(nowMs),
      isCredentialProbe: credential.enter(nowMs),
    }
  }

  #skip(target: PlannedTarget, reason: SkipReason, waitMs: number | undefined): undefined {
    this.#skipped = this.#skipped.filter(skip => skip.target !== target)
    this.#skipped.push({ target, reason, waitMs })
    this.#trip.skip(target, reason)
  }

  #legFor(entry: Entry, lap: Lap | undefined): Leg {
    const { candidate, slot } = entry
    const { target, provider, standing } = candidate
    if (candidate.tries === 0)
      this.#deps.retryBudgets.request(this.#trip.call.caller.organization, provider.name)
    candidate.tries += 1
    this.#attempts += 1
    standing.underWay += 1
    return {
      target,
      provider,
      timeouts: this.#timeouts(),
      attempt: undefined,
      heard: (status, headers) => slot.heard(status, headers),
      onOver: (attempt, fault) => {
        if (lap?.isLost) attempt.lostRace = true
        this.#leave(entry, attempt, fault)
      },
    }
  }

  /** What is left of the call's time. */
  #timeouts(): Timeouts {
    const { asked, plan } = this.#trip
    const nowMs = this.#deps.clock.monotonic()
    const beginMs = Math.max(0, Math.ceil(this.#beginUntilMs - nowMs))
    const totalMs = asked.stream ? Math.max(0, Math.ceil(this.#totalUntilMs - nowMs)) : beginMs
    return { ...plan.timeouts, totalMs, firstTokenMs: Math.min(plan.timeouts.firstTokenMs, beginMs) }
  }

  /** The attempt is over: its place is free, and what it says about the target is noted. */
  #leave(entry: Entry, attempt: Attempt | undefined, fault: Fault | undefined): void {
    const { slot, isProbe, isCredentialProbe } = entry
    const { standing, credential } = entry.candidate
    const nowMs = this.#deps.clock.monotonic()
    standing.left(attempt !== undefined)
    slot.leave(attempt, fault)
    if (attempt?.firstTokenMs !== undefined) standing.heardFirstToken(attempt.firstTokenMs)
    const failure = attempt ? attempt.failure : fault && failureClassOf(fault, 'unsent')
    if (failure !== undefined) standing.failed(failure, this.#deps.clock.now())
    const counts = failure === undefined ? 'none' : decisions[failure].breaker
    const isAnswer = attempt !== undefined && attempt.status !== 'cancelled' && failure !== 'rate_limited'
    const wasSent = failure !== 'not_sent'
    if (counts === 'target') standing.breaker.failed(nowMs, { isProbe, wasSent })
    else if (counts === 'none' && isAnswer) standing.breaker.succeeded(nowMs, isProbe)
    else standing.breaker.abandoned(isProbe)
    // Who is down, or could not even be reached, has said nothing of a credential.
    if (counts === 'credential') credential.failed(nowMs, { isProbe: isCredentialProbe, wasSent })
    else if (counts === 'none' && isAnswer) credential.succeeded(nowMs, isCredentialProbe)
    else credential.abandoned(isCredentialProbe)
    entry.isProbe = false
    entry.isCredentialProbe = false
  }

  /** Throws when that was the end of it. */
  #goOn({ candidate }: Entry, fault: Fault): void {
    if (this.#trip.presence.gone || isOurs(fault) || candidate.failure === undefined) throw fault
    const { failOver, retry } = decisions[candidate.failure]
    if (failOver === 'no' && retry === 'no') throw fault
    if (this.#deps.clock.monotonic() + leastLeftMs < this.#beginUntilMs) return
    this.#isSpent = true
    throw this.#lastWord()
  }

  /** Waits, and goes to a target again where that may help; nothing where it may not. */
  async #retry(): Promise<Entry | undefined> {
    const again = this.#candidates
      .filter(candidate => this.#mayRetry(candidate))
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
        const entry = await this.#enter(candidate, effort)
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

  #mayRetry({ failure, tries }: Candidate): boolean {
    if (failure === undefined) return false
    const { retry, mayHaveWorked } = decisions[failure]
    const { passthrough } = this.#trip.asked
    // What is passed through may make something: a job, a file. Once is enough.
    if (mayHaveWorked && passthrough && passthrough.method !== 'GET') return false
    return retry === 'yes' || (retry === 'once' && tries < 2)
  }

  /** Why there is no answer. Where we try again, SDKs are told not to; when to come back, by who knows best. */
  #lastWord(): Fault {
    const { retries, tryAgainMs } = this.#trip.plan
    const fault = this.#last ?? noTarget(this.#skipped, tryAgainMs)
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
    const why = this.#last?.code ?? this.#skipped[0]?.reason ?? 'slow'
    this.#trip.degrade(`${target.degraded}; target=${targetName(target)}; because=${why}`)
  }
}

/** One of two attempts that race: to its provider's connection, having lost looks like a caller that has left. */
class Lap implements Presence {
  readonly #caller: Presence
  #onLost: (() => void)[] = []
  isLost = false
  isOver = false

  constructor(caller: Presence) {
    this.#caller = caller
  }

  get gone(): boolean {
    return this.isLost || this.#caller.gone
  }

  onGone(work: () => void): void {
    if (this.isLost) return work()
    this.#onLost.push(work)
    this.#caller.onGone(work) // whose work is done, or lost, does nothing
  }

  lose(): void {
    this.isLost = true
    for (const work of this.#onLost.splice(0)) work()
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

/** Estimates of tokens are rough: only what is far beyond a context is refused by them. */
const estimateSlack = 1.5

/** Where nobody has said how much it takes, another model is worth the question: a refusal costs nothing. */
function mayTakeMore(target: PlannedTarget, than: PlannedTarget): boolean {
  if (target.contextTokens === undefined || than.contextTokens === undefined)
    return target.model !== than.model
  return target.contextTokens > than.contextTokens
}

/** `/v1/files` of `/v1/files/file-1/content`. */
function collectionOf(passthrough: Passthrough | undefined): string {
  return passthrough?.path.split('/', 3).join('/') ?? ''
}

/** What went wrong on our side goes wrong at every target. */
function isOurs({ code, detail }: Fault): boolean {
  if (detail.ours) return true
  return code === 'internal' || code === 'store_unavailable' || code === 'media_not_fetched'
}
