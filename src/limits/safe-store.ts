import type { Clock, Log } from '#platform'
import {
  type Counted,
  type CounterRef,
  type Entry,
  type LimitStore,
  LimitStoreAway,
  type Line,
  type Once,
  type Outcome,
  type Soon,
  type Taken,
} from './store.ts'

interface SafeStoreOptions {
  store: LimitStore
  clock: Clock
  log: Log
}

/** Settlements that could not be told are told again after so long. */
const againMs = 1_000

interface Settlement {
  id: string
  taken: readonly Taken[]
}

/**
 * A store that forgets no settlement: one that cannot be told is told again until it is. Whatever else cannot be done
 * in time fails with `LimitStoreAway`; `read` then knows nothing instead.
 */
export class SafeStore implements LimitStore {
  readonly #options: SafeStoreOptions
  readonly #untold: Settlement[] = []
  #isTelling = false
  /** The same for calls that can wait. */
  readonly patient: LimitStore

  constructor(options: SafeStoreOptions) {
    this.#options = options
    const { store } = options
    const patient = store.patient ?? store
    this.patient = {
      reserve: (id, lines, nowMs) => patient.reserve(id, lines, nowMs),
      amend: (id, lines, nowMs) => patient.amend(id, lines, nowMs),
      settle: (id, taken, nowMs) => this.settle(id, taken, nowMs),
      read: (counters, nowMs) => this.read(counters, nowMs),
      add: (entries, nowMs, once) => this.add(entries, nowMs, once),
    }
  }

  reserve(id: string, lines: readonly Line[], nowMs: number): Soon<Outcome> {
    return this.#options.store.reserve(id, lines, nowMs)
  }

  amend(id: string, lines: readonly Line[], nowMs: number): Soon<Outcome> {
    return this.#options.store.amend(id, lines, nowMs)
  }

  settle(id: string, taken: readonly Taken[], nowMs: number): Soon<void> {
    const keep = (cause: unknown): void => {
      if (!(cause instanceof LimitStoreAway)) throw cause
      this.#untold.push({ id, taken })
      this.#tellLater()
    }
    try {
      const done = this.#options.store.settle(id, taken, nowMs)
      return done instanceof Promise ? done.catch(keep) : done
    } catch (cause) {
      return keep(cause)
    }
  }

  /** What is not known counts as nothing: whoever must know reserves. */
  async #readOrNothing(counters: readonly CounterRef[], known: Promise<readonly Counted[]>) {
    try {
      return await known
    } catch (cause) {
      if (!(cause instanceof LimitStoreAway)) throw cause
      return counters.map(() => ({ spent: 0n, held: 0n }))
    }
  }

  read(counters: readonly CounterRef[], nowMs: number): Soon<readonly Counted[]> {
    const known = this.#options.store.read(counters, nowMs)
    return known instanceof Promise ? this.#readOrNothing(counters, known) : known
  }

  add(entries: readonly Entry[], nowMs: number, once?: Once): Soon<void> {
    return this.#options.store.add(entries, nowMs, once)
  }

  get filling(): string | undefined {
    return this.#options.store.filling
  }

  #tellLater(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    this.#options.clock.after(againMs, () => void this.#tell())
  }

  async #tell(): Promise<void> {
    const { store, clock, log } = this.#options
    try {
      for (let next = this.#untold[0]; next; next = this.#untold[0]) {
        await store.settle(next.id, next.taken, clock.now())
        this.#untold.shift()
      }
    } catch (cause) {
      if (!(cause instanceof LimitStoreAway)) this.#untold.shift() // it would stand in the way of all others
      log.warn(
        { err: cause, settlements: this.#untold.length },
        'settlements of budgets wait for their store',
      )
    } finally {
      this.#isTelling = false
      if (this.#untold.length > 0) this.#tellLater()
    }
  }
}
