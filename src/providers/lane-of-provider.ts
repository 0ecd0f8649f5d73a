import { allow, assert, type CallClass, type Decision, refuse } from '#exchange'
import type { Chance, Clock } from '#platform'
import type { LaneAsk, LaneStanding, Slot } from './lane.ts'
import { batchShare, type Crowd, Gate, type Passing, untilLeft } from './lane-gate.ts'
import { type LaneLimits, limitsOf } from './lane-limits.ts'
import { Line, type Party, type Waiting } from './lane-line.ts'
import { ModelLane } from './lane-model.ts'
import { Place, type Stay } from './lane-place.ts'

export interface LaneDeps {
  clock: Clock
  chance: Chance
}

export interface LaneOptions {
  provider: string
  limits: LaneLimits
  /** Sockets to it: a place in the lane has one. */
  connections: number
}

/** Batch work that has waited so long for others who only keep their places free need not wait for them any longer. */
const batchPatienceMs = 10_000
/**
 * A line that has stood for so long is no burst: who joins it then, behind more than a few, must expect to wait no more
 * than a tenth of the usual, so that a line is short again soon after more was asked than can be done. (After CoDel, RFC 8289, which tells good
 * queues from bad ones by how long they stand.)
 */
const standingMs = 1_000
const briefShare = 0.1
const few = 5
/** Callers may name any model of a provider: past this many, those that nothing is under way to are forgotten. */
const mostModels = 2_000
const unknownWaitMs = 1_000
/** So many share one moment to come back: up to so much later. */
const jitter = 0.2

/**
 * The scheduler of one provider. A call passes when its model and the provider both have room for it; else it is
 * refused, or waits in the line of its class until it is let in, has waited too long, is pushed out by calls of
 * organizations that have fewer waiting, or leaves: exactly one of these. Interactive calls go first, except that of
 * ten that are let in while batch work waits one is batch work. One timer, and only while somebody waits.
 */
export class Lane implements Stay {
  readonly #deps: LaneDeps
  readonly #options: LaneOptions
  readonly #crowd: Crowd = { interactive: 0, batch: 0 }
  readonly #gate: Gate
  readonly #models = new Map<string, ModelLane>()
  readonly #lines: Readonly<Record<CallClass, Line>> = { interactive: new Line(), batch: new Line() }
  /** Of a turn that batch work has earned by letting others go first. */
  #batchCredit = 0
  #lastBatchMs = 0
  #round = 0
  /** When one who is blocked may pass, as far as time decides it; and when the first of all has waited too long. */
  #nextMs = untilLeft
  #nextEndMs = untilLeft
  #timer: { dueMs: number; stop: () => void } | undefined

  constructor(deps: LaneDeps, options: LaneOptions) {
    this.#deps = deps
    this.#options = options
    const concurrency = Math.min(options.limits.concurrency ?? untilLeft, options.connections)
    this.#gate = new Gate({ ...options.limits, concurrency }, this.#crowd, deps.clock.monotonic())
  }

  get isIdle(): boolean {
    return this.#crowd.interactive + this.#crowd.batch + this.#waiting === 0
  }

