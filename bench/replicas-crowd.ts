/**
 * A crowd on three processes over one Postgres and one Valkey, and a budget that pays for fewer calls than it asks for.
 * `node bench/replicas-crowd.ts --callers 500 --calls 1000`; the servers are those that SLUICE_TEST_DATABASE_URL and
 * SLUICE_TEST_VALKEY_URL name. Prints JSON; figures are read, not asserted.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { crowd, type Heard } from '../test/budgets.crowd.ts'
import { freePort, startChild } from './child.ts'

const { values } = parseArgs({
  options: { callers: { type: 'string', default: '500' }, calls: { type: 'string', default: '1000' } },
})
const { SLUICE_TEST_DATABASE_URL: server, SLUICE_TEST_VALKEY_URL: valkey } = process.env
if (!server || !valkey) {
  process.stderr.write('Name a Postgres and a Valkey: SLUICE_TEST_DATABASE_URL, SLUICE_TEST_VALKEY_URL.\n')
  process.exit(1)
}

const program = fileURLToPath(new URL('../src/roles/sluice.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'bench-replicas-'))
const key = 'sk-bench-not-a-secret-only-for-loopback'
const database = `sluice_bench_replicas`
const [callers, calls] = [Number(values.callers), Number(values.calls)]
/** By the prices below: 9 tokens asked, 64 answered, as the simulator counts them. */
const model = 'up/sim-1?tokens=64&ttft=50ms&pace=2ms'

const admin = new Client({ connectionString: server })
await admin.connect()
await admin.query(`drop database if exists ${database} with (force)`)
await admin.query(`create database ${database}`)
await admin.end()
const url = new URL(server)
url.pathname = `/${database}`

const simulatorPort = await freePort()
const start = (name: string, args: string[]) =>
  startChild({ command: process.execPath, args: [program, ...args] }, join(folder, `${name}.log`))
const children = [start('simulator', ['sim', '--port', String(simulatorPort)])]
const simulator = `http://127.0.0.1:${simulatorPort}`
await until(`${simulator}/bill`)

const priceOf = (input: number, output: number): number => (input + 2 * output) / 1e6
await ask(simulator, 'sim-1?tokens=64')
const probe = (await totals()) ?? { input_tokens: 0, output_tokens: 0 }
const budgetUsd = priceOf(probe.input_tokens, probe.output_tokens) * calls
const config = join(folder, 'sluice.yaml')
writeFileSync(
  config,
  `log_level: warn
database: ${url.href}
valkey: ${valkey}
providers:
  up: { vendor: sim, base_url: ${simulator}/v1 }
prices:
  "up/sim-1*": { input: 1, output: 2 }
keys:
  - { name: bench, key: ${key}, organization: acme, project: shop, passthrough: true }
budgets:
  - { name: acme, per: organization, limit: $${budgetUsd.toFixed(6)}, every: total }
`,
)
const ports: number[] = []
for (const n of [1, 2, 3]) {
  const port = await freePort()
  ports.push(port)
  children.push(
    start(`gateway-${n}`, [
      'serve',
      '--config',
      config,
      '--port',
      String(port),
      '--data',
      join(folder, `data-${n}`),
    ]),
  )
  await until(`http://127.0.0.1:${port}/readyz`) // the first one makes the tables
}

const beganAtMs = performance.now()
let asked = 0
const heard: Heard[] = (
  await Promise.all(
    ports.map((port, n) =>
      crowd({
        url: `http://127.0.0.1:${port}`,
        key,
        callers: Math.floor((callers + n) / ports.length),
        request() {
          asked += 1
          return { tag: `call-${asked}`, model, maxTokens: 64, stream: asked % 2 === 1 }
        },
        isOver: ({ code, status }) => code === 'budget_exceeded' || status === 0,
      }),
    ),
  )
).flat()
const seconds = (performance.now() - beganAtMs) / 1000
const billed = await totals()
const billedUsd = billed
  ? priceOf(billed.input_tokens - probe.input_tokens, billed.output_tokens - probe.output_tokens)
  : undefined
const ends = Map.groupBy(heard, ({ end, status, code }) => [end, status, code].filter(Boolean).join(' '))
const noStore = heard.filter(({ code }) => code === 'store_unavailable').length
process.stdout.write(
  `${JSON.stringify(
    {
      callers,
      calls,
      seconds,
      budgetUsd,
      billedUsd,
      ends: Object.fromEntries([...ends].map(([end, all]) => [end, all.length])),
      servedShare: heard.filter(({ end }) => end === 'whole').length / calls,
      noStoreShare: noStore / heard.length,
    },
    undefined,
    2,
  )}\n`,
)
await Promise.all(children.map(child => child.stop()))
rmSync(folder, { recursive: true, force: true })

async function until(address: string): Promise<void> {
  for (;;) {
    const answer = await fetch(address).catch(() => undefined)
    await answer?.arrayBuffer()
    if (answer?.ok) return
    const dead = children.map(child => child.ended()).find(end => end !== undefined)
    if (dead !== undefined) throw new Error(dead)
    await pause(50)
  }
}

async function ask(base: string, name: string): Promise<void> {
  const answer = await fetch(`${base}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer x' },
    body: JSON.stringify({ model: name, max_tokens: 64, messages: [{ role: 'user', content: 'Tell me.' }] }),
  })
  await answer.arrayBuffer()
}

async function totals(): Promise<{ input_tokens: number; output_tokens: number } | undefined> {
  const answer = await fetch(`${simulator}/bill?totals`)
  const { totals } = (await answer.json()) as { totals?: { input_tokens: number; output_tokens: number } }
  return totals
}
