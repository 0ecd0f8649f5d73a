/**
 * `node bench/budget-crowd.ts`: a budget for so many calls, and a crowd of callers at once; plain and streamed, some of
 * whom leave, and with `--failures 0.2` a first target that fails as often before a dearer one answers. Prints one JSON
 * object: what the simulator bills, what the budget allows, how many were served. Exits with 1 when the bill is over the
 * budget, when anything is still held, or, where nothing fails and nobody leaves, when fewer than 98 % were served.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { formatUsd, parseUsd } from '#exchange'
import { ask, crowd, dice } from '../test/budgets.crowd.ts'
import { freePort, startChild } from './child.ts'
import { callerKey, setStage, until } from './trouble-stage.ts'

const { values } = parseArgs({
  options: {
    callers: { type: 'string', default: '1000' },
    calls: { type: 'string', default: '2000' },
    failures: { type: 'string', default: '0' },
    leave: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
  },
})
const [callers, calls, failures, leave] = [values.callers, values.calls, values.failures, values.leave].map(
  Number,
) as [number, number, number, number]
const draw = dice(Number(values.seed))
const program = fileURLToPath(new URL('../src/roles/sluice.ts', import.meta.url))
const tokens = 64
/** Pico-dollars a token; as configured below. */
const rates = { 'sim-1': [1_000_000n, 2_000_000n], 'sim-2': [3_000_000n, 5_000_000n] } as const

interface Bill {
  requests: { model: string; outcome: string; input_tokens: number; output_tokens: number }[]
  has_more: boolean
}

const folder = mkdtempSync(join(tmpdir(), 'bench-crowd-'))
const port = await freePort()
const simulator = startChild(
  { command: process.execPath, args: [program, 'sim', '--port', String(port)], env: {} },
  join(folder, 'simulator.log'),
)
const simulated = `http://127.0.0.1:${port}`

async function readBill(): Promise<Bill['requests']> {
  const all: Bill['requests'] = []
  for (;;) {
    const page = (await (await fetch(`${simulated}/bill?after=${all.length}&limit=10000`)).json()) as Bill
    all.push(...page.requests)
    if (!page.has_more) return all
  }
}

function priceOf(lines: Bill['requests']): bigint {
  return lines.reduce((sum, { model, input_tokens, output_tokens }) => {
    const [input, output] = rates[model.startsWith('sim-2') ? 'sim-2' : 'sim-1']
    return sum + BigInt(input_tokens) * input + BigInt(output_tokens) * output
  }, 0n)
}

await until(async () => (await fetch(`${simulated}/bill?totals`)).ok, simulator)
const first = `near/sim-1?tokens=${tokens}${failures > 0 ? `&fail=500&rate=${failures}` : ''}`
// Calls for whom the first one has no place go to the second, too: alone, all calls cost the same.
const targets = failures > 0 ? `"${first}", "far/sim-2?tokens=${tokens}"` : `"${first}"`
const neverOpen = 'breaker: { failures: 1000, ratio: 1, least_attempts: 100000 }'
const stage = await setStage(`
log_level: error
providers:
  near: { vendor: sim, base_url: ${simulated}/v1, retries: 1, ${neverOpen} }
  far: { vendor: sim, base_url: ${simulated}/v1, retries: 1, ${neverOpen} }
models:
  crowd: { targets: [${targets}] }
prices:
  "near/sim-1*": { input: 1, output: 2 }
  "far/sim-2*": { input: 3, output: 5 }
budgets:
  - { name: crowd, per: organization, match: { feature: "crowd-*" }, limit: $${formatUsd(await priceOfOne())}, every: total }
`)

/** Of all calls that the budget is for, by one that is asked of the simulator itself. */
async function priceOfOne(): Promise<bigint> {
  await ask(simulated, 'none', { tag: 'one', model: `sim-1?tokens=${tokens}`, maxTokens: tokens })
  return priceOf(await readBill()) * BigInt(calls)
}

interface Counter {
  most: string
  spent: string
  held: string
}

async function readCounter(): Promise<Counter> {
  const { data } = (await stage.administer('GET', '/budgets')) as {
    data: { counters: { data: Counter[] } }[]
  }
  return data[0]?.counters.data[0] ?? { most: '0', spent: '0', held: '0' }
}

try {
  const before = (await readBill()).length
  const beganAtMs = performance.now()
  const heard = await crowd({
    url: `http://127.0.0.1:${stage.port}`,
    key: callerKey,
    callers,
    request: n => ({
      tag: `crowd-${n}`,
      model: 'crowd',
      maxTokens: tokens,
      stream: n % 2 === 1,
      leaveAfterMs: draw() < leave ? draw() * 50 : undefined,
    }),
    isOver: ({ code, headers }) => code === 'budget_exceeded' && headers.get('x-sluice-attempts') === '0',
  })
  const tookMs = performance.now() - beganAtMs
  await until(async () => (await readBill()).every(({ outcome }) => outcome !== 'running'))
  await until(async () => (await readCounter()).held === '0')
  const [counter, billed] = [await readCounter(), priceOf((await readBill()).slice(before))]
  const served = heard.filter(({ end }) => end === 'whole').length
  const outcomes = Map.groupBy(heard, ({ end, code }) => (code === undefined ? end : `${end}: ${code}`))
  const overshootPicoUsd = billed - parseUsd(counter.most)
  const result = {
    callers,
    calls,
    served,
    outcomes: Object.fromEntries([...outcomes].map(([outcome, all]) => [outcome, all.length])),
    billedUsd: formatUsd(billed),
    mostUsd: counter.most,
    spentUsd: counter.spent,
    overshootUsd: formatUsd(overshootPicoUsd > 0n ? overshootPicoUsd : 0n),
    seconds: Number((tookMs / 1_000).toFixed(1)),
  }
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
  const isFair = failures === 0 && leave === 0
  if (overshootPicoUsd > 0n || (isFair && served < calls * 0.98)) process.exitCode = 1
} finally {
  await stage.stop()
  await simulator.stop()
  rmSync(folder, { recursive: true, force: true })
}
