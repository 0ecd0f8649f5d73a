/**
 * `npm run bench`: one machine, one run, one table. `bench/README.md` explains the lanes and how to add a
 * contestant, `docs/benchmarks.md` the method.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freePort, startChild } from './child.ts'
import type { Contestant } from './contestant.ts'
import { contestants, more } from './gateways/index.ts'
import { legend, soakTable, table } from './report.ts'
import { dismissAll, type Entry, measureAll, soakAll, standAll } from './tournament.ts'

const help = `npm run bench -- [--only sluice,bare,portkey,litellm] [--rounds 3] [--seconds 2] [--soak 200000]

  --only      which to measure (the direct lane is always there); default: all, with --soak: sluice. Only
              where named: sluice+budgets, and sluice+postgres and sluice+valkey on servers that
              SLUICE_TEST_DATABASE_URL and SLUICE_TEST_VALKEY_URL name
  --rounds    how often each lane is measured, the contestants taking turns; figures are medians
  --seconds   length of a lane; with the defaults a run takes about five minutes
  --soak      instead of the lanes: so many requests, looking at the memory every 20,000`

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    soak: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

const resultsFolder = fileURLToPath(new URL('./results/', import.meta.url))
const upstreamProgram = fileURLToPath(new URL('./upstream.ts', import.meta.url))

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

if (options.help) process.stdout.write(`${help}\n`)
else if (existsSync('/proc/self/smaps_rollup')) await main()
else fail('The bench reads CPU time and memory from /proc, so it needs Linux.')

async function main(): Promise<void> {
  const lineUp = chosen()
  const scratch = mkdtempSync(join(tmpdir(), 'bench-'))
  const port = await freePort()
  const launch = { command: process.execPath, args: [upstreamProgram, '--port', String(port)] }
  const upstream = startChild(launch, join(scratch, 'upstream.log'))
  const machine = describeMachine()
  const entries = await standAll(lineUp, `http://127.0.0.1:${port}`, say)
  if (options.soak === undefined) await report(entries, machine)
  else await reportSoak(entries, machine, Number(options.soak))
  await dismissAll(entries)
  await upstream.stop()
  rmSync(scratch, { recursive: true, force: true })
}

async function report(entries: Entry[], machine: string): Promise<void> {
  await measureAll(entries, { rounds: Number(options.rounds), seconds: Number(options.seconds) }, say)
  const findings = entries.map(entry => entry.findings)
  const errors = findings.flatMap(one =>
    Object.values(one.lanes)
      .flat()
      .flatMap(lane => lane.errorSamples),
  )
  process.stdout.write(`\n${machine}\n\n${table(findings)}\n\n${legend(findings)}\n`)
  for (const error of errors.slice(0, 5)) process.stdout.write(`wrong answer: ${error}\n`)
  keep('bench', { machine, options, findings })
}

async function reportSoak(entries: Entry[], machine: string, requests: number): Promise<void> {
  const samples = await soakAll(entries, requests, say)
  const findings = entries.map(entry => entry.findings)
  process.stdout.write(`\n${machine}\n\n${soakTable(samples)}\n\n${legend(findings)}\n`)
  keep('soak', { machine, options, samples })
}

function chosen(): Contestant[] {
  const only = options.only ?? (options.soak === undefined ? undefined : 'sluice')
  if (only === undefined) return [...contestants]
  const names = only.split(',')
  const all = [...contestants, ...more]
  const known = all.map(one => one.name)
  const unknown = names.find(name => !known.includes(name))
  if (unknown !== undefined) fail(`There is no contestant "${unknown}". There are: ${known.join(', ')}.`)
  return all.filter(one => one.name === 'direct' || names.includes(one.name))
}

function describeMachine(): string {
  const cores = cpus()
  const load = loadavg()[0]?.toFixed(1)
  const settings = options.soak
    ? `${options.soak} requests`
    : `${options.rounds} rounds of ${options.seconds} s`
  return [
    `${new Date().toISOString().slice(0, 16)}Z, Node ${process.version}`,
    `${cores.length} × ${cores[0]?.model ?? 'unknown processor'}, load before the run ${load}`,
    `${settings}, everything on this machine`,
  ].join('; ')
}

function keep(kind: string, result: object): void {
  mkdirSync(resultsFolder, { recursive: true })
  const name = `${kind}-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.json`
  writeFileSync(join(resultsFolder, name), `${JSON.stringify(result, undefined, 2)}\n`)
  say(`every round is in bench/results/${name}`)
}

function say(line: string): void {
  process.stderr.write(`bench: ${line}\n`)
}

function fail(sentence: string): never {
  process.stderr.write(`bench: ${sentence}\n`)
  process.exit(1)
}
