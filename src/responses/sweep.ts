import type { Clock, Database, Log } from '#platform'
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
  const { clock, log } = deps
  let stopped = false
  let cancel: () => void = () => undefined
  let running: Promise<void> | undefined
  const again = (): void => {
    if (!stopped) cancel = clock.after(everyMs, run)
  }
  const run = (): void => {
    running = sweep(deps)
      .catch(cause => log.error({ err: cause }, 'expired responses could not be deleted; it is tried again'))
      .finally(again)
  }
  again()
  return async () => {
    stopped = true
    cancel()
    await running
  }
}

async function sweep({ database, clock, vacuums }: SweepDeps): Promise<void> {
  let gone = 0
  for (let some = atOnce; some >= atOnce; gone += some) {
    some = await deleteExpired(database, { nowMs: clock.now(), most: atOnce })
  }
  if (gone > 0 && vacuums) await vacuumResponses(database)
}
