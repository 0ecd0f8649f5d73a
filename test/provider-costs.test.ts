import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callOnRecord } from './support/call-log.ts'
import { startSluice } from './support/sluice.ts'
import { startUpstream } from './support/upstream.ts'

const usage = { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 }
const answers: Record<string, object> = {
  usual: { usage },
  flex: { usage, service_tier: 'flex' },
  told: { usage: { ...usage, cost_in_usd_ticks: 27_000_000 } },
  negative: { usage: { ...usage, completion_tokens: -100 } },
  'more-cached': { usage: { ...usage, prompt_tokens_details: { cached_tokens: 5000 } } },
}

const upstream = await startUpstream((request, response) => {
  const { model } = JSON.parse(request.body)
  const choices = [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }]
  const name = String(model).replace('unknown-', '')
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ id: 'c', object: 'chat.completion', model, choices, ...answers[name] }))
})

const sluice = await startSluice({
  config: `providers:
  house: { base_url: ${upstream.url} }
models: { "*": { targets: [house/*] } }
prices:
  house/unknown-told: { image: 1 }
  house/usual: &price { input: 2, cached_input: 0.5, output: 8, tiers: { flex: { input: 1, output: 4 } } }
  house/flex: *price
  house/told: *price
  house/negative: *price
  house/more-cached: *price
markup: { "*": 1.5 }
`,
})

async function attemptOf(model: string) {
  const messages = [{ role: 'user', content: 'Hi' }]
  const answer = await fetch(`${sluice.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${sluice.adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages }),
  })
  assert.equal(answer.status, 200)
  await answer.text()
  const call = await callOnRecord(sluice, answer.headers.get('x-sluice-call'))
  const [attempt] = call.attempts
  assert(attempt)
  return attempt as typeof attempt & {
    service_tier: string | null
    usage_doubt: string | null
    cost: { provider_usd: string | null; difference_usd: string | null }
  }
}

test('counts the tier that the provider says it served', async () => {
  const [usual, flex] = [await attemptOf('usual'), await attemptOf('flex')]
  assert.equal(usual.cost.usd, '0.0028')
  assert.equal(usual.service_tier, null)
  assert.equal(flex.cost.usd, '0.0014')
  assert.equal(flex.service_tier, 'flex')
  assert.equal(flex.cost.price, 'config/house/flex;tier=flex')
})

test('keeps what the provider says beside it, and the difference', async () => {
  const { cost } = await attemptOf('told')
  assert.equal(cost.usd, '0.0028')
  assert.equal(cost.provider_usd, '0.0027')
  assert.equal(cost.difference_usd, '0.0001')
})

test('takes the provider’s word where it has no price', async () => {
  const { cost } = await attemptOf('unknown-told')
  assert.deepEqual([cost.usd, cost.state, cost.price], ['0.0027', 'priced', 'provider'])
})

test('prices nothing of a report that counts what is no number, and says so', async () => {
  const { cost, usage_doubt: doubt, usage: told } = await attemptOf('negative')
  assert.equal(doubt, 'refused')
  assert.equal(cost.usd, null)
  assert.equal(cost.state, 'unpriced')
  assert.equal(told.output_tokens, null)
})

test('cuts details to what is billed where a report contradicts itself, and says so', async () => {
  const { cost, usage_doubt: doubt } = await attemptOf('more-cached')
  assert.equal(doubt, 'contradicts')
  assert.equal(cost.usd, '0.0013')
})

test('counts all of it for the graphs', async () => {
  const metrics = await (
    await fetch(`${sluice.url}/metrics`, { headers: { authorization: `Bearer ${sluice.adminKey}` } })
  ).text()
  assert.match(metrics, /^sluice_provider_cost_usd_total\{target="house\/told"\} 0\.0027$/m)
  assert.match(metrics, /^sluice_cost_difference_usd_total\{target="house\/told",ours="more"\} 0\.0001\d*$/m)
  assert.match(metrics, /^sluice_doubtful_usage_total\{target="house\/negative",doubt="refused"\} 1$/m)
})
