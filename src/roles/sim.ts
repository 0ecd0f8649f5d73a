import { createLog, systemClock } from '#platform'
import { createSimulator, type Simulator } from '#simulator'
import { StartError } from './start-error.ts'

const defaultPort = 4010

/** Runs the simulator alone, as a provider for this or any other program. */
export async function simulate(options: {
  host: string | undefined
  port: number | undefined
  seed: string | undefined
}): Promise<Simulator> {
  const log = createLog('warn')
  const simulator = createSimulator({ seed: options.seed ?? 'sluice', clock: systemClock, log })
  try {
    const { url } = await simulator.listen({
      host: options.host ?? '127.0.0.1',
      port: options.port ?? defaultPort,
    })
    process.stdout.write(`Simulator is ready at ${url}\nIts bill: ${new URL('/bill', url)}\n`)
    return simulator
  } catch (cause) {
    throw new StartError(
      `The simulator cannot listen: ${cause instanceof Error ? cause.message : String(cause)}`,
    )
  }
}
