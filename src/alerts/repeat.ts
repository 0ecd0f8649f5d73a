import type { Clock, Log } from '#platform'

/** Does `work` again and again until the returned function is called, which waits for the end of what is being done. */
export function repeat(
  { clock, log }: { clock: Clock; log: Log },
  { waitMs, what }: { waitMs(): number; what: string },
  work: () => Promise<void>,
): () => Promise<void> {
  let stopped = false
  let cancel: () => void = () => undefined
  let running: Promise<void> | undefined
  const again = (): void => {
    if (!stopped) cancel = clock.after(waitMs(), run)
  }
  const run = (): void => {
    running = work()
      .catch(cause => log.error({ err: cause }, `${what} failed; it is tried again`))
      .finally(again)
  }
  again()
  return async () => {
    stopped = true
    cancel()
    await running
  }
}
