/**
 * How soon a provider is hung up on when the caller has left: `node bench/hang-up.ts --callers 500`.
 *
 * Callers ask, get as far as their situation says, and leave at a random moment after that: half of them close the
 * connection, half reset it. The upstream is in this process, so that both ends are seen by one clock; Sluice is in its
 * own, all on loopback. What counts is the time from the caller's leaving until the upstream sees its request closed,
 * and whether the call is on record as cancelled, once.
 */
import { createServer, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { doneMark, pieceMark, plainAnswer, streamedAnswer } from './answers.ts'
import { Samples } from './tally.ts'
import { callerKey, printTable, type Stage, setStage, until } from './trouble-stage.ts'

const { values } = parseArgs({
  options: { callers: { type: 'string', default: '500' }, rate: { type: 'string', default: '50' } },
})

const goalMs = 1_000
/** From having come as far as it wanted, a caller stays no longer than this. */
const longestStayMs = 500
/** Who leaves with its first words may be gone before the provider is asked. */
const hastyStayMs = 3
const paceMs = 20
const streamHead = { 'content-type': 'text/event-stream' }

/** What the upstream does with a call, and when its caller is where it wanted to be. */
interface Situation {
  title: string
  stream: boolean
  stayMs: number
  from: 'sent' | 'asked' | 'heard'
  play(response: ServerResponse): void
}

const answer = Buffer.from(plainAnswer())
const events = streamedAnswer()

const situations: readonly Situation[] = [
  { title: 'stream: with the request', stream: true, stayMs: hastyStayMs, from: 'sent', play: silent },
  { title: 'stream: before the head', stream: true, stayMs: longestStayMs, from: 'asked', play: silent },
  {
    title: 'stream: before the first token',
    stream: true,
    stayMs: longestStayMs,
    from: 'asked',
    play: begin,
  },
  { title: 'stream: in the middle', stream: true, stayMs: longestStayMs, from: 'heard', play: stream },
  { title: 'whole: with the request', stream: false, stayMs: hastyStayMs, from: 'sent', play: silent },
  { title: 'whole: before the head', stream: false, stayMs: longestStayMs, from: 'asked', play: silent },
  { title: 'whole: in the middle', stream: false, stayMs: longestStayMs, from: 'asked', play: halfOf },
]

function silent(): void {}

function begin(response: ServerResponse): void {
  response.writeHead(200, streamHead)
  response.write(events.role)
}

function stream(response: ServerResponse): void {
  begin(response)
  const timer = setInterval(() => response.write(events.piece), paceMs)
  response.once('close', () => clearInterval(timer))
}

function halfOf(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length })
  response.write(answer.subarray(0, answer.length / 2))
}

class Caller {
  readonly user: string
  readonly situation: Situation
  readonly asked = Promise.withResolvers<void>()
  /** By the clock of this process. */
  leftMs = Number.NaN
  closedMs = Number.NaN
  /** Requests that the upstream got for it. */
  requests = 0
  text = ''

  constructor(number: number, situation: Situation) {
    this.user = `caller-${number}`
    this.situation = situation
  }
}

interface Recorded {
  user: string | null
  status: string
  usage: { source: string | null }
}

const callers = Array.from({ length: Number(values.callers) }, (_, number) => {
  const situation = situations[number % situations.length]
  if (!situation) throw new Error('there is no situation')
  return new Caller(number, situation)
})

const upstream = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.once('end', () => {
    const { user } = JSON.parse(Buffer.concat(parts).toString()) as { user?: string }
    const caller = callers.find(one => one.user === user)
    if (!caller) return void response.writeHead(200, { 'content-type': 'application/json' }).end(answer)
    caller.requests += 1
    response.once('close', () => {
      caller.closedMs = performance.now()
    })
    caller.situation.play(response)
    caller.asked.resolve()
  })
})
await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
const address = upstream.address()
if (address === null || typeof address === 'string') throw new Error('no port')

try {
  const stage = await setStage(
    `providers: { up: { dialect: openai, base_url: "http://127.0.0.1:${address.port}/v1", api_key: x } }\n`,
  )
  try {
    await warmUp(stage)
    await letAllLeave(stage)
    report(await readRecord(stage))
  } finally {
    await stage.stop()
  }
} finally {
  upstream.closeAllConnections()
  upstream.close()
}

