import { type Attempt, Fault } from '#exchange'
import { type Clock, type Database, DatabaseUnavailable, type Log } from '#platform'
import type { Companion } from './companion.ts'
import type { Exchange } from './exchange.ts'
import type { IntentLog } from './intents.ts'
import { type CallRow, describeEnd, renderIntent } from './record.ts'
import { insertCalls } from './store.ts'

export interface JournalOptions {
  database: Database
  intents: IntentLog
  clock: Clock
  log: Log
  /** Id of this process. */
  instance: string
  /** Written with the calls. */
  companion?: Companion | undefined
}

/** Fewer calls under way than this never wait for company. */
const gatherFrom = 4
const groupBytes = 256 * 1024
/**
 * Ends wait for company this long, unless so many have gathered. With few calls under way a write is kept small
 * instead, since preparing a large one is a millisecond that some caller would wait for.
 */
const endsWaitMs = { few: 5, many: 50 }
const endsAtOnce = 256
/** While the database is away, ends wait here. Calls under way bound them; refused calls are let go past this. */
const mostEnds = 20_000
const retryMs = 500

interface Waiting {
  exchange: Exchange
  attempt: string
  resolve(): void
  reject(cause: unknown): void
}

interface End {
  row: CallRow
  groups: readonly number[]
}

/**
 * The write-ahead record of calls. An attempt is durable before its socket is opened (`intend`), a call is
 * committed after it has ended (`record`): both in groups, so that this costs milliseconds of waiting and not
 * throughput.
 *
 * A call is in the log of intents from its first attempt until its row in `calls` is committed; groups that nobody
 * is in any more are then forgotten. A crash leaves groups behind, which the next start turns into calls of
 * unknown end.
 */
export class Journal {
  readonly #options: JournalOptions
  #underWay = 0

  #waiting: Waiting[] = []
  #appending = false
  #gathering: { stop(): void; patient: boolean } | undefined
  #groupNo = 0
  /** Calls of each group that have no row in `calls` yet. */
  readonly #members = new Map<number, number>()
  /** Groups that nobody is in, but whose end is not committed. */
  #emptyGroups: number[] = []

  #ends: End[] = []
  /** Ends of a batch that the database refused: written one by one, to find the one it will never take. */
  #suspects: End[] = []
  #writing: Promise<void> | undefined
  #stopWaiting: (() => void) | undefined
  /** Calls recorded, and calls that left the queue, since the start. */
  #recordedNo = 0
  #writtenNo = 0

  constructor(options: JournalOptions) {
    this.#options = options
  }

  /** Rows that are not committed yet. */
  get pending(): number {
    return this.#ends.length + this.#suspects.length + this.#waiting.length
  }

  begin(): void {
    this.#underWay += 1
  }

