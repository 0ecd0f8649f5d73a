import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import OpenAI6 from 'openai-6'
import { setStage, until } from '../stage.ts'

const messages = [{ role: 'user' as const, content: 'What about lighthouses?' }]
const tool = {
  type: 'function' as const,
  function: {
    name: 'find',
    parameters: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
  },
}

const sdks = { 'openai 7': OpenAI, 'openai 6': OpenAI6 as unknown as typeof OpenAI }

for (const [name, Client] of Object.entries(sdks)) {
  test(`${name}: chats, plain and streamed`, async t => {
    const { url } = await setStage(t)
    const client = new Client({ baseURL: url, apiKey: 'sk-any' })
    const plain = await client.chat.completions.create({ model: 'sim-1', messages })
    const stream = client.chat.completions.stream({
      model: 'sim-1',
      messages,
      stream_options: { include_usage: true },
    })
    const streamed = await stream.finalChatCompletion()
    assert.equal(streamed.choices[0]?.message.content, plain.choices[0]?.message.content)
    assert.deepEqual(streamed.usage, plain.usage)
  })

  test(`${name}: puts streamed tool calls together`, async t => {
    const { url } = await setStage(t)
    const client = new Client({ baseURL: url, apiKey: 'sk-any' })
    const stream = client.chat.completions.stream({ model: 'sim-1?tool=2', messages, tools: [tool] })
    const { finish_reason, message } = (await stream.finalChatCompletion()).choices[0]!
    assert.equal(finish_reason, 'tool_calls')
    assert.equal(message.tool_calls?.length, 2)
    for (const call of message.tool_calls ?? []) {
      assert.ok(call.type === 'function' && JSON.parse(call.function.arguments).place)
    }
  })

  test(`${name}: reads embeddings and models`, async t => {
    const { url } = await setStage(t)
    const client = new Client({ baseURL: url, apiKey: 'sk-any' })
    const { data } = await client.embeddings.create({ model: 'sim-embed', input: ['a', 'b'] })
    assert.deepEqual(
      data.map(one => one.embedding.length),
      [256, 256],
    )
    const models = (await client.models.list()).data.map(model => model.id)
    assert.ok(models.includes('sim-1') && !models.includes('sim-missing'))
    assert.equal((await client.models.retrieve('vendor/any')).id, 'vendor/any')
    await assert.rejects(client.models.retrieve('sim-missing'), Client.NotFoundError)
  })

  test(`${name}: throws its typed errors`, async t => {
    const { url } = await setStage(t)
    const client = new Client({ baseURL: url, apiKey: 'sk-any', maxRetries: 0 })
    const ask = (model: string) => client.chat.completions.create({ model, messages })
    await assert.rejects(ask('sim-1?fail=401'), Client.AuthenticationError)
    await assert.rejects(ask('sim-missing'), { status: 404, code: 'model_not_found', param: 'model' })
    await assert.rejects(ask('sim-1?fail=429'), Client.RateLimitError)
    await assert.rejects(ask('sim-1?fail=529'), Client.InternalServerError)
  })

  test(`${name}: an abort in mid-stream is noticed, and billed up to there`, async t => {
    const { url, clock, bill } = await setStage(t)
    const client = new Client({ baseURL: url, apiKey: 'sk-any' })
    const model = 'sim-1?tokens=50&pace=1s'
    const stream = await client.chat.completions.create({ model, messages, stream: true })
    let pieces = 0
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) pieces += 1
      if (pieces === 3) break
      if (pieces > 0) {
        await clock.awaited()
        clock.advance(1000)
      }
    }
    await until(() => bill.totals().cut === 1)
    assert.equal(bill.totals().output_tokens, 3)
  })
}
