/**
 * `node bench/runaway.ts`: a loop that somebody forgot to stop makes 50,000 calls against a budget of $1. Prints what its
 * caller sees and what the budget's owner gets, as docs/runaway.md tells it. The provider is the built-in simulator, at
 * the prices below; nothing is paid.
 */
import { Agent, request } from 'node:http'
import { parseArgs } from 'node:util'
import { callerKey, type Stage, setStage } from './trouble-stage.ts'

const { values } = parseArgs({
  options: { calls: { type: 'string', default: '50000' }, callers: { type: 'string', default: '16' } },
})
const calls = Number(values.calls)
const callers = Number(values.callers)

const configuration = `
log_level: error
providers: { sim: {} }
models:
  assistant: { targets: ["sim/sim-1?tokens=80"] }
prices:
  "sim/sim-1*": { input: 2.50, output: 10 }
budgets:
  - { name: one dollar a day, per: key, limit: $1, every: day, soft: [{ at: 50%, then: alert }, { at: 80%, then: alert }] }
`
const body = JSON.stringify({
  model: 'assistant',
  max_tokens: 80,
  messages: [{ role: 'user', content: 'The last step failed. Try again.' }],
})

interface Heard {
  status: number
  headers: Record<string, unknown>
  text: string
}

const agent = new Agent({ keepAlive: true, maxSockets: callers })

function ask(port: number): Promise<Heard> {
  const headers = { authorization: `Bearer ${callerKey}`, 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/v1/chat/completions', method: 'POST', agent, headers }
    const asking = request(options, answer => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }))
      answer.once('error', reject)
    })
    asking.once('error', reject)
    asking.end(body)
  })
}

/** The loop, as many times at once as there are callers. It hears nothing of what it is told. */
async function runAway({
  port,
}: Stage): Promise<{ outcomes: Map<string, number>; first: Map<string, Heard> }> {
  const outcomes = new Map<string, number>()
  const first = new Map<string, Heard>()
  let asked = 0
  const loop = async (): Promise<void> => {
    while (asked < calls) {
      asked += 1
      const heard = await ask(port)
      const code = /"code":"(\w+)"/.exec(heard.text)?.[1]
      const outcome = heard.status === 200 ? 'answered' : `${heard.status} ${code}`
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      if (!first.has(outcome)) first.set(outcome, heard)
    }
  }
  await Promise.all(Array.from({ length: callers }, loop))
  return { outcomes, first }
}

const say = (text: string): void => void process.stdout.write(`${text}\n`)
const show = (title: string, value: unknown): void => say(`\n${title}\n${JSON.stringify(value, null, 2)}`)

const stage = await setStage(configuration)
try {
  const beganAtMs = performance.now()
  const { outcomes, first } = await runAway(stage)
  const seconds = (performance.now() - beganAtMs) / 1_000
  say(`${calls} calls in ${seconds.toFixed(0)} s, ${callers} at a time`)
  for (const [outcome, count] of outcomes) say(`  ${outcome}: ${count}`)
  for (const [outcome, { headers, text }] of first) {
    if (outcome === 'answered') continue
    const told = Object.entries(headers).filter(([name]) =>
      /^(retry-after|x-should-retry|x-sluice-attempts)$/.test(name),
    )
    show(`What the caller sees: ${outcome}`, {
      headers: Object.fromEntries(told),
      body: JSON.parse(text) as unknown,
    })
  }
  const { data } = (await stage.administer('GET', '/budgets')) as {
    data: { counters: { data: unknown[] } }[]
  }
  show('GET /sluice/v1/budgets: the counter', data[0]?.counters.data[0])
  const { total } = (await stage.administer('GET', '/usage')) as { total: unknown }
  show('GET /sluice/v1/usage: total', total)
  const alerts = (await stage.administer('GET', '/alerts')) as { data: Record<string, unknown>[] }
  show(
    'GET /sluice/v1/alerts',
    alerts.data.map(({ kind, title, detail }) => ({ kind, title, detail })),
  )
} finally {
  agent.destroy()
  await stage.stop()
}
