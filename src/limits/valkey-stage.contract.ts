import { createLog, createUuids, openValkey, systemChance, systemClock, type Valkey } from '#platform'
import { atEnd } from '../../test/support/cleanup.ts'
import { ValkeyLimitStore, type ValkeyLimitStoreOptions } from './valkey-store.ts'

const newUuid = createUuids(systemClock, systemChance)

const clock = systemClock
const log = createLog('silent')

/** Processes over one Valkey that does not know them yet. Their deadlines are such as a busy machine keeps, too. */
export function createStage(url: string) {
  const name = newUuid()
  return {
    async join(
      more: Partial<ValkeyLimitStoreOptions> = {},
      { stepTimeoutMs = 5_000 } = {},
    ): Promise<Process> {
      const valkey = await openValkey({ url, stepTimeoutMs, clock, log })
      const store = new ValkeyLimitStore({
        valkey,
        name,
        owner: newUuid(),
        clock,
        log,
        newUuid,
        gatherMs: 0,
        load: async () => ({ entries: [], holds: [], ended: [], rules: [] }),
        onExpired: async () => undefined,
        ...more,
      })
      const leave = async (): Promise<void> => {
        store.stop()
        await valkey.close()
      }
      atEnd(leave)
      void store.start(0)
      return { store, valkey, leave }
    },
  }
}

export interface Process {
  store: ValkeyLimitStore
  valkey: Valkey
  /** As when it dies: nobody is told. */
  leave(): Promise<void>
}
