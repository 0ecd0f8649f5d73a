import type { Chance, Clock } from '#platform'

/** What is due at the same moment happens in the order in which it was asked for. */
interface Timer {
  atMs: number
  n: number
  work: () => void
}

/** Time that stands still until it is told to go on; hours of it take as long as the work that is done in them. */
export class VirtualClock implements Clock {
  #nowMs = 0
  #made = 0
  readonly #timers = new Set<Timer>()

  /** A time of day; `monotonic` begins at 0. */
  now(): number {
    return 1_773_446_400_000 + this.#nowMs
  }

  monotonic(): number {
    return this.#nowMs
  }

  after(ms: number, work: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, ms), n: this.#made++, work }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Timers that nobody has stopped and that have not run. */
  get timers(): number {
    return this.#timers.size
  }

  /** Lets this much time pass, and all that happens in it. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settled()
    for (let due = this.#due(untilMs); due.length > 0; due = this.#due(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, due[0]?.atMs ?? 0)
      for (const timer of due) if (this.#timers.delete(timer)) timer.work()
      await settled()
    }
    this.#nowMs = untilMs
  }

  /** Lets time pass until this has come about. */
  async passUntil<T>(promise: Promise<T>): Promise<T> {
    let over = false
    const done = (): void => {
      over = true
    }
    promise.then(done, done)
    await settled()
    while (!over) {
      const next = Math.min(...[...this.#timers].map(({ atMs }) => atMs))
      if (next === Number.POSITIVE_INFINITY)
        throw new Error('Nothing is due any more, and it has not come about')
      await this.pass(next - this.#nowMs)
    }
    return await promise
  }

  /** Those of the next moment at which anything is due. */
  #due(untilMs: number): Timer[] {
    let due: Timer[] = []
    for (const timer of this.#timers) {
      const [first] = due
      if (timer.atMs > untilMs || (first && timer.atMs > first.atMs)) continue
      if (first && timer.atMs < first.atMs) due = []
      due.push(timer)
    }
    return due.toSorted((a, b) => a.n - b.n)
  }
}

/** All that follows from what has happened, without time. */
export function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** Chance that repeats with its seed: the minimal standard generator of Park and Miller. */
export function seededChance(seed: number): Chance {
  let state = (Math.abs(Math.trunc(seed)) % 2_147_483_646) + 1
  const random = (): number => {
    state = (state * 48_271) % 2_147_483_647
    return (state - 1) / 2_147_483_646
  }
  for (let warm = 0; warm < 5; warm++) random() // near seeds begin near each other
  return {
    random,
    bytes: count => Buffer.from(Array.from({ length: count }, () => Math.floor(random() * 256))),
  }
}
