import type { Clock, Database, Log } from '#platform'
import { deleteExpired, vacuumKeys } from './store.ts'

/** Does `work` again and again until the returned function is called, which waits for the end of what is being done. */
export function repeat(
  { clock, log }: { clock: Clock; log: Log },
  everyMs: number,
  work: () => Promise<void>,
): () => Promise<void> {
  let stopped = false
  let cancel: () => void = () => undefined
  let running: Promise<void> | undefined
  const again = (): void => {
    if (!stopped) cancel = clock.after(everyMs, run)
  }
  const run = (): void => {
    running = work()
      .catch(cause => log.error({ err: cause }, 'upkeep of idempotency keys failed; it is tried again'))
      .finally(again)
  }
  again()
  return async () => {
    stopped = true
    cancel()
    await running
  }
}

const atOnce = 1_000

/** Deletes what has outlived its time. */
export async function sweep(
  database: Database,
  { nowMs, vacuums }: { nowMs: number; vacuums: boolean },
): Promise<void> {
  let gone = 0
  for (let some = atOnce; some >= atOnce; gone += some) {
    some = await deleteExpired(database, { nowMs, most: atOnce })
  }
  if (gone > 0 && vacuums) await vacuumKeys(database)
}
