import type { Clock, Log } from '#platform'
import { MemoryLimitStore } from './memory-store.ts'
import {
  type Entry,
  type LimitStore,
  LimitStoreAway,
  type Line,
  type Once,
  type Outcome,
  type Taken,
} from './store.ts'

export interface LoneStoreOptions {
  /** Told of what was spent here, as soon as it is there again. */
  shared: Pick<LimitStore, 'add' | 'filling'>
  clock: Clock
  log: Log
}

/** What a call holds here, and which filling of the shared counters does not know of it. */
interface Known extends Pick<Once, 'filling'> {
  lines: readonly Line[]
  atMs: number
}

interface Untold extends Once {
  entries: readonly Entry[]
}

const tellEveryMs = 1_000

/**
 * What this process counts by itself while the shared store is away: what its budgets let through meanwhile. When the
 * shared store is there again it is told of all that was spent here, once for each call, and that room is free again
 * here. Where its counters were made anew from the ledger in the meantime, they have it from there: calls are on record
 * before they cost anything, and none is made by this store any more while the ledger is read.
 */
export class LoneStore {
  readonly #options: LoneStoreOptions
  readonly #store = new MemoryLimitStore()
  readonly #known = new Map<string, Known>()
  #untold: Untold[] = []
  #isTelling = false

  constructor(options: LoneStoreOptions) {
    this.#options = options
  }

  reserve(id: string, lines: readonly Line[], nowMs: number): Outcome {
    const outcome = this.#store.reserve(id, lines, nowMs)
    if (outcome.ok) this.#known.set(id, { lines, atMs: nowMs, filling: this.#options.shared.filling })
    return outcome
  }

  amend(id: string, lines: readonly Line[], nowMs: number): Outcome {
    const outcome = this.#store.amend(id, lines, nowMs)
    const known = this.#known.get(id)
    if (outcome.ok && known) known.lines = lines
    return outcome
  }

  settle(id: string, taken: readonly Taken[], nowMs: number): void {
    this.#store.settle(id, taken, nowMs)
    const known = this.#known.get(id)
    if (!known) return
    this.#known.delete(id)
    const { atMs, filling, lines } = known
    const amounts = new Map(taken.map(({ key, amount }) => [key, amount]))
    const entries = lines
      .filter(({ isLease, key }) => !isLease && amounts.get(key))
      .map(({ key, rolling, endsAtMs }) => ({ key, rolling, endsAtMs, amount: amounts.get(key) ?? 0n, atMs }))
    if (entries.length === 0) return
    this.#untold.push({ mark: id, filling, entries })
    this.#tellLater()
  }

  read(...asked: Parameters<MemoryLimitStore['read']>): ReturnType<MemoryLimitStore['read']> {
    return this.#store.read(...asked)
  }

  add(entries: readonly Entry[], nowMs: number): void {
    this.#store.add(entries, nowMs)
  }

  #tellLater(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    this.#options.clock.after(tellEveryMs, () => void this.#tell())
  }

  async #tell(): Promise<void> {
    const { shared, clock, log } = this.#options
    try {
      for (let next = this.#untold[0]; next; next = this.#untold[0]) {
        const nowMs = clock.now()
        await shared.add(next.entries, nowMs, next)
        this.#untold.shift()
        const back = next.entries.map(entry => ({ ...entry, amount: -entry.amount }))
        this.#store.add(back, nowMs)
      }
    } catch (cause) {
      if (!(cause instanceof LimitStoreAway)) {
        this.#untold.shift() // it would stand in the way of all others
        log.error({ err: cause }, 'what was spent while the store of budgets was away is not counted')
      }
    } finally {
      this.#isTelling = false
      if (this.#untold.length > 0) this.#tellLater()
    }
  }
}