/** Compilers have done their work, and connections are open, before anybody leaves. */
async function warmUp({ port }: Stage): Promise<void> {
  for (let times = 0; times < 200; times += 1) {
    const socket = send(port, 'nobody', times % 2 === 0)
    await new Promise(resolve => socket.once('data', resolve))
    socket.destroy()
  }
}

async function letAllLeave(stage: Stage): Promise<void> {
  const pending: Promise<void>[] = []
  for (const caller of callers) {
    pending.push(askAndLeave(stage.port, caller))
    await pause(1_000 / Number(values.rate))
  }
  await Promise.all(pending)
  await until(async () => (await stage.metric('sluice_calls_under_way')) === 0)
  await until(async () => callers.every(one => one.requests === 0 || one.closedMs > 0)).catch(() => undefined)
}

async function askAndLeave(port: number, caller: Caller): Promise<void> {
  const { situation, asked, user } = caller
  const socket = send(port, user, situation.stream)
  const heard = new Promise<void>(resolve => {
    socket.on('data', (part: Buffer) => {
      caller.text += part.toString('latin1')
      if (caller.text.includes(pieceMark)) resolve()
    })
  })
  await new Promise(resolve => socket.once('connect', resolve))
  if (situation.from === 'asked') await asked.promise
  if (situation.from === 'heard') await heard
  const stayMs = Math.random() * situation.stayMs
  if (stayMs >= 1) await pause(stayMs) // a timer takes no less
  caller.leftMs = performance.now()
  if (Math.random() < 0.5) socket.destroy()
  else socket.resetAndDestroy()
}

function send(port: number, user: string, stream: boolean): Socket {
  const messages = [{ role: 'user', content: 'Please explain once more what a gateway is for.' }]
  const body = JSON.stringify({ model: 'up/m', user, messages, max_tokens: 500, ...(stream && { stream }) })
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${callerKey}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  return socket
}

/** All calls on record, by their user. */
async function readRecord(stage: Stage): Promise<Map<string, Recorded[]>> {
  const calls = new Map<string, Recorded[]>()
  for (let after = ''; ; ) {
    const page = (await stage.administer('GET', `/calls?limit=200${after}`)) as {
      data: Recorded[]
      next?: string
    }
    for (const call of page.data) calls.set(call.user ?? '', [...(calls.get(call.user ?? '') ?? []), call])
    if (page.next === undefined) return calls
    after = `&after=${page.next}`
  }
}

function report(calls: ReadonlyMap<string, readonly Recorded[]>): void {
  const head = [
    'provider closed after, ms',
    'callers',
    'asked',
    'p50',
    'p99',
    'max',
    'not closed',
    'cancelled',
    'estimated',
  ]
  const rows = [...situations, undefined].map(situation => {
    const these = callers.filter(one => situation === undefined || one.situation === situation)
    const asked = these.filter(one => one.requests > 0)
    const samples = new Samples()
    for (const one of asked) if (one.closedMs > 0) samples.add(one.closedMs - one.leftMs)
    const { count, p50, p99, max } = samples.quantiles()
    const recorded = these.map(one => calls.get(one.user) ?? [])
    const cancelled = recorded.filter(([first, second]) => first?.status === 'cancelled' && !second)
    return [
      situation?.title ?? `all (goal: p99 ≤ ${goalMs} ms)`,
      ...[these.length, asked.length].map(String),
      ...[p50, p99, max].map(ms => ms.toFixed(1)),
      ...[asked.length - count, cancelled.length].map(String),
      String(cancelled.filter(([first]) => first?.usage.source === 'estimate').length),
    ]
  })
  printTable(head, rows)
  tellOddities(calls)
}

/** Whoever is not on record as cancelled once, or was asked for more than once, or got an answer after all. */
function tellOddities(calls: ReadonlyMap<string, readonly Recorded[]>): void {
  for (const { user, situation, requests, text } of callers) {
    const statuses = (calls.get(user) ?? []).map(({ status }) => status)
    const isWell = statuses.join() === 'cancelled' || (statuses.length === 0 && requests === 0)
    if (isWell && requests <= 1 && !text.includes(doneMark)) continue
    const told = { user, situation: situation.title, requests, statuses, heard: text.slice(0, 200) }
    process.stdout.write(`${JSON.stringify(told)}\n`)
  }
}
