import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runToEnd } from '../child.ts'
import type { Contestant } from '../contestant.ts'

const version = '1.15.2'
const folder = fileURLToPath(new URL(`../.cache/portkey/${version}/`, import.meta.url))
const program = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js')

// The gateway's own lock file has these; newer ones, which its ranges allow, answer every stream with a 500.
const manifest = {
  private: true,
  dependencies: { '@portkey-ai/gateway': version },
  overrides: { '@hono/node-server': '1.13.5', hono: '4.9.7', '@hono/node-ws': '1.2.0' },
}

/** Portkey's gateway from npm, 1.15.2. It can neither check a key nor keep a record by itself. */
export const portkey: Contestant = {
  name: 'portkey',
  does: `npm package ${version}, one process, --headless; no auth, no record, no price: it has none by itself`,
  model: 'gpt-5-mini',
  headers: seat => [
    'authorization: Bearer x',
    'x-portkey-provider: openai',
    `x-portkey-custom-host: ${seat.upstream}/v1`,
  ],
  prepare,
  launch: seat => ({
    command: process.execPath,
    args: [program, '--headless', `--port=${seat.port}`],
    env: { NODE_ENV: 'production' },
  }),
}

async function prepare(say: (line: string) => void): Promise<undefined> {
  if (existsSync(program)) return undefined
  say(`installing Portkey ${version} (25 MB, once)`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
  await runToEnd('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], folder)
  return undefined
}
