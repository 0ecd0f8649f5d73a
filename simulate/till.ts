import type { Call, Refusal, RuleSubject, Target, Trip } from '#exchange'
import type { Gateway } from '#gateway'
import { entriesOf, LimitKeeper, type LimitStore, MemoryLimitStore, type Rule, type RuleSet } from '#limits'
import type { Clock, Log } from '#platform'
import { counterOf } from '../src/limits/counter.ts'
import { type Affording, subjectOf } from '../src/limits/limits.ts'
import { amountIn, isOfCall } from '../src/limits/needs.ts'
import { writeBook } from '../src/limits/rule-book.ts'
import type { Config } from '../src/roles/config.ts'
import type { Disk } from './disk.ts'
import type { LawBook } from './laws.ts'
import type { Opened } from './ledger.ts'
import { spentOf } from './spent.ts'
import { tokenRates } from './token-rates.ts'
import { WatchedLimitStore } from './watched-limit-store.ts'

export interface TillOptions {
  clock: Clock
  log: Log
  instance: string
  disk: Disk
  book: LawBook
  config: Config
  /** Attempts of this process. */
  opened: ReadonlyMap<string, Opened>
  /** Makes it faulty on purpose. */
  limitStore(store: LimitStore): LimitStore
}

/** A call that had to wait until it knew whether it may be made. */
interface Wait {
  call: Call
  startedMs: number
  /** Undefined: it waits still. */
  doneMs: number | undefined
}

/** As few output tokens as a call is cut to, before it is refused. */
const leastOutput = 16
/** Where nobody has said how long the answers of a model can be. */
const longestOutput = 131_072

/** What budgets and limits one process has, and whether they refuse the right ones. */
export class Till {
  readonly #options: TillOptions
  readonly #inner = new MemoryLimitStore()
  readonly #store: WatchedLimitStore
  readonly keeper: LimitKeeper
  readonly waits: Wait[] = []
  #rules: RuleSet
  readonly #concerns = new WeakMap<Call, RuleSubject>()

  constructor(options: TillOptions) {
    this.#options = options
    const { clock, log, disk, book, instance, config } = options
    this.#store = new WatchedLimitStore(options.limitStore(this.#inner), { book, clock })
    this.#rules = rulesOf(config)
    this.keeper = new LimitKeeper({
      store: this.#store,
      isShared: false,
      rules: () => this.#rules,
      clock,
      log,
      note: () => undefined,
      seed: async (rules, beforeMs) => {
        const nowMs = clock.now()
        const entries = await entriesOf(rules, disk.spentSinceOf(instance), { nowMs, beforeMs })
        await this.#store.add(entries, nowMs)
      },
    })
  }

  configure(config: Config): void {
    this.#rules = rulesOf(config)
  }

