import type { IntentLog, IntentLogOptions } from './intents.ts'
import { insertIntents, recoverIntents } from './store.ts'

/** A process is dead when it has not been seen for this long. */
const staleAfterMs = 12_000

/** Intents in the shared database: any process can take over from one that has died. */
export function createTableIntents({ database, instance, companion }: IntentLogOptions): IntentLog {
  return {
    gatherMs: 4,
    append: group => insertIntents(database, instance, group),
    forget: () => undefined, // the statement that commits the calls drops them
    recover: () => recoverIntents(database, { instance, staleAfterMs, companion }),
    publish: async () => undefined,
    close: async () => undefined,
  }
}
