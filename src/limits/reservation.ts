import {
  type Asked,
  type Attempt,
  allow,
  assert,
  type Call,
  type Counts,
  type Cover,
  type Decision,
  Fault,
  type Hold,
  type LimitStanding,
  type Plan,
  type Presence,
  type Refusal,
  type RuleSubject,
  type Target,
  targetName,
} from '#exchange'
import type { Clock } from '#platform'
import { counterOf } from './counter.ts'
import { amountIn, countsOf, isOfCall, type Pricing } from './needs.ts'
import { type Blocking, blockingOf, refuseHeld, refuseHere, refuseSpent, refuseUnpriced } from './refuse.ts'
import { headerName, mostOf, type Rule } from './rule.ts'
import type { Concern, RuleSet } from './rule-set.ts'
import { capFor, fullOutput, hopelessIn, largestFitting, leastOutput } from './shrink.ts'
import { standingsOf } from './standings.ts'
import type { Counted, CounterRef, LimitStore, Line, Outcome, Patient, Soon, Taken } from './store.ts'
import { tryAgain, whenAway } from './try-again.ts'
import type { Waiters } from './waiters.ts'

export interface ReservationDeps {
  store: LimitStore
  rules: RuleSet
  clock: Clock
  pricing: Pricing
  waiters: Waiters
  /** Output tokens of one choice that a model gives at most; undefined: nobody has said. */
  mostOutput(target: Target): number | undefined
  /** Told of what a counter stands at, whenever that is known; and when it has just refused a call. */
  note(take: Take, counted: Counted, isRefused: boolean): void
}

export interface ReservationAsk {
  call: Call
  subject: RuleSubject
  asked: Asked
  plan: Plan
  presence: Presence
  /** Notes that the answer may be less than what was asked for. */
  degrade(why: string): void
  /** How the limits stand that callers are told of. */
  tell(standings: readonly LimitStanding[]): void
}

/** A rule that concerns the call, and what is taken of its counter for all the ways of the call. */
export interface Take extends Concern {
  line: Line
}

/** What came of asking for a hold. */
export interface Trial {
  takes: readonly Take[]
  outcome: Outcome
  /** What the call itself holds of a counter. */
  own(key: string): bigint
  nowMs: number
}

/** One way that the call goes or went, and what is held for it. */
interface Way {
  target: Target
  asked: Asked
  hold: Hold
  /** Once it is on record. */
  attempt: Attempt | undefined
  /** The counters that concern it, once it was asked which. */
  concerned: readonly Concerned[] | undefined
}

interface Concerned extends Concern {
  counter: CounterRef
}

/** How long calls wait for what others hold: most of them will need less in the end. */
const waitMs = { interactive: 10_000, batch: 60_000 }
/** With less time left than this nothing is begun any more. */
const leastLeftMs = 100
/** For so long nobody who asks for no more than the usual is cut short because of what others only hold. */
const unshrunkMs = 2_000
const usualOutput = 4_096

/**
 * What one call holds of all counters that concern it, from its reservation to its settlement. States: new → held,
 * amended before each further attempt → settled. A refusal leaves everything as it was.
 */
export class Reservation {
  readonly #deps: ReservationDeps
  readonly #ask: ReservationAsk
  /** The patient ones, once the store was found too slow. */
  #steps: Patient
  /** Whatever it takes belongs to the windows of this moment: that in which it first holds anything. */
  #atMs: number
  #ways: readonly Way[] = []
  #takes: readonly Take[] = []
  /** Targets whose own rules had no room, so that others were looked for. */
  readonly #sentOn: Target[] = []
  /** What is held for the first target, until an attempt is made of it. */
  #prepared: Way | undefined
  /** The store has a hold of the call, be it of nothing: what it held for a target that was passed over. */
  #isHeld = false
  #isSettled = false

  constructor(deps: ReservationDeps, ask: ReservationAsk) {
    this.#deps = deps
    this.#steps = deps.store
    this.#ask = ask
    this.#atMs = deps.clock.now()
  }

  /** Holds what the first target of the plan needs at most. */
  begin(): Soon<Decision<this>> {
    const [target] = this.#ask.plan.targets
    assert(target, 'a plan has a target')
    const done = (held: Decision<Way>): Decision<this> => {
      if (held.ok) this.#prepared = held.value
      return held.ok || held.detail?.elsewhere ? allow(this) : held
    }
    const held = this.#hold(target)
    return held instanceof Promise ? held.then(done) : done(held)
  }

