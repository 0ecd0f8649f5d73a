/**
 * What `batch-beside.ts` and `noisy-tenant.ts` share: Sluice before a provider that takes 16 calls at once (the
 * simulator, which refuses any more), and callers that keep to a rate, whatever the answers do.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, freePort, startChild } from './child.ts'
import { type Quantiles, Samples } from './tally.ts'

const program = fileURLToPath(new URL('../src/roles/sluice.ts', import.meta.url))
export const places = 16
/** Milliseconds of one call, of which the provider is the cause. */
export const callMs = 250

const tenants = Array.from({ length: 8 }, (_, n) => `tenant-${n}`)
const keyOf = (tenant: string): string => `sk-bench-not-a-secret-${tenant}`
const agent = new Agent({ keepAlive: true, maxSockets: 4_096 })

export interface Stage {
  port: number
  stop(): Promise<void>
}

export async function setStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const [port, upstream] = [await freePort(), await freePort()]
  const config = join(folder, 'sluice.yaml')
  writeFileSync(
    config,
    `providers:
  up: { dialect: openai, base_url: "http://127.0.0.1:${upstream}/v1", api_key: x, limits: { concurrency: ${places} } }
keys:
${tenants.map(one => `  - { name: ${one}, key: ${keyOf(one)}, organization: ${one}, project: bench }`).join('\n')}
`,
  )
  const start = (name: string, args: string[]): Child =>
    startChild({ command: process.execPath, args: [program, ...args], env: {} }, join(folder, `${name}.log`))
  const children = [
    start('sim', ['sim', '--port', String(upstream)]),
    start('sluice', ['serve', '--config', config, '--port', String(port), '--data', join(folder, 'data')]),
  ]
  await ready(port, children)
  return {
    port,
    async stop() {
      agent.destroy()
      for (const child of children.toReversed()) await child.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function ready(port: number, children: readonly Child[]): Promise<void> {
  for (;;) {
    const ended = children.map(child => child.ended()).find(why => why !== undefined)
    if (ended !== undefined) throw new Error(ended)
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
    if (answer?.status === 200) return
    await pause(50)
  }
}

export interface Callers {
  tenant: number
  class: 'interactive' | 'batch'
  /** Calls a second, at random moments (a Poisson process): people do not wait for each other. */
  perSecond: number
}

export interface Heard {
  latencyMs: Quantiles
  served: number
  refused: number
  /** Served, but not at the first attempt: the provider refused one. */
  again: number
}

/** Lets all of them call for so long; returns what each heard, the first second apart. */
export async function callFor(stage: Stage, seconds: number, callers: readonly Callers[]): Promise<Heard[]> {
  const untilMs = performance.now() + seconds * 1000
  return await Promise.all(callers.map(one => keepCalling(stage, one, untilMs)))
}

async function keepCalling(stage: Stage, callers: Callers, untilMs: number): Promise<Heard> {
  const samples = new Samples()
  const heard = { served: 0, refused: 0, again: 0 }
  const fromMs = performance.now() + 1_000
  const pending: Promise<void>[] = []
  let nextMs = performance.now()
  while (performance.now() < untilMs) {
    nextMs += (-Math.log(1 - Math.random()) / callers.perSecond) * 1000
    await pause(Math.max(0, nextMs - performance.now()))
    pending.push(
      call(stage, callers).then(({ status, attempts, ms }) => {
        if (performance.now() < fromMs) return
        if (status !== 200) heard.refused += 1
        else {
          heard.served += 1
          if (attempts !== '1') heard.again += 1
          samples.add(ms)
        }
      }),
    )
  }
  await Promise.all(pending)
  return { ...heard, latencyMs: samples.quantiles() }
}

async function call(stage: Stage, callers: Callers) {
  const body = JSON.stringify({
    model: `up/sim-1?concurrency=${places}&ttft=${callMs}ms&tokens=20`,
    messages: [{ role: 'user', content: 'Hello!' }],
  })
  const startedMs = performance.now()
  return await new Promise<{ status: number; attempts: string; ms: number }>((resolve, reject) => {
    const sent = request(
      {
        port: stage.port,
        path: '/v1/chat/completions',
        method: 'POST',
        agent,
        headers: {
          authorization: `Bearer ${keyOf(`tenant-${callers.tenant}`)}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'x-sluice-class': callers.class,
        },
      },
      response => {
        response.resume()
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            attempts: String(response.headers['x-sluice-attempts']),
            ms: performance.now() - startedMs,
          }),
        )
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
