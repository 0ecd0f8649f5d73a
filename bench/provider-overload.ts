/**
 * What is left of the goodput when more is asked of a provider than it takes: `node bench/provider-overload.ts`. The
 * provider is the built-in simulator, 200 ms an answer, behind `limits: { concurrency: 40 }`: 200 calls a second. They
 * come in an open loop, at even distances whether or not those before them are answered: at 0.8 and 1 times of that, at
 * 2 and at 5 times, and at 0.8 times after each. Prints one line of JSON for each phase.
 */
import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { Samples } from './tally.ts'
import { callerKey, setStage } from './trouble-stage.ts'

const configuration = `
log_level: error
providers:
  house: { vendor: sim, limits: { concurrency: 40 } }
`
const body = JSON.stringify({
  model: 'house/sim-1?ttft=200ms&tokens=5',
  messages: [{ role: 'user', content: 'Hello!' }],
})
const capacity = 200
const phases = [
  ['0.8 times', 0.8, 6],
  ['1 times', 1, 6],
  ['2 times', 2, 12],
  ['0.8 times after that', 0.8, 10],
  ['5 times', 5, 12],
  ['0.8 times after that', 0.8, 10],
] as const
const agent = new Agent({ keepAlive: true, maxSockets: 6_000 })

/** When whole answers came, in whatever phase they were asked for. */
const answeredMs: number[] = []

/** What came of the calls of one phase. */
class Phase {
  readonly served = new Samples()
  readonly refused = new Samples()

  ask(port: number): void {
    const askedMs = performance.now()
    const headers = { authorization: `Bearer ${callerKey}`, 'content-type': 'application/json' }
    const path = '/v1/chat/completions'
    request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }, answer => {
      answer.resume().once('end', () => this.#note(answer.statusCode ?? 0, askedMs))
    })
      .once('error', () => undefined)
      .end(body)
  }

  #note(status: number, askedMs: number): void {
    const nowMs = performance.now()
    if (status !== 200) return this.refused.add(nowMs - askedMs)
    this.served.add(nowMs - askedMs)
    answeredMs.push(nowMs)
  }
}

const stage = await setStage(configuration)
try {
  for (const [name, times, seconds] of phases) {
    const phase = new Phase()
    const startedMs = performance.now()
    for (let asked = 0; performance.now() < startedMs + seconds * 1_000; await pause(4)) {
      const due = Math.floor(((performance.now() - startedMs) / 1_000) * capacity * times)
      for (; asked < due; asked += 1) phase.ask(stage.port)
    }
    const goodput = Array.from({ length: seconds }, (_, second) => {
      const fromMs = startedMs + second * 1_000
      return answeredMs.filter(ms => ms >= fromMs && ms < fromMs + 1_000).length
    })
    const [served, refused] = [phase.served.quantiles(), phase.refused.quantiles()]
    console.log(
      JSON.stringify({
        phase: name,
        goodputPerSecond: Math.round(goodput.reduce((sum, count) => sum + count, 0) / seconds),
        bySecond: goodput,
        served: { count: served.count, p50: Math.round(served.p50), p99: Math.round(served.p99) },
        refused: { count: refused.count, p50: Math.round(refused.p50), p99: Math.round(refused.p99) },
      }),
    )
  }
} finally {
  agent.destroy()
  await stage.stop()
}
