import type { Clock } from '#platform'
import type { Identity } from './configured.ts'

/**
 * Identities by the full hash of their credential, so that a busy key costs one look-up every few seconds.
 *
 * States of a hash: absent, loading, known or unknown. `find` moves absent to loading; the database's answer
 * moves it to known or unknown; age, eviction or `forget` moves it back to absent. A look-up that fails leaves
 * nothing behind. All of it is memory: a crash loses nothing.
 */
export interface KeyCache {
  /** Rejects as `load` does. */
  find(hash: string): Promise<Identity | undefined>
  /** Makes a change made here effective at once, also against a look-up that is under way. */
  forget(hash: string): void
}

interface Entry {
  /** When the database was asked, not when it answered: what it said was true no later than that. */
  askedAtMs: number
  identity: Identity | undefined
}

interface Options {
  load(hash: string): Promise<Identity | undefined>
  clock: Clock
  ttlMs: number
  /** Known and unknown hashes are bounded apart, so that a flood of guesses cannot push out working keys. */
  capacity: { known: number; unknown: number }
}

export function createKeyCache({ load, clock, ttlMs, capacity }: Options): KeyCache {
  const known = new Map<string, Entry>()
  const unknown = new Map<string, Entry>()
  const loading = new Map<string, Promise<Identity | undefined>>()

  async function ask(hash: string): Promise<Identity | undefined> {
    const askedAtMs = clock.monotonic()
    const answer = load(hash)
    loading.set(hash, answer)
    try {
      const identity = await answer
      // A hash forgotten meanwhile is no longer in `loading`: this answer may be from before the change.
      if (loading.get(hash) === answer) keep(hash, { askedAtMs, identity })
      return identity
    } finally {
      if (loading.get(hash) === answer) loading.delete(hash)
    }
  }

  function keep(hash: string, entry: Entry): void {
    known.delete(hash)
    unknown.delete(hash)
    const [map, bound] = entry.identity ? [known, capacity.known] : [unknown, capacity.unknown]
    // A Map remembers the order of insertion, and all entries live equally long: the first is the next to lapse.
    if (map.size >= bound) map.delete(map.keys().next().value ?? hash)
    map.set(hash, entry)
  }

  return {
    async find(hash) {
      const entry = known.get(hash) ?? unknown.get(hash)
      if (entry && clock.monotonic() - entry.askedAtMs < ttlMs) return entry.identity
      return await (loading.get(hash) ?? ask(hash))
    },
    forget(hash) {
      known.delete(hash)
      unknown.delete(hash)
      loading.delete(hash)
    },
  }
}
