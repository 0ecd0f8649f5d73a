import type { Clock } from './clock.ts'
import type { EgressRefusal } from './egress.ts'

export interface Deadline {
  /** Work that ends in time, when `given` is aborted, and on `close`; what has an answer by then keeps it. */
  within<Done extends { ok: true }>(
    given: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<Done | EgressRefusal>,
  ): Promise<Done | EgressRefusal>
  /** Gives up all work under way, and waits for its end. */
  close(): Promise<void>
}

export function createDeadline({ clock, timeoutMs }: { clock: Clock; timeoutMs: number }): Deadline {
  const underWay = new Map<AbortController, Promise<unknown>>()
  return {
    async within(given, work) {
      if (given?.aborted) return givenUp
      const end = new AbortController()
      const giveUp = (): void => end.abort(givenUp)
      const stopTimer = clock.after(timeoutMs, () => end.abort(tookTooLong(timeoutMs)))
      given?.addEventListener('abort', giveUp, { once: true })
      try {
        const working = work(end.signal)
        underWay.set(end, working)
        const result = await working
        return result.ok || !end.signal.aborted ? result : (end.signal.reason as EgressRefusal)
      } finally {
        underWay.delete(end)
        stopTimer()
        given?.removeEventListener('abort', giveUp)
      }
    },
    async close() {
      for (const end of underWay.keys()) end.abort(givenUp)
      await Promise.allSettled(underWay.values())
    },
  }
}

const givenUp: EgressRefusal = {
  ok: false,
  code: 'unreachable',
  reason: 'The fetch was given up before it had ended.',
}

function tookTooLong(timeoutMs: number): EgressRefusal {
  const reason = `The address did not give a whole answer within ${timeoutMs / 1_000} seconds.`
  return { ok: false, code: 'timeout', reason }
}
