import type { Database, Queryable } from './database.ts'
import { otherName, type RollupNames, refuseNames } from './rollup-names.ts'
import { type RollupSpec, writeStatement } from './rollup-spec.ts'

/** Rows of the feed that are older than this are added even where they are few. */
const patienceMs = 60_000
/** As many facts are worth a round by themselves. */
const manyFacts = 4_000
/** In one transaction. It is short, because the embedded database has one session, and calls wait for it. */
const factsAtOnce = 2_048
const timeoutMs = 30_000

/**
 * Adds facts to their sums: each exactly once, in groups.
 *
 * Whoever commits facts puts their keys into the feed in the same statement. A round takes keys out of the feed and
 * adds their facts, in one transaction: what a crash interrupts has not happened, and what commits late is taken
 * late. Of several processes one writes at a time, under an advisory lock, so sums are never waited for crosswise.
 */
export class Rollup {
  readonly #database: Database
  readonly #spec: RollupSpec
  readonly #vacuums: boolean
  #folded = 0

  /** `vacuums`: nobody else cleans up after what was taken out of the feed, as on the embedded database. */
  constructor(database: Database, spec: RollupSpec, { vacuums = false } = {}) {
    this.#database = database
    this.#spec = spec
    this.#vacuums = vacuums
  }

  /** Names that stand as `…other` in the sums because there were too many, since the start. */
  get folded(): number {
    return this.#folded
  }

  /** Adds what waits, where it is much or has waited long. Gives the number of facts that were added. */
  async advance(): Promise<number> {
    let added = 0
    while (await this.#isDue()) {
      const some = await this.#round()
      if (some === 0) break // another process is at it
      added += some
    }
    if (added > 0 && this.#vacuums)
      await this.#database.query({ text: `vacuum ${this.#spec.feed}`, timeoutMs })
    return added
  }

  /** Adds all that waits, and gives how many facts that were. */
  async catchUp(): Promise<number> {
    let added = 0
    for (let some = await this.#round(); some > 0; some = await this.#round()) added += some
    return added
  }

  async #isDue(): Promise<boolean> {
    const [due] = await this.#database.query<{ due: boolean }>(
      {
        text: `select coalesce(sum(size) >= $1 or min(at) < now() - make_interval(secs => $2::float8 / 1000), false) as due
          from ${this.#spec.feed}`,
      },
      [manyFacts, patienceMs],
    )
    return due?.due ?? false
  }

  async #round(): Promise<number> {
    return await this.#database.transaction(async tx => {
      const [lock] = await tx.query<{ held: boolean }>(
        { text: 'select pg_try_advisory_xact_lock(hashtext($1)) as held' },
        [this.#spec.table],
      )
      if (!lock?.held) return 0
      const keys = await this.#take(tx)
      if (keys.length === 0) return 0
      const refused = await refuseNames(tx, this.#spec, keys)
      await this.#write(tx, keys, refused)
      this.#folded += refused.names.length
      return keys.length
    })
  }

  async #take(tx: Queryable): Promise<string[]> {
    const rows = await tx.query<{ key: string }>(
      {
        text: `with next as (select no, sum(size) over (order by no) - size as before from ${this.#spec.feed} order by no limit $1),
            taken as (delete from ${this.#spec.feed} where no in (select no from next where before < $1) returning keys)
          select unnest(keys)::text as key from taken`,
        timeoutMs,
      },
      [factsAtOnce],
    )
    return rows.map(({ key }) => key)
  }

  async #write(tx: Queryable, keys: readonly string[], refused: RollupNames): Promise<void> {
    const { hours, organizations, dims, names } = refused
    const folds = names.length > 0
    const values = folds ? [keys, hours, organizations, dims, names, otherName] : [keys]
    await tx.query({ text: writeStatement(this.#spec, folds), timeoutMs }, values)
  }
}
