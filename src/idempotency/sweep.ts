import type { Database } from '#platform'
import { deleteExpired, vacuumKeys } from './store.ts'

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
