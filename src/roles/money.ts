import type { Alerts } from '#alerts'
import type { Route } from '#exchange'
import {
  type Books,
  correctionsOf,
  createRules,
  entriesOf,
  LimitKeeper,
  type LimitStore,
  MemoryLimitStore,
  noteOf,
  type Rule,
  type Rules,
  readStandings,
  type Spent,
  settleExpired,
  ValkeyLimitStore,
  viewLedger,
} from '#limits'
import type { Ledger } from '#metering'
import type { Clock, Database, Log, Valkey } from '#platform'
import type { Config } from './config.ts'

export interface MoneyOptions {
  database: Database
  clock: Clock
  log: Log
  newUuid(): string
  /** Id of this process. */
  instance: string
  /** Other processes use this database. */
  shared: boolean
  /** Where processes count together; undefined: this one counts by itself. */
  valkey: Valkey | undefined
  /** What this installation is called there. */
  installation: string
  ledger: Ledger
  alerts: Alerts
  /** Resolves when readers of the database see every call of this process, over or under way. */
  flush(): Promise<void>
}

/** Budgets and limits, the counters they have, and what the ledger knows of them. */
export interface Money {
  limits: LimitKeeper
  rules: Rules
  routes: readonly Route[]
  /** Told of calls once they are in the ledger. */
  posted(calls: readonly string[]): void
  /** Told of corrections once they are in the ledger. */
  corrected(spent: readonly Spent[]): void
  configure(config: Config): void
  /** Counters stand as the ledger says when this resolves; where they are shared, as soon as they are reached. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** How long a start waits for counters that others have, or that have to be filled. */
const fillingMs = 10_000

export function createMoney(options: MoneyOptions): Money {
  const { clock, ledger, alerts, log } = options
  const counters = options.valkey
    ? sharedCounters(options, options.valkey, () => rules)
    : ownCounters(options)
  const { store } = counters
  const rules: Rules = createRules({
    ...options,
    async standings(rule, which) {
      if (!('subject' in which)) await options.flush()
      return await readStandings({ store, spentSince: ledger.spentSince, nowMs: clock.now() }, rule, which)
    },
    changed: () => limits.follow(),
  })
  const limits: LimitKeeper = new LimitKeeper({
    store,
    isShared: options.valkey !== undefined,
    rules: () => rules.current(),
    clock,
    log,
    seed: counters.seed,
    note(take, counted, isRefused) {
      const note = noteOf(take, counted, { nowMs: clock.now(), isRefused })
      if (note) alerts.noteBudget(note)
    },
  })
  return {
    limits,
    rules,
    routes: rules.routes,
    posted: calls => counters.posted(calls),
    corrected(spent) {
      const nowMs = clock.now()
      const told = async (): Promise<void> =>
        await store.add(correctionsOf(rules.current(), spent, nowMs), nowMs)
      told().catch(cause => log.warn({ err: cause }, 'counters of budgets were not told of a correction'))
    },
    configure: config => rules.configure(config),
    async start() {
      await rules.start()
      await counters.start()
      await limits.start()
    },
    async stop() {
      await rules.stop()
      counters.stop()
    },
  }
}

/** The same, that also tells of calls once they are in the ledger. */
export function telling(
  companion: Ledger['companion'],
  told: (calls: readonly string[]) => void,
): Ledger['companion'] {
  return {
    ...companion,
    prepare(calls) {
      const { values, wrote } = companion.prepare(calls)
      return {
        values,
        wrote(entries) {
          wrote(entries)
          told(calls.map(({ id }) => `call_${id}`))
        },
      }
    },
  }
}

interface KeptCounters {
  store: LimitStore
  /** These calls are in the ledger. */
  posted(calls: readonly string[]): void
  /** Adds what was spent before that time to the counters of rules that are new. */
  seed(added: readonly Rule[], beforeMs: number): Promise<void>
  start(): Promise<void>
  stop(): void
}

/** Counters in the memory of this process, made anew from the ledger at each start. */
function ownCounters({ ledger, clock }: MoneyOptions): KeptCounters {
  const store = new MemoryLimitStore()
  return {
    store,
    async seed(added, beforeMs) {
      const nowMs = clock.now()
      const withOpen = beforeMs === Number.POSITIVE_INFINITY // at the start none of them is this process's own
      store.add(await entriesOf(added, ledger.spentSince, { nowMs, beforeMs, withOpen }), nowMs)
    },
    posted: () => undefined,
    start: async () => undefined,
    stop: () => undefined,
  }
}

/** Counters that processes share: one of them fills them from the ledger when they are not there. */
function sharedCounters(options: MoneyOptions, valkey: Valkey, rules: () => Rules): KeptCounters {
  const { ledger, clock, log, newUuid, instance, installation } = options
  const books: Books = {
    rules: () => rules().current(),
    spentSince: ledger.spentSince,
    spentOf: async calls => (await ledger.calls(calls)).spent,
    clock,
  }
  const store: ValkeyLimitStore = new ValkeyLimitStore({
    valkey,
    name: installation,
    owner: instance,
    clock,
    log,
    newUuid,
    load: calls => viewLedger(books, calls),
    onExpired: holds => settleExpired(books, store, holds),
  })
  return {
    store,
    async seed(added, beforeMs) {
      const claimed = new Set(await store.claim(added.map(({ counterId }) => counterId)))
      const mine = added.filter(({ counterId }) => claimed.has(counterId))
      if (mine.length === 0) return
      const nowMs = clock.now()
      await store.add(await entriesOf(mine, ledger.spentSince, { nowMs, beforeMs }), nowMs)
    },
    posted: calls => store.posted(calls),
    async start() {
      if (!(await store.start(fillingMs)))
        log.warn('the store of counters cannot be reached: budgets and limits do as they say for that')
    },
    stop: () => store.stop(),
  }
}
