import type { Alerts } from '#alerts'
import type { Route } from '#exchange'
import { createRules, entriesOf, LimitKeeper, type LimitStore, noteOf, readStandings } from '#limits'
import type { Ledger } from '#metering'
import type { Clock, Database, Log } from '#platform'
import type { Config } from './config.ts'

export interface MoneyOptions {
  database: Database
  clock: Clock
  log: Log
  newUuid(): string
  /** Other processes use this database. */
  shared: boolean
  store: LimitStore
  /** The store is used by other processes, too, and is filled by itself. */
  sharesStore: boolean
  ledger: Ledger
  alerts: Alerts
}

/** Budgets and limits, the counters they have, and what the ledger knows of them. */
export interface Money {
  limits: LimitKeeper
  routes: readonly Route[]
  configure(config: Config): void
  /** Counters stand as the ledger says when this resolves. */
  start(): Promise<void>
  stop(): Promise<void>
}

export function createMoney(options: MoneyOptions): Money {
  const { store, clock, ledger, alerts, log, sharesStore } = options
  const spentSince = ledger.spentSince.bind(ledger)
  const rules = createRules({
    ...options,
    standings: (rule, which) => readStandings({ store, spentSince, nowMs: clock.now() }, rule, which),
  })
  const limits = new LimitKeeper({
    store,
    isShared: sharesStore,
    rules: () => rules.current(),
    clock,
    log,
    note(take, counted, isRefused) {
      const note = noteOf(take, counted, { nowMs: clock.now(), isRefused })
      if (note) alerts.noteBudget(note)
    },
    async seed(added, beforeMs) {
      const nowMs = clock.now()
      await store.add(await entriesOf(added, spentSince, { nowMs, beforeMs }), nowMs)
    },
  })
  return {
    limits,
    routes: rules.routes,
    configure: config => rules.configure(config),
    async start() {
      await rules.start()
      await limits.start()
    },
    stop: () => rules.stop(),
  }
}
