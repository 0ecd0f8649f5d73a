import type { Counted, CounterRef, Entry, LimitStore } from '#limits'
import type { Clock } from '#platform'
import type { Line, Outcome, Soon, Taken } from '../src/limits/store.ts'
import type { LawBook } from './laws.ts'

interface Hold {
  atMs: number
  lines: readonly Line[]
}

/** A store of counters, and beside it somebody who counts by what was granted and settled, in his own way. */
export class WatchedLimitStore implements LimitStore {
  readonly #store: LimitStore
  readonly #book: LawBook
  readonly #clock: Clock
  readonly #holds = new Map<string, Hold>()
  readonly #spent = new Map<string, { atMs: number; amount: bigint }[]>()
  /** When a call last let go of something. */
  letGoMs = Number.NEGATIVE_INFINITY

  constructor(store: LimitStore, { book, clock }: { book: LawBook; clock: Clock }) {
    this.#store = store
    this.#book = book
    this.#clock = clock
  }

  /** Calls that hold anything. */
  get holds(): number {
    return this.#holds.size
  }

  get holders(): string[] {
    return [...this.#holds.keys()]
  }

  reserve(id: string, lines: readonly Line[], nowMs: number): Soon<Outcome> {
    const outcome = atOnce(this.#store.reserve(id, lines, nowMs))
    if (outcome.ok) this.#grant(id, lines, nowMs)
    return outcome
  }

  amend(id: string, lines: readonly Line[], nowMs: number): Soon<Outcome> {
    const outcome = atOnce(this.#store.amend(id, lines, nowMs))
    if (outcome.ok) this.#grant(id, lines, nowMs)
    return outcome
  }

  settle(id: string, taken: readonly Taken[], nowMs: number): Soon<void> {
    atOnce(this.#store.settle(id, taken, nowMs))
    const hold = this.#holds.get(id)
    if (!hold) return
    this.#holds.delete(id)
    this.letGoMs = this.#clock.now()
    for (const { key, amount } of taken) this.#spend(key, amount, hold.atMs)
  }

  read(counters: readonly CounterRef[], nowMs: number): Soon<readonly Counted[]> {
    return this.#store.read(counters, nowMs)
  }

  add(entries: readonly Entry[], nowMs: number): Soon<void> {
    atOnce(this.#store.add(entries, nowMs))
    for (const { key, amount, atMs } of entries) this.#spend(key, amount, atMs)
  }

  /** By calls that have ended, of a counter that forgets what is longer ago than `windowMs`. */
  spentOf(key: string, { nowMs, windowMs }: { nowMs: number; windowMs: number | undefined }): bigint {
    const fromMs = windowMs === undefined ? Number.NEGATIVE_INFINITY : nowMs - windowMs
    const counted = (this.#spent.get(key) ?? []).filter(({ atMs }) => atMs > fromMs)
    return counted.reduce((sum, { amount }) => sum + amount, 0n)
  }

  /** By calls under way, but for one. */
  heldOf(key: string, exceptId?: string): bigint {
    let sum = 0n
    for (const [id, { lines }] of this.#holds)
      if (id !== exceptId) sum += lines.find(line => line.key === key)?.amount ?? 0n
    return sum
  }

  /** Whether a call holds anything, of that counter if one is named. */
  holdsFor(id: string, key?: string): boolean {
    const hold = this.#holds.get(id)
    return hold !== undefined && (key === undefined || hold.lines.some(line => line.key === key))
  }

  #grant(id: string, lines: readonly Line[], nowMs: number): void {
    const before = this.#holds.get(id)
    const copied = lines.map(line => ({ ...line })) // its owner adds to them later
    this.#holds.set(id, { atMs: before?.atMs ?? nowMs, lines: copied })
    const now = { nowMs: this.#clock.now() }
    for (const { key, most, amount, rolling } of copied) {
      const had = before?.lines.find(line => line.key === key)?.amount ?? 0n
      if (most === undefined || amount <= had) continue // a budget may have shrunk since
      const spent = this.spentOf(key, { ...now, windowMs: rolling?.windowMs })
      const held = this.heldOf(key)
      this.#book.check(
        spent + held <= most,
        'a counter stays within its limit',
        () => `${id} was granted ${amount} of ${key}: ${spent} spent and ${held} held, of ${most}`,
      )
    }
  }

  #spend(key: string, amount: bigint, atMs: number): void {
    if (amount === 0n) return
    const entries = this.#spent.get(key)
    if (entries) entries.push({ atMs, amount })
    else this.#spent.set(key, [{ atMs, amount }])
  }
}

function atOnce<T>(soon: Soon<T>): T {
  if (soon instanceof Promise) throw new Error('the store of one process answers at once')
  return soon
}
