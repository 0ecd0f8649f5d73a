import type { Clock, Log } from '#platform'

/** Does `work` again and again until the returned function is called, which waits for the end of what is being done. */
export function repeat(
  { clock, log, what }: { clock: Clock; log: Log; what: string },
  everyMs: number,
  work: () => Promise<unknown>,
): () => Promise<void> {
  let stopped = false
  let cancel: () => void = () => undefined
  let running: Promise<unknown> | undefined
  const again = (): void => {
    if (!stopped) cancel = clock.after(everyMs, run)
  }
  const run = (): void => {
    running = work()
      .catch(cause => log.error({ err: cause }, `upkeep of ${what} failed; it is tried again`))
      .finally(again)
  }
  again()
  return async () => {
    stopped = true
    cancel()
    await running
  }
}
