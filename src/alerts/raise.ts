import { type Clock, type Database, DatabaseUnavailable, type Log } from '#platform'
import { type Alert, type RaisedAlert, writable } from './alert.ts'
import { insertAlert } from './store.ts'

export interface RaiserOptions {
  database: Database
  clock: Clock
  log: Log
  newUuid(): string
  /** Names of those who want to hear of it. */
  wantedBy(alert: RaisedAlert): string[]
  /** There is something to deliver. */
  onRaised(): void
}

/** Far more than anybody reads. */
const mostPending = 1_000
/** Keys that need not go to the database again; any other may, and is there once all the same. */
const mostKnown = 10_000
const againMs = 2_000

/**
 * Puts alerts on record, each key once. Whoever raises does not wait: what has not been written yet is kept here and
 * tried again while the database is away. Lost when the process dies before that; what it was about is then noticed
 * anew, as its key is not on record.
 */
export class Raiser {
  readonly #options: RaiserOptions
  readonly #pending = new Map<string, RaisedAlert>()
  readonly #known = new Set<string>()
  #writing: Promise<void> | undefined
  #stopTimer: () => void = () => undefined

  constructor(options: RaiserOptions) {
    this.#options = options
  }

  raise(alert: Alert): void {
    if (this.#known.has(alert.key) || this.#pending.has(alert.key)) return
    const { log, clock, newUuid } = this.#options
    if (this.#pending.size >= mostPending) {
      log.error(
        { key: alert.key, title: alert.title },
        'an alert was dropped: too many wait for the database',
      )
      return
    }
    this.#pending.set(alert.key, { ...writable(alert), id: newUuid(), raisedAtMs: clock.now() })
    this.#write()
  }

  /** Writes what waits, or as much of it as the database takes. */
  async flush(): Promise<void> {
    this.#write()
    await this.#writing
  }

  async stop(): Promise<void> {
    this.#stopTimer()
    await this.flush()
    this.#stopTimer()
    if (this.#pending.size > 0)
      this.#options.log.error({ alerts: [...this.#pending.keys()] }, 'alerts could not be put on record')
  }

  #write(): void {
    if (this.#pending.size > 0) this.#writing ??= this.#writeAll()
  }

  async #writeAll(): Promise<void> {
    for (const [key, alert] of this.#pending) {
      if (!(await this.#writeOne(alert))) {
        this.#stopTimer()
        this.#stopTimer = this.#options.clock.after(againMs, () => this.#write())
        break
      }
      this.#pending.delete(key)
      this.#know(key)
    }
    this.#writing = undefined // at once, so that what is raised from now on is written
  }

  /** False while the database is away. */
  async #writeOne(alert: RaisedAlert): Promise<boolean> {
    const { database, log, wantedBy, onRaised } = this.#options
    const { kind, key, severity, title } = alert
    try {
      if (!(await insertAlert(database, alert, wantedBy(alert)))) return true
      log.warn({ kind, key, severity }, title)
      onRaised()
      return true
    } catch (cause) {
      if (cause instanceof DatabaseUnavailable) {
        log.warn({ err: cause, key }, 'an alert could not be put on record; it is tried again')
        return false
      }
      log.error({ err: cause, kind, key, title }, 'an alert cannot be put on record')
      return true
    }
  }

  #know(key: string): void {
    this.#known.add(key)
    if (this.#known.size <= mostKnown) return
    for (const oldest of this.#known) {
      this.#known.delete(oldest)
      return
    }
  }
}
