import type { EventsOptions } from '#events'
import type { RuleSubject } from '#exchange'
import type { Spent, SpentSince } from '#limits'
import { type Clock, type Database, DatabaseUnavailable, type Queryable, type Statement } from '#platform'
import type { LedgerAttempt } from '../src/metering/ledger-entry.ts'
import type { Draw } from './draw.ts'
import { spentOf } from './spent.ts'

export type IntentLog = EventsOptions['intents']

export interface RecordedAttempt extends LedgerAttempt {
  code?: string
}

/** A row of `calls`, as far as the laws look at it. */
export interface RecordedCall {
  id: string
  status: string
  code: string | undefined
  cost: string | undefined
  subject: RuleSubject
  attempts: RecordedAttempt[]
}

/** What an intent says of its call, or columns of a row. */
interface Described {
  organization?: string | undefined
  project?: string | undefined
  key_id?: string | undefined
  key_name?: string | undefined
  user_id?: string | undefined
  model?: string | undefined
  class?: string | undefined
}

export interface StoreWeather {
  /** The store answers nobody. */
  isAway(): boolean
}

/**
 * What outlives a process: calls, and the intents of attempts. It knows the statements that the call log makes, by
 * what they say, and refuses any other. A statement takes some milliseconds; while the store is away, it fails, and may
 * have gone through all the same.
 */
export class Disk {
  readonly calls = new Map<string, RecordedCall>()
  /** By process and number of the group. */
  readonly #intents = new Map<string, Map<number, string>>()
  readonly #alive = new Set<string>()
  readonly #clock: Clock
  readonly #draw: Draw
  readonly #weather: StoreWeather

  constructor(clock: Clock, draw: Draw, weather: StoreWeather) {
    this.#clock = clock
    this.#draw = draw
    this.#weather = weather
  }

  boot(instance: string): void {
    this.#alive.add(instance)
  }

  /** It ended, in whatever way: what it left is everybody's. */
  leave(instance: string): void {
    this.#alive.delete(instance)
  }

