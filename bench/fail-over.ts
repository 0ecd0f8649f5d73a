/**
 * How much later an answer begins when the first target cannot give it: `node bench/fail-over.ts`.
 *
 * Calls go out at an even pace, one after the other undisturbed, with a first target that refuses connections, with one
 * that answers 503, and with one whose breaker is open; streamed and whole alike, in a new order each time round: what
 * else happens on the machine meets them all. The second target is the canned upstream, each is a process of its own,
 * all on loopback. Every answer is checked: whole, from the target that was meant, after as many attempts as there must
 * be. What is added is the percentile of the disturbed calls less that of the undisturbed ones; there are two lots of
 * those, and by how much they differ is how much the machine alone makes of the figures.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chatRequest, doneMark, endMark } from './answers.ts'
import { type Child, freePort, startChild } from './child.ts'
import { Samples } from './tally.ts'
import { callerKey, printTable, type Stage, setStage, until } from './trouble-stage.ts'

const { values } = parseArgs({
  options: { calls: { type: 'string', default: '500' }, rate: { type: 'string', default: '100' } },
})

/** Of each kind. */
const calls = Number(values.calls)
/** Of all kinds together, a second. */
const rate = Number(values.rate)
/** As many in a row as no breaker here is opened by. */
const roundCalls = 100
const warmupCalls = 50

interface Trouble {
  /** The model that is asked for. */
  model: string
  title: string
  attempts: number
  goalMs: number | undefined
}

const undisturbed: Trouble = { model: 'well', title: 'undisturbed', attempts: 1, goalMs: undefined }
const troubles: readonly Trouble[] = [
  undisturbed,
  { ...undisturbed, title: 'undisturbed, once more' },
  { model: 'refusing', title: 'first target refuses the connection', attempts: 2, goalMs: 50 },
  { model: 'failing', title: 'first target answers 503', attempts: 2, goalMs: 50 },
  { model: 'open', title: 'breaker of the first target is open', attempts: 1, goalMs: 5 },
]

class Kind {
  readonly firstByteMs = new Samples()
  readonly trouble: Trouble
  readonly stream: boolean
  wrong = 0
  firstWrong: string | undefined

  constructor(trouble: Trouble, stream: boolean) {
    this.trouble = trouble
    this.stream = stream
  }
}

interface Heard {
  firstByteMs: number
  /** What is wrong with it. */
  complaint: string | undefined
}

const programs = fileURLToPath(new URL('.', import.meta.url))
const logs = mkdtempSync(join(tmpdir(), 'bench-fail-over-'))
const agent = new Agent({ keepAlive: true, maxSockets: 1_024 })
const [wellPort, failingPort] = [await freePort(), await freePort()]
const well = startUpstream('upstream.ts', ['--port', String(wellPort)])
const failing = startUpstream('../src/roles/sluice.ts', ['sim', '--port', String(failingPort)])

try {
  await until(async () => (await fetch(`http://127.0.0.1:${wellPort}/count`)).ok, well)
  await until(async () => (await fetch(`http://127.0.0.1:${failingPort}/v1/models`)).status > 0, failing)
  const stage = await setStage(configuration())
  try {
    report(await measure(stage))
  } finally {
    agent.destroy()
    await stage.stop()
  }
} finally {
  await well.stop()
  await failing.stop()
  rmSync(logs, { recursive: true, force: true })
}

function startUpstream(path: string, args: string[]): Child {
  const launch = { command: process.execPath, args: [join(programs, path), ...args] }
  return startChild(launch, join(logs, `${basename(path)}.log`))
}

/** Nobody listens at port 1, and who is no root cannot begin to. */
function configuration(): string {
  const patient = 'breaker: { failures: 1000, ratio: 1, least_attempts: 100000 }'
  const hasty = 'breaker: { failures: 1, cooldown: 24h, longest_cooldown: 24h }'
  return `providers:
  well: { dialect: openai, base_url: "http://127.0.0.1:${wellPort}/v1", api_key: x }
  refusing: { dialect: openai, base_url: "http://127.0.0.1:1/v1", api_key: x, ${patient} }
  failing: { dialect: openai, base_url: "http://127.0.0.1:${failingPort}/v1", api_key: x, ${patient} }
  open: { dialect: openai, base_url: "http://127.0.0.1:1/v1", api_key: x, ${hasty} }
models:
  well: { targets: [well/m] }
  refusing: { targets: [refusing/m, well/m] }
  failing: { targets: ["failing/sim-1?fail=503", well/m] }
  open: { targets: [open/m, well/m] }
`
}