  /** Resolves when the attempt is durable, and the call knows its group. Fails with `store_unavailable`. */
  intend(exchange: Exchange, attempt: Attempt): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ exchange, attempt: renderIntent(exchange, attempt), resolve, reject })
      this.#gather()
    })
  }

  /** Takes a call that has ended; it is committed within milliseconds, or as soon as the database is back. */
  record(exchange: Exchange): void {
    this.#underWay -= 1
    if (exchange.groups.length === 0 && this.#ends.length >= mostEnds) {
      return this.#options.log.warn(
        { call: exchange.call.id },
        'a refused call is not recorded: too many wait',
      )
    }
    this.#recordedNo += 1
    this.#ends.push({ row: describeEnd(exchange, this.#options.clock.now()), groups: exchange.groups })
    this.#scheduleWrite()
  }

  /** Resolves when all that was recorded before is committed, or the database has failed to take it. */
  async flush(): Promise<void> {
    const upTo = this.#recordedNo
    while (this.#writtenNo < upTo) {
      await this.#writing
      const before = this.#writtenNo
      if (before < upTo) await this.#write()
      if (this.#writtenNo === before) return
    }
  }

  /** A group is complete when half of the calls under way are in it, or when the first of them has waited enough. */
  #gather(): void {
    if (this.#appending) return // what has gathered by its end goes next
    const { clock, intents } = this.#options
    const patient =
      intents.gatherMs > 0 && this.#underWay >= gatherFrom && this.#waiting.length < this.#underWay / 2
    if (this.#gathering && (patient || !this.#gathering.patient)) return
    this.#gathering?.stop()
    const stop = clock.after(patient ? intents.gatherMs : 0, () => void this.#append())
    this.#gathering = { stop, patient }
  }

  async #append(): Promise<void> {
    this.#gathering = undefined
    const group = this.#takeGroup()
    if (group.length === 0) return
    const groupNo = ++this.#groupNo
    this.#appending = true
    try {
      await this.#options.intents.append({
        groupNo,
        attempts: `[${group.map(({ attempt }) => attempt).join()}]`,
      })
      this.#enterGroup(groupNo, group)
      for (const { resolve } of group) resolve()
    } catch (cause) {
      this.#emptyGroups.push(groupNo) // it may be durable all the same, though nothing was made of it
      this.#options.log.error({ err: cause, attempts: group.length }, 'attempts could not be put on record')
      for (const { reject } of group) reject(storeFault(cause))
    } finally {
      this.#appending = false
      if (this.#waiting.length > 0) this.#gather()
    }
  }

  /** A call may have ended while an attempt was on its way here that nobody waited for: it is in no group. */
  #enterGroup(groupNo: number, group: readonly Waiting[]): void {
    const members = group.filter(({ exchange }) => !exchange.recorded)
    for (const { exchange } of members) exchange.groups.push(groupNo)
    if (members.length > 0) this.#members.set(groupNo, members.length)
    else this.#emptyGroups.push(groupNo)
  }

  #takeGroup(): Waiting[] {
    let bytes = 0
    const over = this.#waiting.findIndex(({ attempt }) => {
      bytes += attempt.length
      return bytes > groupBytes
    })
    return this.#waiting.splice(0, over <= 0 ? this.#waiting.length : over)
  }

  #scheduleWrite(): void {
    if (this.#writing !== undefined) return // what has gathered by its end goes next
    if (this.#suspects.length > 0 || this.#ends.length >= endsAtOnce) void this.#write()
    else this.#stopWaiting ??= this.#options.clock.after(this.#endsWaitMs, () => void this.#write())
  }

  get #endsWaitMs(): number {
    return this.#underWay < gatherFrom ? endsWaitMs.few : endsWaitMs.many
  }

  /** Writes ends that have gathered; never fails. */
  async #write(): Promise<void> {
    if (this.#writing !== undefined) return await this.#writing
    this.#stopWaiting?.()
    this.#stopWaiting = undefined
    const ends = this.#suspects.length > 0 ? this.#suspects.splice(0, 1) : this.#ends.splice(0, endsAtOnce)
    if (ends.length === 0) return
    this.#writing = this.#writeEnds(ends).then(away => {
      this.#writing = undefined
      if (away) this.#stopWaiting = this.#options.clock.after(retryMs, () => void this.#write())
      else if (this.#ends.length + this.#suspects.length > 0) this.#scheduleWrite()
    })
    await this.#writing
  }

  /** True when the database is away, and it is to be tried again later. */
  async #writeEnds(ends: End[]): Promise<boolean> {
    const { companion, database, instance, intents, log } = this.#options
    const finishedGroups = this.#leaveGroups(ends)
    try {
      const calls = ends.map(({ row }) => row)
      await insertCalls(database, instance, { calls, finishedGroups, companion })
      intents.forget(finishedGroups)
      this.#writtenNo += ends.length
      return false
    } catch (cause) {
      this.#emptyGroups.push(...finishedGroups)
      if (cause instanceof DatabaseUnavailable) {
        this.#rejoinGroups(ends)
        this.#ends.unshift(...ends)
        log.error({ err: cause, calls: this.pending }, 'calls wait for the database')
        return true
      }
      if (ends.length > 1) {
        this.#rejoinGroups(ends)
        this.#suspects.push(...ends)
        return false
      }
      this.#writtenNo += 1
      log.error(
        { err: cause, call: ends[0]?.row.id },
        'the database refused a call: it is lost to the record',
      )
      return false
    }
  }

  /** Takes calls out of their groups, and gives the groups that nobody is in any more. */
  #leaveGroups(ends: readonly End[]): number[] {
    const empty = this.#emptyGroups
    this.#emptyGroups = []
    for (const group of ends.flatMap(({ groups }) => groups)) {
      const left = (this.#members.get(group) ?? 1) - 1
      if (left > 0) this.#members.set(group, left)
      else {
        this.#members.delete(group)
        empty.push(group)
      }
    }
    return empty
  }

  #rejoinGroups(ends: readonly End[]): void {
    const joined = ends.flatMap(({ groups }) => groups)
    for (const group of joined) this.#members.set(group, (this.#members.get(group) ?? 0) + 1)
    this.#emptyGroups = this.#emptyGroups.filter(group => !joined.includes(group))
  }
}

function storeFault(cause: unknown): Fault {
  return new Fault(
    'store_unavailable',
    'The store of this server cannot be reached, so the call could not be put on record; nothing was sent to a provider. Try again in a moment.',
    { internal: cause instanceof Error ? cause.message : String(cause), cause, retryAfterMs: 1_000 },
  )
}
