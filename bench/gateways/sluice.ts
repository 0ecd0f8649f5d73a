import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Contestant, Launch, Seat } from '../contestant.ts'

const program = fileURLToPath(new URL('../../src/roles/sluice.ts', import.meta.url))
const key = 'sk-bench-not-a-secret-only-for-loopback'

/** Sluice as a user starts it, with a configuration file and the embedded store. */
export const sluice: Contestant = {
  name: 'sluice',
  does: 'virtual key checked, call on durable record before it is sent, usage tapped, priced; embedded store',
  model: 'fast',
  headers: () => [`authorization: Bearer ${key}`],
  launch: seat => launch(seat, 'openai'),
  eventLoopDelay: { path: '/metrics', metric: 'nodejs_eventloop_lag_p99_seconds' },
}

/** The same for a provider of another dialect: request, answer and every chunk of a stream are translated. */
export const translating: Contestant = {
  ...sluice,
  name: 'translating',
  does: 'sluice for an OpenAI client before an Anthropic provider: everything of the above, and translated',
  launch: seat => launch(seat, 'anthropic'),
}

function launch(seat: Seat, dialect: 'openai' | 'anthropic'): Launch {
  return launchWith(seat, '', dialect)
}

/** With further lines of configuration. */
export function launchWith(seat: Seat, more: string, dialect: 'openai' | 'anthropic' = 'openai'): Launch {
  const config = join(seat.folder, 'sluice.yaml')
  writeFileSync(config, `${configuration(seat.upstream, dialect)}${more}`)
  const data = join(seat.folder, 'data')
  const port = String(seat.port)
  return {
    command: process.execPath,
    // As the start script of package.json does; see docs/decisions/2026-11-21-memory-flags.md.
    args: ['--max-semi-space-size=32', program, 'serve', '--config', config, '--port', port, '--data', data],
    env: { NODE_ENV: 'production', MALLOC_ARENA_MAX: '2' },
  }
}

function configuration(upstream: string, dialect: string): string {
  return `providers:
  up: { dialect: ${dialect}, base_url: ${upstream}/v1, api_key: x }
prices:
  up/gpt-5-mini: { input: 0.25, output: 2.00 }
models:
  fast: { targets: [up/gpt-5-mini] }
keys:
  - { name: bench, key: ${key}, organization: acme, project: shop }
`
}
