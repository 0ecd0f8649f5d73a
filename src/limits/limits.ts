import {
  type Asked,
  allow,
  boundedName,
  type Call,
  type Decision,
  type LimitStanding,
  type Plan,
  type Presence,
  type RuleSubject,
  refuse,
  type Target,
} from '#exchange'
import type { Clock, Log } from '#platform'
import { AwayRules } from './away.ts'
import { type Eased, ease } from './ease.ts'
import { LoneStore } from './lone-store.ts'
import type { Pricing } from './needs.ts'
import { Reservation, type ReservationDeps, type Take } from './reservation.ts'
import type { Rule } from './rule.ts'
import { type RuleSet, ruleSet } from './rule-set.ts'
import { SafeStore } from './safe-store.ts'
import type { Counted, LimitStore, LimitStoreAway, Soon } from './store.ts'
import { tryAgain, whenAway } from './try-again.ts'
import { Waiters } from './waiters.ts'

/** Whether a call can be afforded, and what is left for others. */
export interface Limits {
  /**
   * What soft budgets make of a call. Refuses with `confirmation_required`, or for a user that is not named. Where it
   * would go first is only asked when a budget depends on that.
   */
  ease(call: Call, asked: Asked, plan: () => Decision<Plan>): Soon<Decision<Eased>>
  /**
   * Holds all that the call may come to, in one step over all budgets and limits; undefined where none concerns it.
   * May wait a while for what others hold, and cut the output that is asked for.
   */
  reserve(ask: Affording): Soon<Decision<Reservation | undefined>>
}

export interface Affording {
  call: Call
  asked: Asked
  plan: Plan
  presence: Presence
  degrade(why: string): void
  /** How the limits stand, whether or not the call fits. */
  tell(standings: readonly LimitStanding[]): void
}

export interface LimitsOptions {
  store: LimitStore
  /** Other processes use it too. */
  isShared: boolean
  /** The rules of this moment. */
  rules(): RuleSet
  clock: Clock
  log: Log
  /** Told of what a counter stands at, whenever that is known; and when it has just refused a call. */
  note(take: Take, counted: Counted, isRefused: boolean): void
  /** Adds what was spent before that time to the counters of rules that are new here. Absent: the store knows it. */
  seed?(rules: readonly Rule[], beforeMs: number): Promise<void>
}

/** What a configuration says of models. */
export interface LimitsView {
  pricing: Pricing
  mostOutput(target: Target): number | undefined
}

const lookAgainMs = 100

/** What outlives a configuration; `view` makes the stage of calls for one. */
export class LimitKeeper {
  readonly #options: LimitsOptions
  readonly #store: SafeStore
  readonly #waiters: Waiters
  /** While the store is away, this process counts by itself what it may let through. */
  readonly #lone: LoneStore
  readonly #away = new AwayRules()
  #rules: RuleSet = ruleSet([])
  #known: ReadonlySet<string> = new Set()
  #isStarted = false
  /** Of rules that are new, while what was spent before them is read. */
  #seeding: Promise<void> = Promise.resolve()

  constructor(options: LimitsOptions) {
    this.#options = options
    this.#store = new SafeStore(options)
    this.#lone = new LoneStore({ ...options, shared: this.#store })
    this.#waiters = new Waiters(options.clock, options.isShared ? lookAgainMs : undefined)
  }

  /** Counters stand as the ledger says once this resolves. */
  async start(): Promise<void> {
    this.#rules = this.#options.rules()
    this.#known = counterIds(this.#rules)
    this.#isStarted = true
    await this.#options.seed?.(this.#rules.rules, Number.POSITIVE_INFINITY)
  }

  /** There may be other rules: resolves when the counters of new ones have what was spent before. */
  async follow(): Promise<void> {
    if (!this.#isStarted) return
    this.#current()
    await this.#seeding
  }

  /**
   * The rules of this moment. What was spent before a new one came is added to its counters as soon as it is read; until
   * then only what is spent from now on counts.
   */
  #current(): RuleSet {
    const rules = this.#options.rules()
    if (rules === this.#rules) return rules
    const added = rules.rules.filter(({ counterId }) => !this.#known.has(counterId))
    this.#rules = rules
    this.#known = counterIds(rules)
    if (added.length > 0)
      this.#seeding = Promise.all([this.#seeding, this.#seed(added)]).then(() => undefined)
    return rules
  }

  async #seed(added: readonly Rule[]): Promise<void> {
    const { seed, clock, log } = this.#options
    try {
      await seed?.(added, clock.now())
    } catch (cause) {
      log.error(
        { err: cause, rules: added.map(({ name }) => name) },
        'new budgets lack what was spent before',
      )
    }
  }

  /** Calls that wait for what others hold. */
  get waiting(): number {
    return this.#waiters.waiting
  }

  /** The stage of calls under one configuration. */
  view({ pricing, mostOutput }: LimitsView): Limits {
    const { clock, note } = this.#options
    const current = (): RuleSet => this.#current()
    const [store, lone, away, waiters] = [this.#store, this.#lone, this.#away, this.#waiters]
    return {
      ease(call, asked, plan) {
        const rules = current()
        if (!rules.eases) return unchanged(call, asked)
        const subject = subjectOf(call, asked)
        const demanding = rules.demandsUser(subject)
        if (demanding) return refuse('invalid_request', namelessMessage, { param: 'user' })
        const planned = rules.easesByTarget ? plan() : undefined
        const first = planned?.ok ? planned.value : undefined
        return ease({ rules, store, nowMs: clock.now() }, { call, asked, subject, plan: first })
      },
      reserve({ call, asked, plan, presence, degrade, tell }) {
        const rules = current()
        if (rules.rules.length === 0) return none
        const subject = subjectOf(call, asked)
        const ask = { call, subject, asked, plan, presence, degrade, tell }
        const deps = { store, rules, clock, pricing, waiters, mostOutput, note }
        const begin = (own?: Partial<ReservationDeps>): Soon<Decision<Reservation>> =>
          new Reservation(own ? { ...deps, ...own } : deps, ask).begin()
        const patiently = (): Soon<Decision<Reservation>> => begin({ store: store.patient })
        const otherwise = (cause: LimitStoreAway): Promise<Decision<Reservation>> => {
          const alone = away.for(rules, subject, plan.targets)
          const without = alone && (() => begin({ rules: alone, store: lone }))
          return tryAgain(patiently, { clock, presence, cause, without })
        }
        return whenAway(() => begin(), otherwise)
      },
    }
  }
}

function counterIds({ rules }: RuleSet): Set<string> {
  return new Set(rules.map(({ counterId }) => counterId))
}

const none: Decision<undefined> = allow(undefined)
const namelessMessage =
  'This server wants to know the end user of each call: name one in `user`, or in the header `x-sluice-user`.'

function unchanged(call: Call, asked: Asked): Decision<Eased> {
  return allow({ asked, model: asked.model, class: call.class, degraded: [] })
}

/** A call as rules look at it. */
export function subjectOf(
  { caller, user, feature, class: of, tags, environment }: Call,
  asked: Asked,
): RuleSubject {
  return {
    organization: caller.organization,
    project: caller.project,
    keyId: caller.keyId,
    keyName: caller.keyName,
    user: user === undefined ? undefined : boundedName(user),
    feature: feature === undefined ? undefined : boundedName(feature),
    model: asked.model === '' ? undefined : boundedName(asked.model),
    class: of,
    tags,
    environment,
  }
}
