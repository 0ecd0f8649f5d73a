import type { Clock } from './clock.ts'

interface Waiting {
  untilMs: number
  /** Undefined: it was over in time. */
  late: (() => void) | undefined
}

/** Deadlines that are all equally far away: one timer for all of them, and none while nobody waits. */
export interface Deadlines {
  /** Calls `late` when the time is up, unless the returned function was called before. */
  begin(late: () => void): () => void
  stop(): void
}

/**
 * What has come in by the time that a deadline is looked at still counts: a process that was busy for longer than the
 * deadline would otherwise find all its answers late, with the answers lying in its sockets.
 */
export function createDeadlines(clock: Clock, timeoutMs: number): Deadlines {
  let waiting: Waiting[] = []
  let stopTimer: (() => void) | undefined

  const arm = (): void => {
    const first = waiting[0]
    if (!first) return
    const inMs = Math.max(1, Math.ceil(first.untilMs - clock.monotonic()))
    stopTimer = clock.after(inMs, () => {
      stopTimer = clock.after(0, look)
    })
  }
  const look = (): void => {
    stopTimer = undefined
    const nowMs = clock.monotonic()
    const late: Waiting[] = []
    waiting = waiting.filter(one => {
      if (one.late && one.untilMs <= nowMs) late.push(one)
      return one.late && one.untilMs > nowMs
    })
    for (const one of late) one.late?.()
    if (!stopTimer) arm()
  }

  return {
    begin(late) {
      const one: Waiting = { untilMs: clock.monotonic() + timeoutMs, late }
      waiting.push(one)
      if (!stopTimer) arm()
      return () => {
        one.late = undefined
      }
    },
    stop() {
      stopTimer?.()
      stopTimer = undefined
      waiting = []
    },
  }
}
