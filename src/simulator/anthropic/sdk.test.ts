import assert from 'node:assert/strict'
import { test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { setStage, until } from '../stage.ts'

const messages = [{ role: 'user' as const, content: 'What about lighthouses?' }]
const tools = [
  {
    name: 'find',
    input_schema: {
      type: 'object' as const,
      properties: { place: { type: 'string' } },
      required: ['place'],
    },
  },
]
const max_tokens = 2048

test('the SDK puts text, thinking and calls of a stream together as they are when plain', async t => {
  const { root } = await setStage(t)
  const client = new Anthropic({ baseURL: root, apiKey: 'sk-ant-any' })
  const thinking = { type: 'enabled' as const, budget_tokens: 1024 }
  for (const model of ['sim-1', 'sim-1?tool=2']) {
    const body = { model, messages, max_tokens, tools, thinking }
    const plain = await client.messages.create(body)
    const streamed = await client.messages.stream(body).finalMessage()
    assert.deepEqual(streamed.content, plain.content)
    assert.deepEqual([streamed.stop_reason, streamed.stop_details], [plain.stop_reason, plain.stop_details])
    assert.deepEqual(streamed.usage, plain.usage)
    assert.equal(plain.content[0]?.type, 'thinking')
  }
})

test('the SDK counts tokens, also as beta, and lists models over several pages', async t => {
  const { root } = await setStage(t)
  const client = new Anthropic({ baseURL: root, apiKey: 'sk-ant-any' })
  const { input_tokens } = await client.messages.countTokens({ model: 'sim-1', messages })
  const beta = await client.beta.messages.create({ model: 'sim-1', messages, max_tokens, betas: ['any'] })
  assert.equal(beta.usage.input_tokens, input_tokens)
  const ids: string[] = []
  for await (const model of client.models.list({ limit: 2 })) ids.push(model.id)
  assert.ok(ids.includes('sim-1') && ids.includes('sim-embed') && !ids.includes('sim-missing'))
  assert.equal((await client.models.retrieve('vendor/any')).id, 'vendor/any')
})

test('the SDK throws its typed errors, before a stream and in the middle of one', async t => {
  const { root } = await setStage(t)
  const client = new Anthropic({ baseURL: root, apiKey: 'sk-ant-any', maxRetries: 0 })
  const ask = (model: string) => client.messages.create({ model, messages, max_tokens })
  await assert.rejects(ask('sim-1?fail=401'), Anthropic.AuthenticationError)
  await assert.rejects(ask('sim-missing'), Anthropic.NotFoundError)
  await assert.rejects(ask('sim-1?fail=429'), Anthropic.RateLimitError)
  await assert.rejects(ask('sim-1?fail=529'), Anthropic.InternalServerError)
  const stream = client.messages.stream({ model: 'sim-1?fail=stream-error', messages, max_tokens })
  await assert.rejects(stream.finalMessage(), Anthropic.APIError)
})

test('an abort of the SDK in mid-stream is noticed, and billed up to there', async t => {
  const { root, clock, bill } = await setStage(t)
  const client = new Anthropic({ baseURL: root, apiKey: 'sk-ant-any' })
  const model = 'sim-1?tokens=50&pace=1s'
  const stream = await client.messages.create({ model, messages, max_tokens, stream: true })
  let pieces = 0
  for await (const event of stream) {
    if (event.type !== 'content_block_delta') continue
    pieces += 1
    if (pieces === 3) break
    await clock.awaited()
    clock.advance(1000)
  }
  await until(() => bill.totals().cut === 1)
  assert.equal(bill.totals().output_tokens, 3)
})
