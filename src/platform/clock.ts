/** Time, handed in: a test turns it by hand, a simulation runs a day of it in a second. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds since some fixed point, never going back; for durations. */
  monotonic(): number
  /** Runs `work` once after `ms`, 0: when what has happened by now has been dealt with. The returned function cancels it. */
  after(ms: number, work: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, work) {
    if (ms <= 0) {
      const immediate = setImmediate(work) // a timer of 0 ms waits for one
      return () => clearImmediate(immediate)
    }
    const timer = setTimeout(work, ms)
    return () => clearTimeout(timer)
  },
}
