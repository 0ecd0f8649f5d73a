import { type Clock, type Database, type Log, repeat } from '#platform'
import { deleteExpired, vacuumResponses } from './store.ts'

export interface SweepDeps {
  database: Database
  clock: Clock
  log: Log
  /** The database does not tidy up by itself. */
  vacuums: boolean
}

const everyMs = 60_000
const atOnce = 1_000

/** Deletes what has outlived its time, now and then, until the returned function is called, which waits for the end. */
export function startSweep(deps: SweepDeps): () => Promise<void> {
  const options = { waitMs: everyMs, failed: 'expired responses could not be deleted' }
  return repeat(deps, options, () => sweep(deps))
}

async function sweep({ database, clock, vacuums }: SweepDeps): Promise<void> {
  let gone = 0
  for (let some = atOnce; some >= atOnce; gone += some) {
    some = await deleteExpired(database, { nowMs: clock.now(), most: atOnce })
  }
  if (gone > 0 && vacuums) await vacuumResponses(database)
}
