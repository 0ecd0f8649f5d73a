import { assert, type Presence } from '#exchange'
import type { Clock } from '#platform'

interface Waiter {
  resolve(why: 'woken' | 'late' | 'gone'): void
}

export interface WaitOptions {
  forMs: number
  presence: Presence
  /** Has waited before, and goes before those who came later. */
  again: boolean
}

/** Who does not fit is not the only one to be asked: a few behind it may want less. */
const wokenAtOnce = 4

/**
 * Calls that wait until others let go of what they hold, a line for each counter. Whoever lets go wakes the first;
 * who finds room wakes the next.
 */
export class Waiters {
  readonly #clock: Clock
  /**
   * Other processes let go of things too, and tell nobody: the first of each line looks again after so long. Undefined:
   * there are none.
   */
  readonly #lookAgainMs: number | undefined
  readonly #lines = new Map<string, Waiter[]>()

  constructor(clock: Clock, lookAgainMs: number | undefined) {
    this.#clock = clock
    this.#lookAgainMs = lookAgainMs
  }

  get waiting(): number {
    let sum = 0
    for (const line of this.#lines.values()) sum += line.length
    return sum
  }

  /** Resolves when there may be room (`woken`), when the time is up, or when nobody waits for it any more. */
  wait(key: string, { forMs, presence, again }: WaitOptions): Promise<'woken' | 'late' | 'gone'> {
    return new Promise(resolve => {
      const waiter: Waiter = {
        resolve: why => {
          stop()
          this.#leave(key, waiter)
          resolve(why)
        },
      }
      const stop = this.#clock.after(forMs, () => waiter.resolve('late'))
      const line = this.#lines.get(key)
      if (!line) this.#begin(key, waiter)
      else if (again) line.unshift(waiter)
      else line.push(waiter)
      presence.onGone(() => waiter.resolve('gone'))
    })
  }

  /** There is more room in these counters. */
  wake(keys: Iterable<string>): void {
    if (this.#lines.size === 0) return
    for (const key of keys)
      for (const waiter of this.#lines.get(key)?.slice(0, wokenAtOnce) ?? []) waiter.resolve('woken')
  }

  #begin(key: string, first: Waiter): void {
    const line = [first]
    this.#lines.set(key, line)
    if (this.#lookAgainMs !== undefined) this.#lookAgain(key, { line, inMs: this.#lookAgainMs })
  }

  #lookAgain(key: string, { line, inMs }: { line: Waiter[]; inMs: number }): void {
    this.#clock.after(inMs, () => {
      if (this.#lines.get(key) !== line) return
      this.#lookAgain(key, { line, inMs })
      line[0]?.resolve('woken')
    })
  }

  #leave(key: string, waiter: Waiter): void {
    const line = this.#lines.get(key)
    const at = line?.indexOf(waiter) ?? -1
    if (!line || at < 0) return
    line.splice(at, 1)
    if (line.length === 0) this.#lines.delete(key)
    assert(!line.includes(waiter), 'nobody waits twice')
  }
}
