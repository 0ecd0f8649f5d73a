import type { Clock } from './clock.ts'
import type { Log } from './log.ts'

export interface RepeatOptions {
  /** From the end of one to the beginning of the next. */
  waitMs: number | (() => number)
  /** What the log says when it fails: `upkeep of the call log failed`. It is tried again in any case. */
  failed: string
}

/** Does `work` again and again until the returned function is called, which waits for the end of what is being done. */
export function repeat(
  { clock, log }: { clock: Clock; log: Log },
  { waitMs, failed }: RepeatOptions,
  work: () => Promise<unknown>,
): () => Promise<void> {
  let stopped = false
  let cancel: () => void = () => undefined
  let running: Promise<unknown> | undefined
  const again = (): void => {
    if (!stopped) cancel = clock.after(typeof waitMs === 'number' ? waitMs : waitMs(), run)
  }
  const run = (): void => {
    running = work()
      .catch(cause => log.error({ err: cause }, `${failed}; it is tried again`))
      .finally(again)
  }
  again()
  return async () => {
    stopped = true
    cancel()
    await running
  }
}
