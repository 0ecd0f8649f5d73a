import { systemClock } from '#platform'

/** Under `npm start`, Ctrl-C arrives twice: from the terminal, and passed on by npm. */
const echoMs = 1_000

/** The first signal ends in order, the second at once. */
export function stopOnSignal(stop: () => Promise<void>): void {
  let stoppingSinceMs: number | undefined
  const onSignal = (): void => {
    if (stoppingSinceMs !== undefined) {
      if (systemClock.monotonic() - stoppingSinceMs > echoMs) process.exit(130)
      return
    }
    stoppingSinceMs = systemClock.monotonic()
    stop().then(
      () => process.exit(0),
      cause => {
        console.error(cause)
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
}
