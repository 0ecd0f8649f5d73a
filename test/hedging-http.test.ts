import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AttemptOnRecord, callOnRecord } from './support/call-log.ts'
import { eventually } from './support/eventually.ts'
import { startSimulator } from './support/simulator.ts'
import { startSluice } from './support/sluice.ts'
import { startUpstream } from './support/upstream.ts'

const key = 'sk-test-web-0123456789'
const simulator = await startSimulator()
const { requests, url } = await startUpstream(async (_request, response) => {
  await new Promise(resolve => setTimeout(resolve, 200))
  response.setHeader('content-type', 'audio/mpeg').end('...')
})
const price = '{ input: 1, output: 10 }'
const sluice = await startSluice({
  config: `
providers:
  first: { dialect: openai, base_url: "${simulator.url}", api_key: k }
  second: { dialect: anthropic, base_url: "${simulator.url}", api_key: k }
  media: { dialect: openai, base_url: "${url}", api_key: k }
models:
  late: { targets: ["first/sim-1?ttft=20s&as=late", "second/sim-1?tokens=9&as=late"], hedge: { after: 50ms, share: 1 } }
  later: { targets: ["first/sim-1?ttft=400ms&tokens=9&as=later", "second/sim-1?ttft=20s&as=later"], hedge: { after: 50ms, share: 1 } }
  never: { targets: ["first/sim-1?ttft=20s&as=never", "second/sim-1?ttft=20s&as=never"], hedge: { after: 50ms, share: 1 } }
  speak: { targets: [media/voice-1, media/voice-2], hedge: { after: 20ms, share: 1 } }
prices:
${['first', 'second'].map(name => `  "${name}/sim-1*": ${price}`).join('\n')}
keys:
  - { name: web, key: ${key}, organization: acme, project: shop, passthrough: true }
`,
})
const ask = async (path: string, body: object, signal?: AbortSignal): Promise<Response> =>
  await fetch(`${sluice.url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${key}`,
      'x-sluice-feature': path,
    },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  })
const chat = async (model: string, signal?: AbortSignal): Promise<Response> =>
  await ask(
    '/v1/chat/completions',
    { model, stream: true, messages: [{ role: 'user', content: 'Hello!' }] },
    signal,
  )
interface Billed {
  model: string
  outcome: string
  input_tokens: number
  output_tokens: number
}
const billed = async (name: string): Promise<Billed[]> => {
  const { requests: all } = (await simulator.bill()) as { requests: Billed[] }
  return all.filter(({ model }) => model.endsWith(`as=${name}`))
}

for (const [model, winner, ends] of [
  ['late', 1, ['cut', 'ended']],
  ['later', 0, ['ended', 'cut']],
] as const) {
  test(`the slower of two is stopped, and its cost stands apart and in the sum: ${model}`, async () => {
    const answer = await chat(model)
    assert.match(await answer.text(), /data: \[DONE\]\s*$/)
    const bill = await eventually('both requests are over', async () => {
      const lines = await billed(model)
      return lines.length === 2 && lines.every(({ outcome }) => outcome !== 'running') && lines
    })
    assert.deepEqual(
      bill.map(({ outcome }) => outcome),
      ends,
    )
    const call = await callOnRecord(sluice, answer.headers.get('x-sluice-call'))
    const attempts = call.attempts as (AttemptOnRecord & { lost_race: boolean; reason: string })[]
    assert.deepEqual(
      attempts.map(({ reason, status, code, lost_race }) => [reason, status, code, lost_race]),
      [
        ['first', winner === 0 ? 'succeeded' : 'cancelled', null, winner !== 0],
        ['hedge', winner === 1 ? 'succeeded' : 'cancelled', null, winner !== 1],
      ],
    )
    assert.equal(call.status, 'succeeded')
    assert.equal(call.target, attempts[winner]?.target)
    const [won, lost] = [attempts[winner], attempts[1 - winner]]
    assert.deepEqual([won?.usage.source, lost?.usage.source], ['provider', 'estimate'])
    assert.equal(won?.usage.output_tokens, bill[winner]?.output_tokens)
    const usd = attempts.map(({ cost }) => Math.round(Number(cost.usd) * 1e12))
    assert.ok(usd.every(picoUsd => picoUsd > 0))
    assert.equal(Math.round(Number(call.cost.usd) * 1e12), (usd[0] ?? 0) + (usd[1] ?? 0))
    assert.equal(call.cost.state, 'priced')
    const degraded = answer.headers.get('x-sluice-degraded')
    assert.equal(degraded === null, winner === 0)
    if (degraded !== null) assert.match(degraded, /^fallback; target=second\/.*; because=slow$/)
  })
}

test('hedges and what they cost are counted', async () => {
  const text = await (await fetch(`${sluice.url}/metrics`)).text()
  for (const name of ['late', 'later'])
    assert.match(text, new RegExp(`sluice_hedges_total\\{target="second/[^"]*as=${name}"\\} 1`))
  assert.match(text, /sluice_hedge_cost_usd_total\{target="first\/[^"]*as=late"\} [0-9.e-]+[1-9]/)
  assert.match(text, /sluice_hedge_cost_usd_total\{target="second\/[^"]*as=later"\} [0-9.e-]+[1-9]/)
})

test('a caller who leaves has both stopped', async () => {
  const leaving = new AbortController()
  const answer = chat('never', leaving.signal).catch(() => 'gone')
  await eventually('both are asked', async () => (await billed('never')).length === 2)
  leaving.abort()
  assert.equal(await answer, 'gone')
  await eventually('both are stopped', async () =>
    (await billed('never')).every(({ outcome }) => outcome === 'cut'),
  )
})

test('what is passed through is asked for once, however late it is', async () => {
  const answer = await ask('/v1/audio/speech', { model: 'speak', input: 'Hello!', stream: true })
  assert.equal(await answer.text(), '...')
  assert.equal(requests.length, 1)
})
