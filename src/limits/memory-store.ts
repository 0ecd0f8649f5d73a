import { assert } from '#exchange'
import { Registry } from './registry.ts'
import type { Counted, CounterRef, Entry, LimitStore, Line, Outcome, Refused, Taken } from './store.ts'
import type { Rolling } from './window.ts'

/** Counters of windows that are over are forgotten now and then. */
const sweepEveryMs = 60_000

interface Hold {
  atMs: number
  parts: { counter: Counter; amount: bigint }[]
}

/**
 * Counters of one process, in its memory: what it forgets when it ends is in the ledger. Every step is done when it
 * returns.
 */
export class MemoryLimitStore implements LimitStore {
  readonly #counters = new Map<string, Counter>()
  readonly #holds = new Registry<Hold>()
  #sweepAtMs = 0

  /** Calls that hold anything. */
  get holds(): number {
    return this.#holds.size
  }

  reserve(id: string, lines: readonly Line[], nowMs: number): Outcome {
    assert(!this.#holds.has(id), 'a call reserves once, and then amends')
    this.#sweep(nowMs)
    const counters = this.#countersOf(lines, nowMs)
    const refused = refusal(lines, counters, { before: () => 0n, nowMs })
    if (refused) return refused
    const parts = lines.map(({ amount }, n) => partOf(counters[n], amount))
    this.#holds.set(id, { atMs: nowMs, parts })
    for (const { counter, amount } of parts) counter.hold(amount)
    return { ok: true, counted: counters.map(counter => counter.counted) }
  }

  amend(id: string, lines: readonly Line[], nowMs: number): Outcome {
    const hold = this.#holds.get(id)
    assert(hold, 'only what is held can be amended')
    const counters = this.#countersOf(lines, nowMs)
    const before = (counter: Counter): bigint =>
      hold.parts.find(part => part.counter === counter)?.amount ?? 0n
    const refused = refusal(lines, counters, { before, nowMs })
    if (refused) return refused
    for (const { counter, amount } of hold.parts) counter.hold(-amount)
    hold.parts = lines.map(({ amount }, n) => partOf(counters[n], amount))
    for (const { counter, amount } of hold.parts) counter.hold(amount)
    return { ok: true, counted: counters.map(counter => counter.counted) }
  }

  settle(id: string, taken: readonly Taken[], nowMs: number): void {
    const hold = this.#holds.get(id)
    if (!hold) return
    this.#holds.delete(id)
    for (const { counter, amount } of hold.parts) {
      counter.hold(-amount)
      const spent = taken.find(({ key }) => key === counter.key)?.amount ?? 0n
      if (spent !== 0n) counter.spend(spent, hold.atMs, nowMs)
    }
  }

  read(counters: readonly CounterRef[], nowMs: number): readonly Counted[] {
    return counters.map(({ key }) => {
      const counter = this.#counters.get(key)
      counter?.forget(nowMs)
      return counter?.counted ?? { spent: 0n, held: 0n }
    })
  }

  add(entries: readonly Entry[], nowMs: number): void {
    for (const entry of entries) this.#counterOf(entry, nowMs).spend(entry.amount, entry.atMs, nowMs)
  }

  #countersOf(lines: readonly Line[], nowMs: number): Counter[] {
    return lines.map(line => this.#counterOf(line, nowMs))
  }

  #counterOf(ref: CounterRef, nowMs: number): Counter {
    const known = this.#counters.get(ref.key)
    if (known) {
      known.forget(nowMs)
      return known
    }
    const made = new Counter(ref)
    this.#counters.set(ref.key, made)
    return made
  }

  #sweep(nowMs: number): void {
    if (nowMs < this.#sweepAtMs && this.#sweepAtMs - nowMs <= sweepEveryMs) return
    this.#sweepAtMs = nowMs + sweepEveryMs
    for (const [key, counter] of this.#counters) if (counter.isOver(nowMs)) this.#counters.delete(key)
  }
}

/** What one counter has counted. */
class Counter {
  readonly key: string
  readonly endsAtMs: number
  readonly #rolling: Rolling | undefined
  /** What was spent by bucket, oldest first. */
  readonly #buckets: { n: number; amount: bigint }[] = []
  #spent = 0n
  #held = 0n

  constructor({ key, rolling, endsAtMs }: CounterRef) {
    this.key = key
    this.#rolling = rolling
    this.endsAtMs = endsAtMs
  }

  get counted(): Counted {
    return { spent: this.#spent, held: this.#held }
  }

  hold(amount: bigint): void {
    this.#held += amount
    assert(this.#held >= 0n, 'nobody lets go of more than is held')
  }

  spend(amount: bigint, atMs: number, nowMs: number): void {
    const rolling = this.#rolling
    if (rolling) {
      const n = Math.floor(atMs / rolling.bucketMs)
      if (isPast(n, rolling, nowMs)) return
      const at = this.#buckets.findLastIndex(bucket => bucket.n <= n)
      const bucket = this.#buckets[at]
      if (bucket?.n === n) bucket.amount += amount
      else this.#buckets.splice(at + 1, 0, { n, amount })
    }
    this.#spent += amount
  }

  /** Forgets what is out of the window. */
  forget(nowMs: number): void {
    const rolling = this.#rolling
    if (!rolling) return
    for (let first = this.#buckets[0]; first && isPast(first.n, rolling, nowMs); first = this.#buckets[0]) {
      this.#spent -= first.amount
      this.#buckets.shift()
    }
  }

  /** When there is room for so much more, if nobody takes any in the meantime; undefined: no time alone makes it. */
  opensInMs(room: bigint, nowMs: number): number | undefined {
    const rolling = this.#rolling
    if (!rolling) {
      const isEnough = this.#held <= room && Number.isFinite(this.endsAtMs)
      return isEnough ? Math.max(1, this.endsAtMs - nowMs) : undefined
    }
    let left = this.#spent + this.#held
    for (const { n, amount } of this.#buckets) {
      left -= amount
      if (left <= room) return Math.max(1, pastAtMs(n, rolling) - nowMs)
    }
    return undefined
  }

  isOver(nowMs: number): boolean {
    this.forget(nowMs)
    if (this.#held !== 0n) return false
    return this.#spent === 0n || nowMs > this.endsAtMs
  }
}

/** The first step that has no room; nothing is changed. */
function refusal(
  lines: readonly Line[],
  counters: readonly Counter[],
  { before, nowMs }: { before(counter: Counter): bigint; nowMs: number },
): Refused | undefined {
  for (let n = 0; n < lines.length; n += 1) {
    const [line, counter] = [lines[n], counters[n]]
    if (!line || !counter || line.most === undefined) continue
    const { most, amount } = line
    const { spent, held } = counter.counted
    const more = amount - before(counter)
    if (more <= 0n || spent + held + more <= most) continue
    const because = spent + more <= most ? 'held' : 'spent'
    return {
      ok: false,
      line: n,
      counted: counters.map(one => one.counted),
      because,
      opensInMs: because === 'held' || more > most ? undefined : counter.opensInMs(most - more, nowMs),
    }
  }
  return undefined
}

function partOf(counter: Counter | undefined, amount: bigint): { counter: Counter; amount: bigint } {
  assert(counter, 'every line has its counter')
  return { counter, amount }
}

function pastAtMs(n: number, { windowMs, bucketMs }: Rolling): number {
  return (n + 1) * bucketMs + windowMs
}

function isPast(n: number, rolling: Rolling, nowMs: number): boolean {
  return pastAtMs(n, rolling) <= nowMs
}
