import type { Decision, Presence } from '#exchange'
import type { Clock } from '#platform'
import { refuseAway } from './refuse.ts'
import { LimitStoreAway, type Soon } from './store.ts'

/** So long a call waits for a store that is away, and so long between two tries. */
const patienceMs = 5_000
const pauseMs = 100

interface Again<T> {
  clock: Clock
  presence: Presence
  cause: LimitStoreAway
  /** What can be done without the store, unless it is just slow. */
  without?: (() => Soon<Decision<T>>) | undefined
}

/** A store that was away for a step may be there for the next: a model's answer takes longer than to find out. */
export async function tryAgain<T>(
  step: () => Soon<Decision<T>>,
  { clock, presence, cause, without }: Again<T>,
): Promise<Decision<T>> {
  const untilMs = clock.monotonic() + patienceMs
  let last = cause
  while (clock.monotonic() < untilMs && !presence.gone) {
    if (without && !last.isPassing) break
    await new Promise<void>(resolve => void clock.after(pauseMs, resolve))
    try {
      return await step()
    } catch (again) {
      if (!(again instanceof LimitStoreAway)) throw again
      last = again
    }
  }
  return without ? await without() : refuseAway(last)
}

/** Otherwise, where the store of counters is away. */
export function whenAway<T>(work: () => Soon<T>, otherwise: (cause: LimitStoreAway) => Soon<T>): Soon<T> {
  const again = (cause: unknown): Soon<T> => {
    if (cause instanceof LimitStoreAway) return otherwise(cause)
    throw cause
  }
  try {
    const done = work()
    return done instanceof Promise ? done.catch(again) : done
  } catch (cause) {
    return again(cause)
  }
}
