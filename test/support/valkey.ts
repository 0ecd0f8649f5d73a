import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Redis } from 'iovalkey'
import { atEnd } from './cleanup.ts'
import { eventually } from './eventually.ts'

/**
 * A real Valkey that tests share, each under names of its own. Undefined where `SLUICE_TEST_VALKEY_URL` names none;
 * `npm test` says then that this part was not run.
 */
export const sharedValkey = process.env.SLUICE_TEST_VALKEY_URL

/** A reason to leave out what needs a Valkey, for `describe` and `it`. */
export const withoutValkey = sharedValkey ? false : 'SLUICE_TEST_VALKEY_URL does not name a real Valkey'

const script = fileURLToPath(new URL('../../scripts/test-valkey.sh', import.meta.url))

/** One more Valkey, which a test may kill and start again. */
export interface OwnValkey {
  readonly url: string
  /** One command, over a connection of its own. */
  command(name: string, ...words: string[]): Promise<unknown>
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>
  /** With what it kept on disk, if its settings make it keep anything. */
  start(): Promise<void>
}

/** By `scripts/test-valkey.sh run`: on Debian and as root. */
export async function ownValkey(...settings: string[]): Promise<OwnValkey> {
  const name = `own-${randomBytes(6).toString('hex')}`
  const port = await freePort()
  const server = { run: run(name, port, settings) }
  // The runner ends a file that hangs by a signal, and would leave our child behind.
  process.once('exit', () => server.run.kill('SIGKILL'))
  const own: OwnValkey = {
    url: `valkey://127.0.0.1:${port}`,
    async command(command, ...words) {
      const client = new Redis({ port, lazyConnect: true, retryStrategy: () => null })
      client.on('error', () => undefined)
      try {
        await client.connect()
        return await client.call(command, ...words)
      } finally {
        client.disconnect()
      }
    },
    async signal(signal) {
      server.run.kill(signal)
      if (signal === 'SIGKILL') await once(server.run, 'exit')
    },
    async start() {
      server.run = run(name, port, settings)
      await isUp()
    },
  }
  const isUp = async (): Promise<void> => {
    await eventually('the Valkey answers', async () => (await own.command('ping').catch(() => '')) === 'PONG')
  }
  atEnd(async () => {
    if (server.run.exitCode !== null || server.run.signalCode !== null) return
    server.run.kill('SIGKILL')
    await once(server.run, 'exit')
  })
  await isUp()
  return own
}

function run(name: string, port: number, settings: readonly string[]) {
  const words = ['run', name, '--port', String(port), '--loglevel', 'warning', ...settings]
  return spawn(script, words, { stdio: ['ignore', 'ignore', 'inherit'] })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address ? address.port : 0
}
