import { Fault, type Route } from '#exchange'
import { type Clock, type Database, isoTime, type Log } from '#platform'
import { type AuditEntry, recordAudit } from './audit.ts'
import { auditConfigured } from './audit-configured.ts'
import type { RuleDesk } from './change-rules.ts'
import { doubtsOf } from './check-rules.ts'
import { auditRoutes } from './routes.audit.ts'
import { ownLimitsRoutes } from './routes.own-limits.ts'
import { ruleRoutes } from './routes.rules.ts'
import type { Rule } from './rule.ts'
import { type ConfiguredRules, type RuleBook, writeBook } from './rule-book.ts'
import type { RuleSet } from './rule-set.ts'
import { type IncreaseRow, type RuleRow, readIncreases, readRules, readVersion } from './store.rules.ts'

/** What one counter stands at now, in its rule's unit. */
export interface Standing {
  subject: string
  /** By calls that have ended. */
  spent: bigint
  /** By calls under way, at most. */
  held: bigint
}

/** Which counters of a rule: one, or so many in the order of their subjects' UTF-16 code units, after one. */
export type Counters = { subject: string } | { after: string | undefined; limit: number }

export interface RulesOptions {
  database: Database
  clock: Clock
  log: Log
  newUuid(): string
  /** Other processes use this database. */
  shared: boolean
  /**
   * Counters of a rule in the window of this moment. Of one that was asked for by its subject and has counted nothing
   * there may be none.
   */
  standings(rule: Rule, which: Counters): Promise<readonly Standing[]>
  /** Told when there are other rules; a change over the API is answered once it is resolved. */
  changed?(): Promise<void>
}

/** Which budgets and limits there are: those of the configuration, and those made over the API. */
export interface Rules {
  /** Of this moment; the same object until something changes. */
  current(): RuleSet
  /** Takes a configuration's rules in place of those of the one before. */
  configure(configured: ConfiguredRules): void
  routes: readonly Route[]
  /** Puts a change of something else on record beside those of rules. */
  audit(entry: AuditEntry): Promise<void>
  /** Reads what is on record, and follows it from here on. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** What other processes change holds here after so long, and the time that a statement takes. */
const lookEveryMs = 1_000

const nothing: ConfiguredRules = { budgets: [], rate_limits: [], models: {}, providers: {} }

export function createRules(options: RulesOptions): Rules {
  const keeper = new RuleKeeper(options)
  const desk: RuleDesk = {
    database: options.database,
    clock: options.clock,
    newUuid: options.newUuid,
    book: () => keeper.book,
    known: () => keeper.known,
    reload: () => keeper.reload(),
  }
  const shown = { ...desk, standings: options.standings }
  return {
    current: () => keeper.book.rules,
    configure: configured => keeper.configure(configured),
    routes: [
      ...ruleRoutes('budget', shown),
      ...ruleRoutes('limit', shown),
      ...ownLimitsRoutes(shown),
      ...auditRoutes(desk),
    ],
    audit: entry => recordAudit(entry, { db: desk.database, newUuid: options.newUuid }),
    start: () => keeper.start(),
    stop: () => keeper.stop(),
  }
}

/** The book of this moment, and how it comes to be. */
class RuleKeeper {
  readonly #options: RulesOptions
  #configured = nothing
  #stored: { rules: readonly RuleRow[]; increases: readonly IncreaseRow[] } = { rules: [], increases: [] }
  #book: RuleBook = writeBook(nothing, { rules: [], increases: [] }, undefined)
  /** What of the database is in the book; below any there is: not all. */
  #version = -1
  #isStarted = false
  #isStopped = false
  #isLate = false
  #cancel: () => void = () => undefined
  /** What is being read or written; one after the other. */
  #work: Promise<void> = Promise.resolve()

  constructor(options: RulesOptions) {
    this.#options = options
  }

  get book(): RuleBook {
    return this.#book
  }

  get known() {
    const { models, providers } = this.#configured
    return { models: Object.keys(models), providers: Object.keys(providers) }
  }

  configure(configured: ConfiguredRules): void {
    const { log } = this.#options
    this.#configured = configured
    this.#book = writeBook(configured, this.#stored, this.#book)
    void this.#options.changed?.()
    for (const doubt of doubtsOf(configured)) log.warn(doubt)
    if (this.#isStarted) void this.#next(() => this.#auditConfigured())
  }

  async start(): Promise<void> {
    await this.#read()
    await auditConfigured(this.#options, this.#book)
    this.#isStarted = true
    this.#again()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#cancel()
    await this.#work
  }

  /** What this process has changed; where it cannot be read just now, it is tried again. */
  async reload(): Promise<void> {
    await this.#next(() => this.#read()).catch(cause => {
      this.#fallBehind(cause)
      const message = 'The change is made, but could not be read again just now. It holds in a moment.'
      throw new Fault('store_unavailable', message, { cause })
    })
  }

  #next(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work)
    this.#work = done.catch(() => undefined)
    return done
  }

  #again(): void {
    if (this.#isStopped) return
    this.#cancel = this.#options.clock.after(lookEveryMs, () => {
      void this.#next(() => this.#look()).finally(() => this.#again())
    })
  }

  /** Alone on its database, a process knows of every change by itself. */
  async #look(): Promise<void> {
    if (!this.#options.shared && this.#version >= 0) return
    try {
      const version = await readVersion(this.#options.database)
      if (version !== this.#version) await this.#read()
      this.#isLate = false
    } catch (cause) {
      this.#fallBehind(cause)
    }
  }

  /** The version first: what is changed meanwhile is read again. */
  async #read(): Promise<void> {
    const { database, clock } = this.#options
    const version = await readVersion(database)
    const rules = await readRules(database)
    const increases = await readIncreases(database, isoTime(clock.now()))
    this.#stored = { rules, increases }
    this.#book = writeBook(this.#configured, this.#stored, this.#book)
    this.#version = version
    await this.#options.changed?.()
  }

  #fallBehind(cause: unknown): void {
    this.#version = -1
    if (!this.#isLate)
      this.#options.log.warn({ err: cause }, 'budgets and limits on record cannot be read; those known hold')
    this.#isLate = true
  }

  #auditConfigured(): Promise<void> {
    return auditConfigured(this.#options, this.#book).catch(cause =>
      this.#options.log.warn({ err: cause }, 'changes of budgets and limits could not be put on record'),
    )
  }
}
