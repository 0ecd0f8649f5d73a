import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

/** How much this process has to do, handed in: a test presses as it likes. */
export interface Pressure {
  /** By how much the event loop was late for whoever came since the last look, on average, in milliseconds. */
  takeLoopDelayMs(): number
  /** The part of the memory it may have that is used, from 0 on. */
  memoryShare(): number
}

/** The delay is told on top of the interval it is looked at, in milliseconds. */
const resolution = 10

/**
 * Of this process. Memory is bounded by V8's own limit on its heap, and by what the operating system gives the process
 * (a container's limit; its whole memory where there is none).
 */
export function createPressure(): Pressure {
  const delay = monitorEventLoopDelay({ resolution })
  delay.enable()
  return {
    takeLoopDelayMs() {
      const { count, mean, stddev } = delay
      delay.reset()
      // Each turn counts by its length: short turns are many, but whoever comes meets a long one.
      return count === 0 ? 0 : Math.max((mean + stddev ** 2 / mean) / 1e6 - resolution, 0)
    },
    memoryShare() {
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
      const given = process.constrainedMemory()
      return Math.max(used / limit, given > 0 ? process.memoryUsage.rss() / given : 0)
    },
  }
}