  watch(gateway: Gateway): Gateway {
    if (this.#rules.rules.length === 0) return gateway
    const { limits, providers } = gateway
    return {
      ...gateway,
      limits: { ...limits, reserve: ask => this.#reserve(ask, limits) },
      providers: { ...providers, attempt: trip => providers.attempt(this.#watchTrip(trip)) },
    }
  }

  /** Calls hold nothing once they are over. */
  judgeHolds(): void {
    const { book } = this.#options
    const left = Math.max(this.#store.holds, this.#inner.holds)
    const detail = (): string =>
      `${left} calls hold something, and ${this.keeper.waiting} wait: ${this.#store.holders.join(', ')}`
    book.check(left === 0 && this.keeper.waiting === 0, 'every hold is let go', detail)
  }

  /** Counters of this moment stand as the ledger has it, once all of it is written. */
  async judgeCounters(): Promise<void> {
    const { clock, disk, book } = this.#options
    const nowMs = clock.now()
    const sums = new Map<string, bigint>()
    for (const spent of [...disk.calls.values()].flatMap(spentOf)) {
      for (const { rule, subject } of this.#rules.of(spent.subject, targetOf(spent))) {
        if (rule.window.rolling || isOfCall(rule.unit)) continue
        const { key } = counterOf({ rule, subject }, nowMs)
        const isOfNow = counterOf({ rule, subject }, spent.atMs).key === key // else it has begun anew
        sums.set(key, (sums.get(key) ?? 0n) + (isOfNow ? amountIn(rule.unit, spent) : 0n))
      }
    }
    for (const [key, sum] of sums) {
      const [counted] = await this.#store.read([{ key, rolling: undefined, endsAtMs: nowMs }], nowMs)
      book.check(
        counted?.spent === sum,
        'counters are what the ledger says',
        () => `${key} stands at ${counted?.spent}, and the ledger has ${sum}`,
      )
    }
  }

  async #reserve(
    ask: Affording,
    limits: Gateway['limits'],
  ): Promise<Awaited<ReturnType<typeof limits.reserve>>> {
    const [target] = ask.plan.targets
    const decision = await this.#timed(ask.call, async () => await limits.reserve(ask))
    if (target) this.#judge(decision, { ask, target })
    return decision
  }

  async #timed<T>(call: Call, work: () => Promise<T>): Promise<T> {
    const { clock } = this.#options
    const wait: Wait = { call, startedMs: clock.monotonic(), doneMs: undefined }
    this.waits.push(wait)
    try {
      return await work()
    } finally {
      wait.doneMs = clock.monotonic()
    }
  }

  #watchTrip(trip: Trip): Trip {
    return {
      ...trip,
      cover: async target => {
        try {
          return await this.#timed(trip.call, async () => await trip.cover(target))
        } catch (cause) {
          this.#judge(cause, { ask: trip, target })
          throw cause
        }
      },
      open: async (target, hold) => {
        const attempt = await trip.open(target, hold)
        this.#countPlaces(trip, target)
        return attempt
      },
    }
  }

  /** Who is refused for money or a limit would not have fitted, with the shortest answer even. */
  #judge(
    outcome: unknown,
    { ask, target }: { ask: Pick<Affording, 'call' | 'asked'>; target: Target },
  ): void {
    const { code, message, detail } = outcome as Partial<Refusal>
    if (detail?.elsewhere) return // it is not refused yet
    if (code !== 'budget_exceeded' && code !== 'budget_held' && code !== 'rate_limited') return
    const { clock, book } = this.#options
    const nowMs = clock.now()
    if (this.#store.letGoMs === nowMs) return // before or after it was refused: nobody can tell
    const rooms = this.#rules
      .of(this.#subjectOf(ask), target)
      .filter(({ rule }) => rule.hard)
      .map(({ rule, subject }) => ({ rule, subject, ...this.#roomOf({ rule, subject }, ask.call, nowMs) }))
      .map(room => ({ ...room, need: leastOf(room.rule, ask.asked, target) }))
    book.check(
      rooms.some(({ taken, need, rule }) => taken + need > rule.most),
      'nobody is refused who would fit',
      () =>
        `${ask.call.id} was refused (${code}: ${message}): ${rooms
          .map(
            ({ rule, taken, need, how }) =>
              `${rule.name} has ${how} = ${taken} of ${rule.most}, needed are ${need} ${rule.unit}`,
          )
          .join('; ')}`,
    )
  }

  /** What of a counter is not free for a call, by what attempts came to. */
  #roomOf(
    concern: { rule: Rule; subject: string },
    call: Call,
    nowMs: number,
  ): { taken: bigint; how: string } {
    const { rule } = concern
    const { key } = counterOf(concern, nowMs)
    const { rolling } = rule.window
    // A bucket is forgotten as a whole, and so is one of those that were read from the ledger.
    const windowMs = rolling && rolling.windowMs + 2 * rolling.bucketMs
    const held = this.#store.heldOf(key, call.id)
    if (isOfCall(rule.unit)) {
      const spent = this.#store.spentOf(key, { nowMs, windowMs })
      const own = this.#store.holdsFor(call.id, key) ? -1n : 0n // its one request, or place, is held already
      return { taken: spent + held + own, how: `${spent} + ${held}` }
    }
    let [spent, own] = [0n, 0n]
    const isCounted = (atMs: number): boolean =>
      rolling ? atMs > nowMs - (windowMs ?? 0) : counterOf(concern, atMs).key === key
    const ours = new Set<string>()
    for (const { call: of, attempt, subject } of this.#attempts()) {
      ours.add(of.id.slice('call_'.length))
      const { hold, counts } = attempt
      const isHeldStill = of.id !== call.id && this.#store.holdsFor(of.id)
      if (!hold || isHeldStill || !this.#concerned(concern, subject, attempt.target)) continue
      const amount = amountIn(rule.unit, counts ?? hold)
      if (of.id === call.id) own += amount
      else if (isCounted(hold.atMs)) spent += amount
    }
    for (const [id, row] of this.#options.disk.calls) {
      if (ours.has(id)) continue
      for (const one of spentOf(row))
        if (isCounted(one.atMs) && this.#concerned(concern, one.subject, targetOf(one)))
          spent += amountIn(rule.unit, one)
    }
    return { taken: spent + held + own, how: `${spent} spent + ${held} held + ${own} own` }
  }

  *#attempts(): Iterable<Opened & { subject: RuleSubject }> {
    for (const opened of this.#options.opened.values()) {
      const { asked } = opened.call
      if (asked.ok) yield { ...opened, subject: this.#subjectOf({ call: opened.call, asked: asked.value }) }
    }
  }

  #subjectOf({ call, asked }: Pick<Affording, 'call' | 'asked'>): RuleSubject {
    const known = this.#concerns.get(call)
    if (known) return known
    const subject = subjectOf(call, asked)
    this.#concerns.set(call, subject)
    return subject
  }

  #concerned({ rule, subject }: { rule: Rule; subject: string }, call: RuleSubject, target: Target): boolean {
    return this.#rules.of(call, target).some(one => one.rule === rule && one.subject === subject)
  }

  /** Calls that have an attempt under way. */
  #countPlaces({ call, asked }: Trip, target: Target): void {
    const { book } = this.#options
    for (const concern of this.#rules.of(this.#subjectOf({ call, asked }), target)) {
      const { rule } = concern
      if (rule.unit !== 'concurrent') continue
      const underWay = new Set<string>()
      for (const { call: of, attempt, subject } of this.#attempts())
        if (attempt.status === 'running' && this.#concerned(concern, subject, attempt.target))
          underWay.add(of.id)
      book.check(
        underWay.size <= rule.most,
        'no more calls under way than a limit allows',
        () => `${underWay.size} calls under way, and \`${rule.name}\` allows ${rule.most}`,
      )
    }
  }
}

export function rulesOf(config: Config): RuleSet {
  return writeBook(config, { rules: [], increases: [] }, undefined).rules
}

function leastOf({ unit }: Rule, asked: Affording['asked'], target: Target): bigint {
  const inputTokens = asked.countInputBound(target.model)
  const full = asked.output ? (asked.output.cap ?? longestOutput) : 0
  const outputTokens = Math.min(full, leastOutput)
  const picoUsd = tokenRates.input * BigInt(inputTokens) + tokenRates.output * BigInt(outputTokens)
  return amountIn(unit, { inputTokens, outputTokens, picoUsd })
}

function targetOf({ provider, target }: { provider: string; target: string }): Target {
  return { provider, model: target.slice(provider.length + 1) }
}
