import type { Call } from '#exchange'
import { type Clock, type Database, type Log, Rollup, repeat } from '#platform'
import type { Companion } from './companion.ts'
import { Contents } from './contents.ts'
import { Exchange } from './exchange.ts'
import type { IntentLog } from './intents.ts'
import { Journal } from './journal.ts'
import { uuidOf } from './record.ts'
import { deleteExpired, deleteInstance, upsertInstance } from './store.ts'
import { usageRollups } from './usage-rollups.ts'

export interface EventsOptions {
  database: Database
  clock: Clock
  log: Log
  /** UUID of this process. */
  instance: string
  intents: IntentLog
  /** Other processes write to this database, and any of them may die. */
  shared: boolean
  /** Written in the same statement as calls. */
  companion?: Companion | undefined
  /** Most users that the sums of an hour tell apart in an organization; absent: 10,000. */
  usersPerHour?: number
  /** Told of every call that has ended: metrics. */
  observe(exchange: Exchange): void
}

/** Which texts are kept, and how long anything is. */
export interface Retention {
  content: 'none' | 'errors' | 'all'
  contentMs: number
  callsMs: number
}

const heartbeatMs = 3_000
const sweepMs = 5_000
const addUpMs = 5_000
const expireMs = 60_000
const expireAtOnce = 5_000
/** While the database is away, readers are told so after this and the time of one statement. */
const readersWaitMs = 2_000
/** What happened: the call log. */
export class Events {
  readonly #options: EventsOptions
  readonly #journal: Journal
  #retention: Retention = { content: 'none', contentMs: 0, callsMs: Number.POSITIVE_INFINITY }
  readonly #stops: (() => Promise<void>)[] = []
  readonly #contents: Contents
  readonly #rollup: Rollup

  constructor(options: EventsOptions) {
    this.#options = options
    this.#journal = new Journal(options)
    this.#contents = new Contents(options)
    this.#rollup = new Rollup(options.database, usageRollups(options.usersPerHour), {
      vacuums: !options.shared,
    })
  }

  /** Takes over what dead processes left, and begins to keep itself known as alive. */
  async start(): Promise<void> {
    const { database, instance } = this.#options
    await upsertInstance(database, instance)
    await this.#recover()
    this.#repeat(heartbeatMs, () => upsertInstance(database, instance))
    if (this.#options.shared) this.#repeat(sweepMs, () => this.#recover())
    this.#repeat(expireMs, () => this.#expire())
    this.#repeat(addUpMs, async () => void (await this.#rollup.advance()))
  }

  /** Commits what is not committed yet, and leaves. */
  async stop(): Promise<void> {
    await Promise.all(this.#stops.map(stop => stop()))
    await this.#journal.flush()
    await this.#contents.flush()
    await this.#options.intents.close()
    await deleteInstance(this.#options.database, this.#options.instance)
  }

  /** From the configuration; holds for calls that begin after it. */
  retain(retention: Retention): void {
    this.#retention = retention
  }

  get pending(): number {
    return this.#journal.pending
  }

  begin(call: Call): Exchange {
    this.#journal.begin()
    const exchange = new Exchange(call, this.#options.clock, (of, attempt) =>
      this.#journal.intend(of, attempt),
    )
    if (this.#retention.content !== 'none') exchange.answered = []
    return exchange
  }

  /** Users and other names that stand as `…other` in the sums of usage, since the start. */
  get foldedNames(): number {
    return this.#rollup.folded
  }

  /** Exactly once for each exchange, after everything else. */
  record(exchange: Exchange): void {
    if (exchange.recorded) throw new Error('assertion failed: a call is recorded once')
    exchange.recorded = true
    this.#options.observe(exchange)
    this.#journal.record(exchange)
    this.#keepContent(exchange)
  }

  /** Makes what was recorded before visible to readers, as far as the database takes it in time. */
  async flush(): Promise<void> {
    let stop: () => void = () => undefined
    const late = new Promise<void>(resolve => {
      stop = this.#options.clock.after(readersWaitMs, resolve)
    })
    await Promise.race([this.#flush(), late]).finally(stop)
  }

  async #flush(): Promise<void> {
    await Promise.all([this.#journal.flush(), this.#contents.flush()])
    await this.#options.intents.publish()
  }

  async #recover(): Promise<void> {
    const { intents, log } = this.#options
    const lost = await intents.recover()
    if (lost > 0)
      log.warn({ calls: lost }, 'took over calls of a process that has died; their end is unknown')
  }

  async #expire(): Promise<void> {
    const { clock, database } = this.#options
    const now = clock.now()
    const { callsMs, contentMs } = this.#retention
    const limits = { callsBeforeMs: now - callsMs, contentsBeforeMs: now - contentMs, most: expireAtOnce }
    while ((await deleteExpired(database, limits)) >= expireAtOnce);
  }

  /** Until `stop`, which waits for what is being done. */
  #repeat(everyMs: number, work: () => Promise<void>): void {
    const options = { waitMs: everyMs, failed: 'upkeep of the call log failed' }
    this.#stops.push(repeat(this.#options, options, work))
  }

  #keepContent(exchange: Exchange): void {
    const { answered, call, fault } = exchange
    if (!answered || (this.#retention.content === 'errors' && !fault)) return
    this.#contents.keep(uuidOf(call.id), call.body, answered.length > 0 ? Buffer.concat(answered) : undefined)
  }
}
