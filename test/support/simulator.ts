import assert from 'node:assert/strict'
import { temporaryFolder } from './cleanup.ts'
import { startProgram } from './program.ts'

export interface Simulator {
  /** `http://127.0.0.1:PORT/v1`: goes into `base_url` as it is. */
  url: string
  /** What it was asked and what it produced, by request, as `GET /bill` says. */
  bill(): Promise<unknown>
  stop(): Promise<void>
}

/** Runs `sluice sim` on a free port: a provider that answers the same for the same seed. */
export async function startSimulator(
  options: { seed?: number | string; args?: readonly string[] } = {},
): Promise<Simulator> {
  const seed = options.seed === undefined ? [] : ['--seed', String(options.seed)]
  const args = ['sim', '--port', '0', ...seed, ...(options.args ?? [])]
  const program = startProgram({ args, folder: await temporaryFolder() })
  const [, url = ''] = await program.says(/^Simulator is ready at (http:\/\/\S+\/v1)/m)
  return {
    url,
    async bill() {
      const answer = await fetch(new URL('/bill', url))
      assert.equal(answer.status, 200, 'the simulator gives its bill')
      return await answer.json()
    },
    async stop() {
      await program.stop()
    },
  }
}
