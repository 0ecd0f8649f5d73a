/**
 * What is left of the goodput when more is offered than can be served: `node bench/overload.ts`.
 *
 * First a closed loop finds the knee: the highest rate of whole, right answers. Then calls come in an open loop, at even
 * distances whether or not those before them are answered, at 2 and at 5 times the knee, and at last at 0.8 times of it:
 * how soon is that served again? The load generator, the canned upstream and Sluice are a process each, on loopback.
 * `--lane stream` (64 chunks, one every 4 ms) or `plain`; `--seconds` for each phase; `--delay` is
 * `requests.most_delay`. Prints one JSON object.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chatRequest, doneMark, endMark } from './answers.ts'
import { freePort, startChild } from './child.ts'
import type { Contestant } from './contestant.ts'
import { sluice } from './gateways/sluice.ts'
import { ResponseReader } from './response-reader.ts'
import { dismiss, stand } from './standing.ts'
import { Samples } from './tally.ts'

const { values } = parseArgs({
  options: {
    lane: { type: 'string', default: 'plain' },
    seconds: { type: 'string', default: '10' },
    connections: { type: 'string', default: '256' },
    delay: { type: 'string' },
  },
})
const isStream = values.lane === 'stream'
const seconds = Number(values.seconds)
/** An open loop needs a connection for each call under way; past these a call is not offered, and told. */
const mostConnections = 8_000
const bucketMs = 250

/** What came of the calls that were offered in one phase. */
class Phase {
  readonly startedAtMs = performance.now()
  readonly served = new Samples()
  readonly refused = new Samples()
  /** Whole answers by time, in buckets. */
  readonly buckets: number[] = []
  offered = 0
  notOffered = 0
  wrong = 0
  readonly samples: string[] = []

  note(status: number, whole: boolean, startedAtMs: number, text: string): void {
    const now = performance.now()
    if (status === 200 && whole) {
      this.served.add(now - startedAtMs)
      const bucket = Math.floor((now - this.startedAtMs) / bucketMs)
      this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1
    } else if (status === 503 && text.includes('overloaded')) this.refused.add(now - startedAtMs)
    else {
      this.wrong += 1
      if (this.samples.length < 3) this.samples.push(`${status} ${text.slice(0, 200)}`)
    }
  }

  /** Whole answers in a second, leaving out the first part of the phase. */
  goodput(fromSeconds: number, toSeconds: number): number {
    const [from, to] = [fromSeconds, toSeconds].map(at => Math.round((at * 1000) / bucketMs))
    let sum = 0
    for (let at = from ?? 0; at < (to ?? 0); at += 1) sum += this.buckets[at] ?? 0
    return sum / (toSeconds - fromSeconds)
  }
}

class Line {
  readonly #port: number
  readonly #onFree: (line: Line) => void
  readonly #socket: Socket
  #phase: Phase | undefined
  #startedAtMs = 0
  #text = ''

  constructor(port: number, onFree: (line: Line) => void) {
    this.#port = port
    this.#onFree = onFree
    this.#socket = connect(this.#port, '127.0.0.1')
    this.#socket.setNoDelay(true)
    const reader = new ResponseReader({
      body: part => {
        const text = this.#text + part.toString('latin1')
        this.#text = text.length > 8_000 ? text.slice(0, 4_000) + text.slice(-4_000) : text
      },
      end: status => this.#finish(status),
    })
    this.#socket.on('data', part => {
      try {
        reader.feed(part)
      } catch (cause) {
        this.#socket.destroy(cause instanceof Error ? cause : new Error(String(cause)))
      }
    })
    this.#socket.on('error', cause => {
      this.#text += cause.message
    })
    this.#socket.on('close', () => {
      if (this.#phase) this.#finish(0)
    })
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed
  }

  ask(phase: Phase, bytes: Buffer): void {
    phase.offered += 1
    this.#phase = phase
    this.#text = ''
    this.#startedAtMs = performance.now()
    this.#socket.write(bytes)
  }

  close(): void {
    this.#phase = undefined
    this.#socket.destroy()
  }

  #finish(status: number): void {
    const phase = this.#phase
    this.#phase = undefined
    const whole = this.#text.includes(isStream ? doneMark : endMark)
    phase?.note(status, whole, this.#startedAtMs, this.#text)
    this.#onFree(this)
  }
}