  /** What no process has ended, and no process has found. */
  get open(): number {
    return [...this.#intents.values()].reduce((sum, groups) => sum + groups.size, 0)
  }

  /** As the ledger would say it; of calls under way it says nothing, since one process serves at a time. */
  spentSinceOf(instance: string): SpentSince {
    const read = (fromMs: number): Promise<Spent[]> => {
      let spent: Spent[] = []
      const work = (): void => {
        spent = [...this.calls.values()].flatMap(spentOf).filter(({ atMs }) => atMs >= fromMs)
      }
      return this.#work(instance, work).then(() => spent)
    }
    return async function* since({ fromMs, bucketMs }) {
      for (const one of await read(fromMs)) yield { ...one, atMs: Math.floor(one.atMs / bucketMs) * bucketMs }
    }
  }

  databaseOf(instance: string): Database {
    const query = async <Row>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> => {
      await this.#work(instance, () => this.#run(instance, statement, values))
      return []
    }
    const database: Queryable = { query }
    return { query, transaction: work => work(database), close: async () => undefined }
  }

  intentsOf(instance: string): IntentLog {
    return {
      gatherMs: 4,
      append: ({ groupNo, attempts }) =>
        this.#work(instance, () => this.#groupsOf(instance).set(groupNo, attempts)),
      forget: () => undefined,
      recover: async () => {
        let lost = 0
        await this.#work(instance, () => {
          lost = this.#recover()
        })
        return lost
      },
      publish: async () => undefined,
      close: async () => undefined,
    }
  }

  /** Nothing comes back to a process that is dead by then; what it asked for may have been done. */
  #work(instance: string, work: () => void): Promise<void> {
    const isAway = this.#weather.isAway()
    const isDone = !isAway || this.#draw.happens(0.3)
    const ms = isAway
      ? 1_000
      : this.#draw.happens(0.02)
        ? this.#draw.between(20, 300)
        : this.#draw.between(0, 3)
    return new Promise((resolve, reject) => {
      this.#clock.after(ms, () => {
        if (!this.#alive.has(instance)) return
        try {
          if (isDone) work()
        } catch (cause) {
          return reject(cause)
        }
        if (isAway) reject(new DatabaseUnavailable('virtually away'))
        else resolve()
      })
    })
  }

  #run(instance: string, { text }: Statement, values: readonly unknown[]): void {
    if (text.includes('insert into calls')) {
      for (const group of values[1] as number[]) this.#groupsOf(instance).delete(group)
      for (const row of readRows(text, values)) {
        const known = this.calls.get(row.id)
        if (!known || known.status === 'unknown') this.calls.set(row.id, row)
      }
    } else if (
      // Whether calls wait for the sums of usage: never, since the virtual store has none.
      !/^(insert into|delete from) (instances|calls|call_contents)\b|\bfrom usage_feed$/.test(text.trim())
    )
      throw new Error(`the virtual store knows no such statement: ${text}`)
  }

  /** What dead processes have left becomes calls of unknown end, as `recoverIntents` of the call log has it. */
  #recover(): number {
    const lost = new Map<string, RecordedCall>()
    for (const [instance, groups] of this.#intents) {
      if (this.#alive.has(instance)) continue
      const calls = [...groups.values()].flatMap(text => JSON.parse(text) as (RecordedCall & Described)[])
      for (const call of calls) {
        const { id, attempts } = call
        const known = lost.get(id) ?? {
          id,
          status: 'unknown',
          code: 'process_lost',
          cost: undefined,
          subject: subjectOf(call),
          attempts: [],
        }
        known.attempts.push(...attempts.map(attempt => ({ ...attempt, status: 'unknown' })))
        lost.set(id, known)
      }
      this.#intents.delete(instance)
    }
    const found = [...lost.values()].filter(({ id }) => !this.calls.has(id))
    for (const call of found) this.calls.set(call.id, call)
    return found.length
  }

  #groupsOf(instance: string): Map<number, string> {
    const known = this.#intents.get(instance) ?? new Map<number, string>()
    this.#intents.set(instance, known)
    return known
  }
}

/** The rows of `insertCalls`: an array literal for each column, but the last, which is JSON. */
function readRows(text: string, values: readonly unknown[]): RecordedCall[] {
  const names = (/insert into calls \(([^)]+)\)/.exec(text)?.[1] ?? '').split(', ')
  const column = (name: string): (string | undefined)[] => readArray(String(values[names.indexOf(name) + 2]))
  const [ids, statuses, codes, costs] = ['id', 'status', 'code', 'cost_pico_usd'].map(column)
  const described = describing.map(name => [name, column(name)] as const)
  const attempts = JSON.parse(String(values.at(-1))) as RecordedAttempt[][]
  return attempts.map((of, at) => ({
    id: ids?.[at] ?? '',
    status: statuses?.[at] ?? '',
    code: codes?.[at],
    cost: costs?.[at],
    subject: subjectOf(Object.fromEntries(described.map(([name, values]) => [name, values[at]]))),
    attempts: of,
  }))
}

const describing = ['organization', 'project', 'key_id', 'key_name', 'user_id', 'model', 'class'] as const

function subjectOf(row: Described): RuleSubject {
  return {
    organization: row.organization ?? '',
    project: row.project ?? '',
    keyId: row.key_id ?? '',
    keyName: row.key_name ?? '',
    user: row.user_id,
    feature: undefined,
    model: row.model,
    class: row.class === 'batch' ? 'batch' : 'interactive',
    tags: [],
    environment: undefined,
  }
}

function readArray(literal: string): (string | undefined)[] {
  const elements = literal.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|[^,]+/g)
  return [...elements].map(([whole, quoted]) => {
    if (quoted !== undefined) return quoted.replace(/\\(.)/g, '$1')
    return whole === 'NULL' ? undefined : whole
  })
}
