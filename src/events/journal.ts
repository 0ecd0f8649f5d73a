import { type Attempt, Fault } from '#exchange'
import { type Clock, type Database, DatabaseUnavailable, type Log } from '#platform'
import type { Exchange } from './exchange.ts'
import { renderEnd, renderIntent } from './record.ts'
import { insertCalls, insertIntents } from './store.ts'

export interface JournalOptions {
  database: Database
  clock: Clock
  log: Log
  /** Id of this process. */
  instance: string
  /** Told of every group of intents, so that the table can be kept small. */
  onGroup(): void
}

/** Rows that wait to be committed longer than this are committed even when they are few. */
const endsWaitMs = 25
const endsAtOnce = 128
/** While the database is away, ends wait here. Calls under way bound them; refused calls are let go past this. */
const mostEnds = 20_000
const retryMs = 500
/** Groups gather this long when many calls are under way: one commit for all of them is what keeps a row cheap. */
const gatherMs = 2
const gatherFrom = 4
/** A group's row stays well under what Postgres compresses or moves out of line… */
const groupBytes = 256 * 1024

interface Waiting {
  attempt: string
  resolve(group: number): void
  reject(cause: unknown): void
}

/**
 * The write-ahead record of calls. An attempt is committed before its socket is opened (`intend`), a call after it
 * has ended (`record`); both in groups, so that a commit costs milliseconds of waiting and not throughput.
 *
 * A call is in a group of `call_intents` from its first attempt until its row in `calls` is committed; the same
 * statement then drops the groups that nobody is in any more. A crash leaves groups behind, and `recoverIntents`
 * turns what is in them into calls of unknown end.
 */
export class Journal {
  readonly #options: JournalOptions
  #waiting: Waiting[] = []
  #groupScheduled = false
  #committing = false
  #groupNo = 0
  /** Calls of each committed group that have no row in `calls` yet. */
  readonly #members = new Map<number, number>()
  #ends: { row: string; groups: readonly number[] }[] = []
  #stopWaiting: (() => void) | undefined
  #writing: Promise<void> | undefined
  #underWay = 0
  /** Calls recorded, and calls committed, since the start. */
  #recordedNo = 0
  #committedNo = 0

  constructor(options: JournalOptions) {
    this.#options = options
  }

  /** Rows that are not committed yet. */
  get pending(): number {
    return this.#ends.length + this.#waiting.length
  }

  begin(): void {
    this.#underWay += 1
  }

  /** Resolves, with the number of its group, when the attempt is durable. Fails with `store_unavailable`. */
  intend(exchange: Exchange, attempt: Attempt): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ attempt: renderIntent(exchange, attempt), resolve, reject })
      this.#scheduleGroup()
    })
  }

  /** Takes a call that has ended; it is committed within milliseconds, or as soon as the database is back. */
  record(exchange: Exchange): void {
    this.#underWay -= 1
    if (exchange.groups.length === 0 && this.#ends.length >= mostEnds)
      return this.#options.log.warn('call not recorded')
    this.#ends.push({ row: renderEnd(exchange, this.#options.clock.now()), groups: exchange.groups })
    this.#recordedNo += 1
    if (this.#ends.length >= endsAtOnce) this.#writeEnds()
    else this.#stopWaiting ??= this.#options.clock.after(endsWaitMs, () => this.#writeEnds())
  }

  /** Resolves when all that was recorded before is committed, or the database has failed to take it. */
  async flush(): Promise<void> {
    const upTo = this.#recordedNo
    while (this.#committedNo < upTo) {
      const before = this.#committedNo
      this.#writeEnds()
      await this.#writing
      if (this.#committedNo === before) return
    }
  }

  #scheduleGroup(): void {
    if (this.#groupScheduled || this.#committing) return
    this.#groupScheduled = true
    const commit = (): void => {
      this.#groupScheduled = false
      void this.#commitGroup()
    }
    const many = this.#underWay >= gatherFrom && this.#waiting.length < this.#underWay / 2
    this.#options.clock.after(many ? gatherMs : 0, commit)
  }

  async #commitGroup(): Promise<void> {
    const group = this.#takeGroup()
    if (group.length === 0) return
    const groupNo = ++this.#groupNo
    this.#committing = true
    try {
      await insertIntents(this.#options.database, this.#options.instance, {
        groupNo,
        attempts: `[${group.map(({ attempt }) => attempt).join()}]`,
      })
      this.#members.set(groupNo, group.length)
      for (const { resolve } of group) resolve(groupNo)
      this.#options.onGroup()
    } catch (cause) {
      this.#members.set(groupNo, 0) // it may have been committed all the same: drop it with the next write
      for (const { reject } of group) reject(storeFault(cause))
    } finally {
      this.#committing = false
      if (this.#waiting.length > 0) this.#scheduleGroup()
    }
  }

  #takeGroup(): Waiting[] {
    let bytes = 0
    const over = this.#waiting.findIndex(({ attempt }) => {
      bytes += attempt.length
      return bytes > groupBytes
    })
    return this.#waiting.splice(0, over <= 0 ? this.#waiting.length : over)
  }

  #writeEnds(): void {
    this.#stopWaiting?.()
    this.#stopWaiting = undefined
    if (this.#writing || this.#ends.length === 0) return
    const batch = this.#ends.splice(0, endsAtOnce)
    this.#writing = this.#commitEnds(batch).finally(() => {
      this.#writing = undefined
      if (this.#ends.length >= endsAtOnce) this.#writeEnds()
      else if (this.#ends.length > 0)
        this.#stopWaiting ??= this.#options.clock.after(endsWaitMs, () => this.#writeEnds())
    })
  }

  async #commitEnds(batch: { row: string; groups: readonly number[] }[]): Promise<void> {
    const { database, instance, log, clock } = this.#options
    const finishedGroups = this.#leaveGroups(batch)
    try {
      await insertCalls(database, instance, {
        calls: `[${batch.map(({ row }) => row).join()}]`,
        finishedGroups,
      })
      for (const group of finishedGroups) this.#members.delete(group)
      this.#committedNo += batch.length
    } catch (cause) {
      this.#rejoinGroups(batch)
      this.#ends.unshift(...batch)
      log.error({ err: cause, rows: this.#ends.length }, 'calls wait for the database')
      await new Promise<void>(resolve => clock.after(retryMs, resolve))
    }
  }

  /** Takes the calls out of their groups and names the groups that are empty then. */
  #leaveGroups(batch: { groups: readonly number[] }[]): number[] {
    for (const { groups } of batch) {
      for (const group of groups) this.#members.set(group, (this.#members.get(group) ?? 1) - 1)
    }
    return [...this.#members].filter(([, members]) => members === 0).map(([group]) => group)
  }

  #rejoinGroups(batch: { groups: readonly number[] }[]): void {
    for (const { groups } of batch) {
      for (const group of groups) this.#members.set(group, (this.#members.get(group) ?? 0) + 1)
    }
  }
}

function storeFault(cause: unknown): unknown {
  if (!(cause instanceof DatabaseUnavailable)) return cause
  return new Fault(
    'store_unavailable',
    'The database of this server cannot be reached, so the call could not be put on record; nothing was sent to a provider. Try again in a moment.',
    { internal: cause.message, cause, retryAfterMs: 1_000 },
  )
}