const upstreamPort = await freePort()
const upstream = startChild(
  {
    command: process.execPath,
    args: [fileURLToPath(new URL('upstream.ts', import.meta.url)), '--port', String(upstreamPort)],
  },
  '/dev/null',
)
await pause(500)
const standing = await stand(contestant(), `http://127.0.0.1:${upstreamPort}`)
const lines: Line[] = []
const request = requestBytes()

try {
  await closedLoop(3)
  const knee = await closedLoop(seconds)
  const peak = knee.goodput(1, seconds)
  const results: Record<string, unknown> = {
    lane: values.lane,
    delay: values.delay ?? 'default',
    peak: Math.round(peak),
    kneeMs: knee.served.quantiles(),
  }
  await pause(2_000)
  for (const times of [2, 5]) {
    const phase = await openLoop(peak * times, seconds)
    results[`offered ${times}x`] = describe(phase, peak)
    if (times === 5) {
      const after = await openLoop(peak * 0.8, seconds)
      results['then 0.8x'] = { ...describe(after, peak), backAfterSeconds: backAfter(after, peak * 0.8) }
    } else await pause(2_000)
  }
  console.log(JSON.stringify(results, null, 2))
} finally {
  for (const line of lines) line.close()
  await dismiss(standing)
  await upstream.stop()
}

/** Sluice as elsewhere, but that nobody waits for a connection to the provider: it is this process that is short. */
function contestant(): Contestant {
  return {
    ...sluice,
    launch(seat) {
      const launched = sluice.launch?.(seat)
      if (!launched) throw new Error('Sluice cannot be launched')
      const file = join(seat.folder, 'sluice.yaml')
      const delay = values.delay === undefined ? '' : `requests: { most_delay: ${values.delay} }\n`
      const text = readFileSync(file, 'utf8').replace('api_key: x', `api_key: x, connections: 1000`)
      writeFileSync(file, text + delay)
      return launched
    },
  }
}

function describe(phase: Phase, peak: number): object {
  const goodput = phase.goodput(1, seconds)
  return {
    offered: phase.offered,
    notOffered: phase.notOffered,
    wrong: phase.wrong,
    ...(phase.wrong > 0 && { samples: phase.samples }),
    goodput: Math.round(goodput),
    ofPeak: Math.round((goodput / peak) * 1000) / 1000,
    servedMs: phase.served.quantiles(),
    refusedMs: phase.refused.quantiles(),
  }
}

/** Seconds until the whole of a second is served at 95 % of what is offered. */
function backAfter(phase: Phase, offered: number): number | undefined {
  for (let at = 0; at + 1 <= seconds; at += bucketMs / 1000)
    if (phase.goodput(at, at + 1) >= offered * 0.95) return at
  return undefined
}

async function closedLoop(forSeconds: number): Promise<Phase> {
  const phase = new Phase()
  let over = false
  const own: Line[] = []
  for (let n = 0; n < Number(values.connections); n += 1) {
    const line = new Line(standing.seat.port, one => {
      if (!over && one.isOpen) one.ask(phase, request)
    })
    own.push(line)
    line.ask(phase, request)
  }
  await pause(forSeconds * 1_000)
  over = true
  await pause(1_000)
  for (const line of own) line.close()
  return phase
}

async function openLoop(perSecond: number, forSeconds: number): Promise<Phase> {
  const phase = new Phase()
  const idle: Line[] = []
  const free = (line: Line): void => {
    if (line.isOpen) idle.push(line)
    else lines.splice(lines.indexOf(line), 1)
  }
  // Whoever still waits from the phase before has lost patience, or the files that may be open would run out.
  for (const line of lines.splice(0)) line.close()
  let due = 0
  for (;;) {
    const elapsed = (performance.now() - phase.startedAtMs) / 1_000
    if (elapsed >= forSeconds) break
    for (; due < elapsed * perSecond; due += 1) {
      let line = idle.pop()
      while (line && !line.isOpen) line = idle.pop()
      if (!line && lines.length < mostConnections) {
        line = new Line(standing.seat.port, free)
        lines.push(line)
      }
      if (line) line.ask(phase, request)
      else phase.notOffered += 1
    }
    await pause(1)
  }
  return phase
}

function requestBytes(): Buffer {
  const body = chatRequest(sluice.model, isStream, 4)
  const headers = [
    ...sluice.headers(standing.seat),
    'host: 127.0.0.1',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  return Buffer.from(`POST /v1/chat/completions HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n${body}`)
}