  /** Before each attempt. Fails with a `Fault` when what it needs cannot be had. */
  cover(target: Target): Soon<Cover> {
    const prepared = this.#prepared
    this.#prepared = undefined
    if (prepared && isSame(prepared.target, target)) return prepared
    if (prepared) this.#ways = this.#ways.filter(way => way !== prepared)
    const hold = (): Soon<Decision<Way>> => this.#hold(target)
    const { clock } = this.#deps
    const { presence } = this.#ask
    const held = whenAway(hold, cause => {
      this.#steps = this.#deps.store.patient ?? this.#deps.store
      return tryAgain(hold, { clock, presence, cause })
    })
    const done = (one: Decision<Way>): Cover => {
      if (!one.ok && one.detail?.elsewhere) this.#sentOn.push(target)
      return orFault(one)
    }
    return held instanceof Promise ? held.then(done) : done(held)
  }

  /** An attempt is on record, and made of what was held for it. */
  opened(hold: Hold | undefined, attempt: Attempt): void {
    const way = this.#ways.find(one => one.hold === hold)
    if (way) way.attempt = attempt
  }

  /** The call is over: what it used is spent, the rest is free. Does nothing the second time. */
  settle(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    const gone = this.#ways.filter(({ attempt }) => attempt)
    // What the ledger has of it is what budgets count that are made tomorrow: of each attempt, whether a rule looks or not.
    for (const way of gone) this.#counts(way)
    // All that is held is let go, also for a way that was prepared, or could not be put on record, and was not gone.
    const taken: Taken[] = this.#takes.map(({ rule, line: { key } }) => ({
      key,
      amount: rule.unit === 'concurrent' ? 0n : this.#usedOf(key, gone),
    }))
    const { store, clock, waiters } = this.#deps
    if (!this.#isHeld) return
    const wake = (): void => waiters.wake(taken.map(({ key }) => key))
    const done = store.settle(this.#ask.call.id, taken, clock.now())
    if (done instanceof Promise) void done.then(wake)
    else wake()
  }

  #hold(target: Target): Soon<Decision<Way>> {
    const { asked } = this.#ask
    const way = this.#way(target, asked.inputBound, this.#fullOutput(target))
    const trial = this.#try(way)
    const next = (one: Trial | Refusal): Soon<Decision<Way>> => {
      if ('code' in one) return one
      if (one.outcome.ok) return allow(way)
      return isOfTarget(one) && this.#maySendOn(target) ? this.#lookCloser(target) : this.#struggle(target)
    }
    return trial instanceof Promise ? trial.then(next) : next(trial)
  }

  /** With a closer look at the input there may be enough; if not, another target is better than less, or later. */
  async #lookCloser(target: Target): Promise<Decision<Way>> {
    const way = this.#way(target, this.#ask.asked.countInputBound(target.model), this.#fullOutput(target))
    const trial = await this.#try(way)
    if ('code' in trial) return trial
    if (trial.outcome.ok) return allow(way)
    return isOfTarget(trial) ? refuseHere(blockingOf(trial, trial.outcome)) : this.#struggle(target)
  }

  /** Once, and where there is another: who comes back to a target has found no better one. */
  #maySendOn(target: Target): boolean {
    if (this.#sentOn.some(other => isSame(other, target))) return false
    return this.#ask.plan.targets.some(other => !isSame(other, target))
  }

  /** There is not enough. With a closer look at the input, with less output, or with patience there may be. */
  async #struggle(target: Target): Promise<Decision<Way>> {
    const { asked, call, presence } = this.#ask
    const { clock, waiters } = this.#deps
    const input = asked.countInputBound(target.model)
    const output = this.#fullOutput(target)
    const sinceMs = clock.monotonic()
    const longestMs = Math.min(waitMs[call.class], this.#patienceLeftMs() - leastLeftMs)
    const [untilMs, earlyUntilMs] = [sinceMs + longestMs, sinceMs + Math.min(unshrunkMs, longestMs / 2)]
    let line: string | undefined
    for (let tries = 0; ; tries += 1) {
      if (!this.#isHeld) this.#atMs = clock.now() // what has renewed since is there for who waits
      const full = this.#way(target, input, output)
      const least = this.#way(target, input, leastOutput(output)).hold
      const trial = await this.#try(full)
      if ('code' in trial) return trial
      const { outcome } = trial
      if (outcome.ok) return this.#found(full, tries)
      const hopeless = isOfCall(trial.takes[outcome.line]?.rule.unit ?? 'usd')
        ? trial.takes[outcome.line]
        : hopelessIn(trial, { tried: full.hold, least })
      if (hopeless) {
        if (line !== undefined) waiters.wake([line]) // who needs less may fit, and who does not hears it now
        return this.#refuse(blockingOf(trial, outcome, hopeless))
      }
      const nowMs = clock.monotonic()
      const isEarly = nowMs < earlyUntilMs
      const shrunk = await this.#shrink(trial, { full, least, isEarly })
      if (shrunk) return this.#found(shrunk, tries)
      const blocking = blockingOf(trial, outcome)
      const nextMs = isEarly ? earlyUntilMs : untilMs
      if (nowMs >= untilMs) return refuseHeld(blocking)
      const { key } = blocking.take.line
      if (line !== undefined && line !== key) waiters.wake([line])
      line = key
      const why = await waiters.wait(key, { forMs: nextMs - nowMs, presence, again: tries > 0 })
      if (why === 'gone' || this.#isSettled)
        throw new Fault('client_closed', 'The caller hung up before its turn came.')
    }
  }

  #refuse(blocking: Blocking): Refusal {
    this.#deps.note(blocking.take, blocking.counted, true)
    return refuseSpent(blocking)
  }

  /** Room was found; there may be some for the next one who waits. */
  #found(way: Way, tries: number): Decision<Way> {
    if (tries > 0) this.#deps.waiters.wake(this.#takes.map(({ line }) => line.key))
    return allow(way)
  }

  /** The same with as much output as fits. Undefined: too little fits. */
  async #shrink(
    trial: Trial,
    { full, least, isEarly }: { full: Way; least: Hold; isEarly: boolean },
  ): Promise<Way | undefined> {
    const { asked } = this.#ask
    const { target, hold } = full
    const choices = asked.output?.choices ?? 1
    const wayFor = (perChoice: number): Way => this.#way(target, hold.inputTokens, perChoice)
    const fitting = largestFitting(trial, {
      tried: hold,
      least,
      holdFor: tokens => wayFor(Math.floor(tokens / choices)).hold,
    })
    if (fitting === undefined || hold.outputTokens === 0) return undefined
    const perChoice = capFor(Math.floor(fitting / choices), asked, this.#deps.mostOutput(target))
    const others = trial.takes.some(
      ({ line }, n) =>
        line.most !== undefined && (trial.outcome.counted[n]?.held ?? 0n) > trial.own(line.key),
    )
    if (isEarly && others && perChoice < Math.min(usualOutput, hold.outputTokens / choices)) return undefined
    const shrunk = wayFor(perChoice)
    shrunk.asked = asked.withOutputCap(perChoice)
    const again = await this.#try(shrunk)
    if ('code' in again || !again.outcome.ok) return undefined
    this.#ask.degrade(`output_cap=${perChoice}; because=${nameOf(trial)}`)
    return shrunk
  }

  /** Asks for all that the call needs if it goes this way too; holds it when it can be had. */
  #try(way: Way): Soon<Trial | Refusal> {
    const { clock } = this.#deps
    const steps = this.#steps
    const ways = [...this.#ways, way]
    const takes = this.#takesOf(ways)
    const refusal = this.#unpriced(way, takes)
    if (refusal) return refusal
    const before = this.#takes
    const nowMs = clock.now()
    const { id } = this.#ask.call
    const lines = takes.map(({ line }) => line)
    const own = (key: string): bigint => before.find(({ line }) => line.key === key)?.line.amount ?? 0n
    const done = (outcome: Outcome): Trial => {
      if (outcome.ok) {
        ;[this.#ways, this.#takes] = [ways, takes]
        this.#isHeld ||= takes.length > 0
      }
      this.#ask.tell(standingsOf(takes, outcome.counted, nowMs))
      takes.forEach((take, n) => {
        const counted = outcome.counted[n]
        if (counted) this.#deps.note(take, counted, false)
      })
      return { takes, outcome, own, nowMs }
    }
    if (takes.length === 0 && !this.#isHeld) return done({ ok: true, counted: [] })
    const outcome = this.#isHeld ? steps.amend(id, lines, nowMs) : steps.reserve(id, lines, this.#atMs)
    return outcome instanceof Promise ? outcome.then(done) : done(outcome)
  }

  /** What all these ways take of the counters that concern them. */
  #takesOf(ways: readonly Way[]): Take[] {
    const takes: Take[] = []
    for (const way of ways) {
      const counts = this.#counts(way)
      for (const { rule, subject, counter } of this.#concernedBy(way)) {
        const amount = amountIn(rule.unit, counts)
        const known = way === ways[0] ? undefined : takes.find(({ line }) => line.key === counter.key)
        if (known && !isOfCall(rule.unit)) known.line.amount += amount
        if (known) continue
        const { key, rolling, endsAtMs } = counter
        const most = rule.hard ? mostOf(rule, subject, this.#atMsOf(rule, way)) : undefined
        const isLease = rule.unit === 'concurrent'
        takes.push({ rule, subject, line: { key, rolling, endsAtMs, most, amount, isLease } })
      }
    }
    return takes
  }

  /** What came of these ways in the unit of that counter. */
  #usedOf(key: string, gone: readonly Way[]): bigint {
    let used = 0n
    for (const way of gone) {
      const one = way.concerned?.find(({ counter }) => counter.key === key)
      if (!one) continue
      const amount = amountIn(one.rule.unit, this.#counts(way))
      used = isOfCall(one.rule.unit) ? amount : used + amount
    }
    return used
  }

  #concernedBy(way: Way): readonly Concerned[] {
    way.concerned ??= this.#deps.rules.of(this.#ask.subject, way.target).map(({ rule, subject }) => ({
      rule,
      subject,
      counter: counterOf({ rule, subject }, this.#atMsOf(rule, way)),
    }))
    return way.concerned
  }

  #atMsOf({ unit }: Rule, { hold }: Way): number {
    return isOfCall(unit) ? this.#atMs : hold.atMs
  }

  /** What it is held for; once its attempt is over, what came of it. */
  #counts({ attempt, hold }: Way): Counts {
    if (!attempt || (attempt.endedAtMs === undefined && !this.#isSettled)) return hold
    attempt.counts ??= countsOf(attempt, hold, this.#deps.pricing)
    return attempt.counts
  }

  #way(target: Target, inputTokens: number, perChoice: number): Way {
    const { asked } = this.#ask
    const { pricing, clock } = this.#deps
    const outputTokens = perChoice * (asked.output?.choices ?? 1)
    const atMs = this.#isHeld ? clock.now() : this.#atMs
    const picoUsd = pricing.bound(target, { inputTokens, outputTokens, tier: asked.tier }, atMs)
    const hold = { atMs, inputTokens, outputTokens, picoUsd }
    return { target, asked, hold, attempt: undefined, concerned: undefined }
  }

  #unpriced({ target, hold }: Way, takes: readonly Take[]): Refusal | undefined {
    const { asked } = this.#ask
    const why = hold.picoUsd === undefined ? `\`${targetName(target)}\` has no price` : asked.boundless
    if (why === undefined || asked.operation === 'count-tokens') return undefined
    const take = takes.find(({ rule }) => rule.unit === 'usd' && rule.hard && rule.unpriced === 'refuse')
    return take && refuseUnpriced(take.rule, why, targetName(target))
  }

  #fullOutput(target: Target): number {
    return fullOutput(this.#ask.asked, this.#deps.mostOutput(target))
  }

  #patienceLeftMs(): number {
    const { call, plan } = this.#ask
    const elapsedMs = Math.max(0, this.#deps.clock.now() - call.startedAtMs)
    return Math.min(call.patienceMs ?? Number.POSITIVE_INFINITY, plan.timeouts.totalMs) - elapsedMs
  }
}

/** Of the counter that had too little room, if the caller may know it. */
function nameOf({ takes, outcome }: Trial): string {
  const rule = outcome.ok ? undefined : takes[outcome.line]?.rule
  return rule ? headerName(rule) : 'budget'
}

/** Whether what is in the way is a rule of the target. */
function isOfTarget({ outcome, takes }: Trial): boolean {
  return !outcome.ok && takes[outcome.line]?.rule.dependsOnTarget === true
}

function isSame(a: Target, b: Target): boolean {
  return a.provider === b.provider && a.model === b.model
}

function orFault(held: Decision<Way>): Way {
  if (held.ok) return held.value
  throw new Fault(held.code, held.message, held.detail)
}