async function measure(stage: Stage): Promise<Kind[]> {
  await callAll(stage, makeKinds(), warmupCalls) // the first of them opens the breaker that is to be open
  const kinds = makeKinds()
  for (let left = calls; left > 0; left -= roundCalls) {
    await stage.administer('POST', '/providers/refusing/reset')
    await stage.administer('POST', '/providers/failing/reset')
    await callAll(stage, kinds, Math.min(left, roundCalls))
  }
  return kinds
}

function makeKinds(): Kind[] {
  return [true, false].flatMap(stream => troubles.map(trouble => new Kind(trouble, stream)))
}

/** So many calls of each kind, none of which waits for those before it. */
async function callAll(stage: Stage, kinds: readonly Kind[], times: number): Promise<void> {
  const pending: Promise<void>[] = []
  let nextMs = performance.now()
  for (let round = 0; round < times; round += 1) {
    for (const kind of shuffled(kinds)) {
      await pause(Math.max(0, nextMs - performance.now()))
      nextMs += 1_000 / rate
      pending.push(callOne(stage, kind))
    }
  }
  await Promise.all(pending)
}

async function callOne(stage: Stage, kind: Kind): Promise<void> {
  const { firstByteMs, complaint } = await ask(stage, kind).catch((cause: unknown) => ({
    firstByteMs: Number.NaN,
    complaint: String(cause),
  }))
  if (complaint === undefined) return kind.firstByteMs.add(firstByteMs)
  kind.wrong += 1
  kind.firstWrong ??= complaint
}

function ask(stage: Stage, { trouble, stream }: Kind): Promise<Heard> {
  const body = chatRequest(trouble.model, stream, 0)
  const headers = {
    authorization: `Bearer ${callerKey}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  }
  const startedAtMs = performance.now()
  return new Promise((resolve, reject) => {
    const options = { port: stage.port, path: '/v1/chat/completions', method: 'POST', agent, headers }
    const sent = request(options, response => {
      let firstByteMs = Number.NaN
      let text = ''
      response.on('data', (part: Buffer) => {
        if (text === '') firstByteMs = performance.now() - startedAtMs
        text += part.toString('latin1')
      })
      response.on('error', reject)
      response.on('end', () => {
        const { 'x-sluice-attempts': attempts, 'x-sluice-target': target } = response.headers
        const isWhole = text.includes(stream ? doneMark : endMark)
        const isRight = isWhole && target === 'well/m' && attempts === String(trouble.attempts)
        const complaint = `${response.statusCode} from ${target} after ${attempts}: ${text.slice(0, 200)}`
        resolve({ firstByteMs, complaint: isRight ? undefined : complaint })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map(item => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

function report(kinds: readonly Kind[]): void {
  const head = ['first byte, ms', 'calls', 'p50', 'p90', 'p99', 'added p50', 'p90', 'p99', 'goal', 'wrong']
  const rows = kinds.map(kind => {
    const { trouble, stream, firstByteMs, wrong } = kind
    const { count, p50, p90, p99 } = firstByteMs.quantiles()
    const base = kinds
      .find(one => one.stream === stream && one.trouble === undisturbed)
      ?.firstByteMs.quantiles()
    const of = base?.count && count > 0 ? base : { p50: Number.NaN, p90: Number.NaN, p99: Number.NaN }
    const added = trouble === undisturbed ? [] : [p50 - of.p50, p90 - of.p90, p99 - of.p99]
    return [
      `${stream ? 'stream' : 'whole'}: ${trouble.title}`,
      String(count),
      ...[p50, p90, p99].map(ms => ms.toFixed(2)),
      ...[0, 1, 2].map(n => added[n]?.toFixed(2).replace('NaN', '–') ?? '–'),
      trouble.goalMs === undefined ? '–' : `p99 ≤ ${trouble.goalMs}`,
      String(wrong),
    ]
  })
  printTable(head, rows)
  for (const { firstWrong } of kinds) if (firstWrong !== undefined) process.stdout.write(`${firstWrong}\n`)
}
