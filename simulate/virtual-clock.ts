import type { Clock } from '#platform'

interface Timer {
  dueMs: number
  /** Timers of one moment run in the order in which they were set. */
  n: number
  /** Undefined once it was cancelled. */
  work: (() => void) | undefined
}

/** The event loop looks at the real world (a system call) only after so many. */
const stepsOfTurn = 200

const epochMs = Date.UTC(2026, 2, 14)

/**
 * Time that stands still while anything is done, and then goes to the next timer: an hour in which nothing happens
 * takes none. Nothing here waits for the real world, so the same timers come in the same order on every machine.
 */
export class VirtualClock implements Clock {
  readonly #heap: Timer[] = []
  #ms = 0
  #count = 0

  now(): number {
    return epochMs + Math.floor(this.#ms)
  }

  monotonic(): number {
    return this.#ms
  }

  after(ms: number, work: () => void): () => void {
    const timer: Timer = { dueMs: this.#ms + Math.max(0, ms), n: this.#count, work }
    this.#count += 1
    this.#push(timer)
    return () => {
      timer.work = undefined
    }
  }

  /** The same time for a process, which can die: then none of its timers comes any more. */
  branch(): Clock & { kill(): void } {
    let isAlive = true
    return {
      now: () => this.now(),
      monotonic: () => this.monotonic(),
      after: (ms, work) =>
        this.after(ms, () => {
          if (isAlive) work()
        }),
      kill() {
        isAlive = false
      },
    }
  }

  /** Goes on until `isOver`, or until nothing is left that could happen. */
  async run(isOver: () => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      let isDone = false
      const end = (tell: () => void): void => {
        isDone = true
        tell()
      }
      // What a timer sets off runs to its end (promises and all) before the event loop comes to the next immediate.
      const step = (): void => {
        if (isDone) return
        const timer = isOver() ? undefined : this.#take()
        if (!timer?.work) return end(resolve)
        this.#ms = timer.dueMs
        try {
          timer.work()
        } catch (cause) {
          end(() => reject(cause))
        }
      }
      const turn = (): void => {
        if (isDone) return
        for (let n = 0; n < stepsOfTurn; n += 1) setImmediate(step)
        setImmediate(turn)
      }
      turn()
    })
  }

  /** The next timer that was not cancelled. */
  #take(): Timer | undefined {
    for (;;) {
      const first = this.#heap[0]
      if (!first) return undefined
      const last = this.#heap.pop()
      if (last && last !== first) this.#sink(last)
      if (first.work) return first
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    let at = heap.length
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = heap[up]
      if (!parent || !isBefore(timer, parent)) break
      heap[at] = parent
      at = up
    }
    heap[at] = timer
  }

  /** Puts a timer in the place of the first, and from there where it belongs. */
  #sink(timer: Timer): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]]
      if (!left) break
      const [child, down] = right && isBefore(right, left) ? [right, 2 * at + 2] : [left, 2 * at + 1]
      if (!isBefore(child, timer)) break
      heap[at] = child
      at = down
    }
    heap[at] = timer
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.n < b.n)
}