  enter(ask: LaneAsk): Decision<Slot> | Promise<Decision<Slot>> {
    if (ask.presence.gone) return gone()
    const nowMs = this.#deps.clock.monotonic()
    const model = this.#model(ask.model, nowMs)
    const tokens = ask.tokens + model.expectedOutput
    const line = this.#lines[ask.class]
    const party = line.party(ask.organization)
    line.asks(party, nowMs)
    const passing = this.#passing({ ask, party, tokens }, { nowMs, isOwed: false })
    if (this.#waiting === 0 && model.waitMs(passing) === 0 && this.#gate.waitMs(passing) === 0)
      return allow(this.#place(passing, { model, party }))
    return this.#enterLine({ ask, model, party, tokens, sinceMs: nowMs })
  }

  /** One who was let in has gone. */
  left(place: Place, leaving: Parameters<Gate['left']>[0], nowMs: number): void {
    this.#crowd[place.class] -= 1
    place.model.crowd[place.class] -= 1
    place.party.underWay -= 1
    assert(this.#crowd[place.class] >= 0, 'nobody leaves a lane twice')
    this.#gate.left(leaving)
    place.model.left(leaving)
    place.learn(nowMs)
    if (this.#waiting > 0) this.#letIn(nowMs)
  }

  describe(): LaneStanding[] {
    const nowMs = this.#deps.clock.monotonic()
    const { provider, limits } = this.#options
    const { interactive, batch } = this.#lines
    const { requestsPerMinute, tokensPerMinute, concurrency } = limits
    const whole: LaneStanding = {
      provider,
      waiting: { interactive: interactive.waiting, batch: batch.waiting },
      underWay: this.#crowd.interactive + this.#crowd.batch,
      closedForMs: 0,
      limits: { requestsPerMinute, tokensPerMinute, concurrency },
    }
    const models = [...this.#models].filter(([, model]) => !model.isIdle || !model.isUnlearned)
    return [
      whole,
      ...models.map(([name, model]) => {
        const configured = limitsOf(limits.models, name)
        return {
          provider,
          model: name,
          waiting: { ...model.waiting },
          underWay: model.crowd.interactive + model.crowd.batch,
          closedForMs: model.closedForMs(nowMs),
          limits: { ...configured, concurrency: model.learnedConcurrency ?? configured?.concurrency },
        }
      }),
    ]
  }

  get #waiting(): number {
    return this.#lines.interactive.waiting + this.#lines.batch.waiting
  }

  #model(name: string, nowMs: number): ModelLane {
    const known = this.#models.get(name)
    if (known) return known
    if (this.#models.size >= mostModels)
      for (const [other, model] of this.#models) if (model.isIdle) this.#models.delete(other)
    const made = new ModelLane(limitsOf(this.#options.limits.models, name), nowMs)
    this.#models.set(name, made)
    return made
  }

  #place(passing: Passing, { model, party }: { model: ModelLane; party: Party }): Place {
    const { class: of, tokens, nowMs } = passing
    this.#crowd[of] += 1
    this.#gate.passed(passing)
    model.passed(passing)
    this.#lines[of].charge(party, this.#cost(tokens))
    if (of === 'batch') this.#lastBatchMs = nowMs
    return new Place(this.#deps.clock, this, { class: of, model, party, tokens, enteredMs: nowMs })
  }

  #passing(
    { ask, party, tokens }: Pick<Waiting, 'ask' | 'party' | 'tokens'>,
    how: { nowMs: number; isOwed: boolean },
  ): Passing {
    const line = this.#lines[ask.class]
    // Where others wait already, their turn comes by itself: nothing need be kept free for them.
    const isAlone = line.active.size === (party.waiting > 0 ? 1 : 0)
    return {
      ...how,
      class: ask.class,
      tokens,
      organizations: isAlone ? line.organizations : 1,
      ownUnderWay: party.underWay,
      isOverShare: isAlone && line.isOverShare(party),
      othersPerMs: line.othersPerMs(party, how.nowMs),
    }
  }

  /** What a call takes, of what is scarcest, in minutes of the provider. */
  #cost(tokens: number): number {
    const { requestsPerMinute, tokensPerMinute } = this.#options.limits
    if (tokensPerMinute === undefined) return 1 / (requestsPerMinute ?? 1)
    return Math.max(1 / (requestsPerMinute ?? untilLeft), tokens / tokensPerMinute)
  }

  #enterLine(entering: Pick<Waiting, 'ask' | 'model' | 'party' | 'tokens' | 'sinceMs'>) {
    const { ask, sinceMs: nowMs } = entering
    let settled: Decision<Slot> | undefined
    const entry: Waiting = {
      ...entering,
      untilMs: untilLeft,
      over: false,
      settle: decision => (settled = decision),
    }
    const wasEmpty = this.#waiting === 0
    if (ask.class === 'batch' && this.#lines.batch.waiting === 0) this.#lastBatchMs = nowMs
    this.#lines[ask.class].add(entry)
    if (!wasEmpty) this.#letIn(nowMs)
    if (settled) return settled
    const refusal = this.#refuseToWait(entry, nowMs)
    if (refusal) {
      this.#lines[ask.class].remove(entry, nowMs)
      return refusal
    }
    if (wasEmpty)
      this.#letIn(nowMs) // learns what it waits for
    else this.#arm(nowMs)
    return settled ?? this.#queue(entry)
  }

  #queue(entry: Waiting): Promise<Decision<Slot>> {
    return new Promise(resolve => {
      entry.settle = resolve
      entry.ask.presence.onGone(() => {
        if (!entry.over) this.#end(entry, gone())
      })
    })
  }

  /** Whether it is of no use that it waits, and why; else its time is set. */
  #refuseToWait(entry: Waiting, nowMs: number): Decision<Slot> | undefined {
    const { ask, party } = entry
    const { queue } = this.#options.limits
    const line = this.#lines[ask.class]
    const { expectedMs, ahead } = this.#expect(entry, nowMs)
    const usualMs = ask.class === 'batch' ? queue.batchMs : queue.interactiveMs
    const isStanding = ask.class === 'interactive' && nowMs - party.standingSinceMs > standingMs
    const longestMs = Math.min(usualMs, ask.untilMs - nowMs)
    const expectableMs = isStanding && ahead >= few ? Math.min(longestMs, usualMs * briefShare) : longestMs
    if (!ask.mayWait || longestMs <= 0 || expectedMs > expectableMs) return this.#refusal(entry, nowMs)
    if (line.waiting > queue.length) {
      const last = line.newestOfLongest()
      if (!last || last === entry || last.party.waiting <= party.waiting) return this.#refusal(entry, nowMs)
      this.#end(last, this.#refusal(last, nowMs))
    }
    entry.untilMs = nowMs + longestMs
    this.#nextEndMs = Math.min(this.#nextEndMs, entry.untilMs)
    return undefined
  }

  /** How long one who is in a line will wait, about: as if those who come later went behind it. */
  #expect({ ask, model, party, tokens }: Waiting, nowMs: number): { expectedMs: number; ahead: number } {
    const line = this.#lines[ask.class]
    const before = ask.class === 'batch' ? this.#lines.interactive.waiting : 0
    // Each organization's turn comes as often as its own: who waits in a short line passes the long ones.
    const ahead = Math.min(line.waiting, party.waiting * line.active.size) - 1 + before
    const aheadOfModel = Math.min(ahead, model.waiting.interactive + model.waiting.batch - 1)
    const each = line.tokens / line.waiting
    const expectedMs = Math.max(
      this.#gate.expectMs({ ahead, tokensAhead: ahead * each, tokens, nowMs }),
      model.expectMs({ ahead: aheadOfModel, tokensAhead: aheadOfModel * each, tokens, nowMs }),
    )
    return { expectedMs, ahead }
  }

  #refusal(entry: Waiting, nowMs: number): Decision<Slot> {
    const { model } = entry
    const passing = this.#passing(entry, { nowMs, isOwed: false })
    const waitMs = Math.max(model.waitMs(passing), this.#gate.waitMs(passing))
    const isRate = waitMs === 0 ? this.#gate.isOfRates : waitMs !== untilLeft
    const { expectedMs } = this.#expect(entry, nowMs)
    const knownMs = expectedMs > 0 ? expectedMs : waitMs > 0 && isRate ? waitMs : unknownWaitMs
    const retryAfterMs = Math.ceil(knownMs * (1 + jitter * this.#deps.chance.random()))
    const { provider } = this.#options
    return isRate
      ? refuse('rate_limited', `Provider \`${provider}\` is at its rate limit.`, { retryAfterMs })
      : refuse('no_target_available', `Provider \`${provider}\` is busy.`, { retryAfterMs })
  }

  #end(entry: Waiting, decision: Decision<Slot>): void {
    const nowMs = this.#deps.clock.monotonic()
    this.#lines[entry.ask.class].remove(entry, nowMs)
    entry.settle(decision)
    this.#arm(nowMs)
  }

  /** Lets in who may pass now, in turn. */
  #letIn(nowMs: number): void {
    for (;;) {
      this.#nextMs = untilLeft
      const found = this.#next(nowMs)
      if (!found) break
      const { entry, isOwed } = found
      const { ask } = entry
      const isBatchWaiting = this.#lines.batch.waiting > 0
      this.#lines[ask.class].remove(entry, nowMs)
      if (ask.class === 'batch') this.#batchCredit = Math.max(0, this.#batchCredit - 1)
      else if (isBatchWaiting) this.#batchCredit = Math.min(2, this.#batchCredit + earned)
      entry.settle(allow(this.#place(this.#passing(entry, { nowMs, isOwed }), entry)))
    }
    this.#arm(nowMs)
  }

  #next(nowMs: number): { entry: Waiting; isOwed: boolean } | undefined {
    const { batch } = this.#lines
    if (batch.waiting === 0) this.#batchCredit = 0
    const owed = this.#batchCredit >= 1 ? this.#from('batch', { nowMs, isOwed: true }) : undefined
    if (owed) return owed === 'wait' ? undefined : owed
    const urgent = this.#from('interactive', { nowMs, isOwed: false })
    if (urgent) return urgent === 'wait' ? undefined : urgent
    const patientUntilMs = this.#lastBatchMs + batchPatienceMs
    if (batch.waiting > 0 && patientUntilMs > nowMs) this.#nextMs = Math.min(this.#nextMs, patientUntilMs)
    const rest = this.#from('batch', { nowMs, isOwed: patientUntilMs <= nowMs })
    return rest === 'wait' ? undefined : rest
  }

  /** Who of a class goes next; `wait`: for one who must not be passed by, for there would never be enough for it. */
  #from(of: CallClass, how: { nowMs: number; isOwed: boolean }) {
    const line = this.#lines[of]
    if (line.waiting === 0) return undefined
    this.#round += 1
    const { nowMs, isOwed } = how
    const byPlaces = !this.#gate.isOfRates || this.#gate.isNearlyFull
    for (;;) {
      const entry = line.fairest(this.#round, byPlaces)
      if (!entry) return undefined
      const passing = this.#passing(entry, how)
      const modelMs = entry.model.waitMs(passing)
      const laneMs = this.#gate.waitMs(passing)
      this.#nextMs = Math.min(this.#nextMs, nowMs + Math.max(modelMs, laneMs))
      if (modelMs === 0 && laneMs === 0) return { entry, isOwed }
      if (of === 'interactive' && passing.isOverShare) line.passOver(entry, this.#round)
      else if (modelMs > 0) entry.model.blockedIn = this.#round
      else return laneMs === untilLeft ? undefined : ('wait' as const)
    }
  }

  #arm(nowMs: number): void {
    if (this.#waiting === 0) {
      this.#timer?.stop()
      this.#timer = undefined
      this.#nextEndMs = untilLeft
      return
    }
    const dueMs = Math.min(this.#nextMs, this.#nextEndMs)
    if (dueMs === untilLeft || (this.#timer && this.#timer.dueMs <= dueMs)) return
    this.#timer?.stop()
    const stop = this.#deps.clock.after(Math.max(1, Math.ceil(dueMs - nowMs)), () => {
      this.#timer = undefined
      this.#look()
    })
    this.#timer = { dueMs, stop }
  }

  /** Some time has come. */
  #look(): void {
    const nowMs = this.#deps.clock.monotonic()
    this.#letIn(nowMs)
    if (nowMs < this.#nextEndMs) return
    this.#nextEndMs = untilLeft
    for (const line of Object.values(this.#lines)) {
      for (const entry of line.late(nowMs)) this.#end(entry, this.#refusal(entry, nowMs))
      this.#nextEndMs = Math.min(this.#nextEndMs, line.earliestEndMs())
    }
    this.#arm(nowMs)
  }
}

/** Of a turn, with each one that goes before batch work that waits. */
const earned = batchShare / (1 - batchShare)

function gone(): Decision<Slot> {
  return refuse('client_closed', 'The caller hung up before its turn came.')
}
