/**
 * The load generator: N keep-alive connections, one request in flight on each, the next one as soon as the
 * answer is complete and found right. `node bench/load.ts --port P --model M --connections N --seconds S`
 * prints one JSON object, `LoadResult`; `--requests R` instead of `--seconds` ends after R answers.
 *
 * Raw sockets, because it shares the machine with what it measures. It is a closed loop: a slow server is asked
 * less. Its latencies are those of N callers who wait for their answers, not of a crowd that keeps coming.
 */
import { parseArgs } from 'node:util'
import { chatRequest } from './answers.ts'
import { LoadConnection, Tally } from './load-connection.ts'
import { cpuMs } from './process-tree.ts'
import type { Quantiles } from './tally.ts'

/** What one run found; `sent` and `errors` are of the whole run, everything else of the measured window. */
export interface LoadResult {
  /** Requests written, warm-up and the last ones included: what the upstream should have counted. */
  sent: number
  /** Answers that were wrong, cut short or missing. */
  errors: number
  /** The first few of them, in words. */
  errorSamples: string[]
  answers: number
  seconds: number
  latencyMs: Quantiles
  /** Streams: from the request to the first piece of content. */
  firstContentMs: Quantiles
  /** Streams: between two arrivals of content on one connection. */
  gapMs: Quantiles
  /** Streams: pieces of content that arrived. */
  pieces: number
  /** CPU time that the process tree `--pid` used; absent without one. */
  cpuMs?: number
}

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '18080' },
    model: { type: 'string', default: 'gpt-5-mini' },
    header: { type: 'string', multiple: true, default: [] },
    connections: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '3' },
    requests: { type: 'string' },
    warmup: { type: 'string', default: '1' },
    stream: { type: 'boolean', default: false },
    pace: { type: 'string', default: '0' },
    pid: { type: 'string' },
  },
})

const drainMs = 15_000

/** Callers who started together would have their streams beat together all the time. */
const startApartMs = 17

process.stdout.write(`${JSON.stringify(await run())}\n`)
process.exit(0)

async function run(): Promise<LoadResult> {
  const tally = new Tally()
  const enough = Promise.withResolvers<void>()
  const wanted = values.requests === undefined ? Number.POSITIVE_INFINITY : Number(values.requests)
  const errand = {
    port: Number(values.port),
    bytes: requestBytes(),
    stream: values.stream,
    tally,
    onAnswer: () => (tally.answers >= wanted ? enough.resolve() : undefined),
  }
  const connections = Array.from(
    { length: Number(values.connections) },
    (_, index) => new LoadConnection(errand, index * startApartMs),
  )
  await pause(Number(values.warmup) * 1000)
  const cpuBeforeMs = measuredCpuMs()
  const startedAtMs = performance.now()
  tally.phase = 'measuring'
  await (values.requests === undefined ? pause(Number(values.seconds) * 1000) : enough.promise)
  tally.phase = 'draining'
  const seconds = (performance.now() - startedAtMs) / 1000
  const cpuAfterMs = measuredCpuMs()
  await Promise.race([Promise.all(connections.map(one => one.closed)), pause(drainMs)])
  for (const one of connections) if (one.waiting) tally.fail(`no answer within ${drainMs} ms`)
  return { ...summary(tally), seconds, ...(values.pid ? { cpuMs: cpuAfterMs - cpuBeforeMs } : {}) }
}

function summary(tally: Tally): Omit<LoadResult, 'seconds'> {
  return {
    sent: tally.sent,
    errors: tally.errors,
    errorSamples: tally.errorSamples,
    answers: tally.answers,
    latencyMs: tally.latency.quantiles(),
    firstContentMs: tally.firstContent.quantiles(),
    gapMs: tally.gap.quantiles(),
    pieces: tally.pieces,
  }
}

function requestBytes(): Buffer {
  const body = chatRequest(values.model, values.stream, Number(values.pace))
  const head = [
    'POST /v1/chat/completions HTTP/1.1',
    `host: 127.0.0.1:${values.port}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    ...values.header,
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)
}

function measuredCpuMs(): number {
  return values.pid === undefined ? 0 : cpuMs(Number(values.pid))
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
