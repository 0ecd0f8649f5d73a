import assert from 'node:assert/strict'
import { test } from 'node:test'
import { framesOf, readJson, setStage } from '../stage.ts'
import { countTokens } from '../tokens.ts'

const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}

test('streams in the recorded order: role, tokens, finish, usage, [DONE]', async t => {
  const stage = await setStage(t)
  const more = { stream: true, stream_options: { include_usage: true } }
  const answer = await stage.chat('sim-1?tokens=6', more)
  assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  const frames = framesOf(await answer.text())
  assert.equal(frames.at(-1), '[DONE]')
  const chunks = frames.slice(0, -1).map(frame => JSON.parse(frame))
  assert.equal(chunks.length, 1 + 6 + 1 + 1)
  assert.deepEqual(chunks[0].choices[0].delta, { role: 'assistant', content: '', refusal: null })
  assert.ok(chunks.slice(1, 7).every(chunk => countTokens(chunk.choices[0].delta.content) === 1))
  assert.deepEqual(chunks[7].choices[0], { index: 0, delta: {}, logprobs: null, finish_reason: 'stop' })
  assert.ok(chunks.slice(0, 8).every(chunk => chunk.usage === null && chunk.id === chunks[0].id))
  assert.deepEqual(chunks[8].choices, [])
  assert.equal(chunks[8].usage.completion_tokens, 6)
})

test('keeps usage out of a stream that did not ask for it', async t => {
  const stage = await setStage(t)
  const text = await (await stage.chat('sim-1?tokens=6', { stream: true })).text()
  assert.ok(!text.includes('usage'))
})

test('says the same streamed and plain, and again with the same seed', async t => {
  const [one, other, third] = [await setStage(t, 7), await setStage(t, 7), await setStage(t, 8)]
  const plain = await readJson(one.chat('sim-1'))
  const stream = await (await other.chat('sim-1', { stream: true })).text()
  const streamed = framesOf(stream)
    .slice(0, -1)
    .map(frame => JSON.parse(frame).choices[0].delta.content ?? '')
  assert.equal(streamed.join(''), plain.choices[0].message.content)
  assert.match(plain.choices[0].message.content, /lighthouses/i)
  const different = await readJson(third.chat('sim-1'))
  assert.notEqual(different.choices[0].message.content, plain.choices[0].message.content)
  const again = await readJson((await setStage(t, 7)).chat('sim-1'))
  assert.deepEqual(again, plain)
})

test('counts usage by its own tokenizer, reasoning and cached tokens included', async t => {
  const stage = await setStage(t)
  const { usage, choices } = await readJson(stage.chat('sim-1?tokens=9&reasoning=40&cached=5'))
  assert.equal(countTokens(choices[0].message.content), 9)
  assert.equal(usage.prompt_tokens, 3 + 3 + countTokens('Tell me about lighthouses, please.'))
  assert.equal(usage.completion_tokens, 49)
  assert.equal(usage.total_tokens, usage.prompt_tokens + 49)
  assert.equal(usage.prompt_tokens_details.cached_tokens, 5)
  assert.equal(usage.completion_tokens_details.reasoning_tokens, 40)
})

test('stops at the cap of tokens, reasoning included, and says so', async t => {
  const stage = await setStage(t)
  const capped = await readJson(stage.chat('sim-1?reasoning=3', { max_completion_tokens: 8 }))
  assert.equal(capped.choices[0].finish_reason, 'length')
  assert.equal(capped.usage.completion_tokens, 8)
  const old = await readJson(stage.chat('sim-1', { max_tokens: 2 }))
  assert.equal(countTokens(old.choices[0].message.content), 2)
})

test('stops before a stop sequence', async t => {
  const stage = await setStage(t)
  const { choices } = await readJson(stage.chat('sim-1?tokens=60', { stop: ['.'] }))
  assert.ok(!choices[0].message.content.includes('.'))
  assert.equal(choices[0].finish_reason, 'stop')
})

test('gives several answers, streamed in turns', async t => {
  const stage = await setStage(t)
  const plain = await readJson(stage.chat('sim-1?tokens=5', { n: 3 }))
  assert.deepEqual(
    plain.choices.map((choice: { index: number }) => choice.index),
    [0, 1, 2],
  )
  assert.equal(
    new Set(plain.choices.map((choice: { message: { content: string } }) => choice.message.content)).size,
    3,
  )
  assert.equal(plain.usage.completion_tokens, 15)
  const frames = framesOf(await (await stage.chat('sim-1?tokens=2', { n: 2, stream: true })).text())
  const order = frames.slice(0, -1).map(frame => JSON.parse(frame).choices[0].index)
  assert.deepEqual(order, [0, 1, 0, 1, 0, 1, 0, 1])
})

test('calls tools when it must, or when the script says so, and speaks when they have answered', async t => {
  const stage = await setStage(t)
  const tools = [weather]
  const auto = await readJson(stage.chat('sim-1', { tools }))
  assert.equal(auto.choices[0].finish_reason, 'stop')
  const required = await readJson(stage.chat('sim-1', { tools, tool_choice: 'required' }))
  assert.equal(required.choices[0].finish_reason, 'tool_calls')
  assert.equal(required.choices[0].message.content, null)
  const [call] = required.choices[0].message.tool_calls
  assert.equal(typeof JSON.parse(call.function.arguments).city, 'string')
  const many = await readJson(stage.chat('sim-1?tool=3', { tools }))
  assert.equal(many.choices[0].message.tool_calls.length, 3)
  const single = await readJson(stage.chat('sim-1?tool=3', { tools, parallel_tool_calls: false }))
  assert.equal(single.choices[0].message.tool_calls.length, 1)
  const messages = [
    { role: 'user', content: 'Weather?' },
    { role: 'assistant', content: null, tool_calls: [call] },
    { role: 'tool', tool_call_id: call.id, content: 'sunny' },
  ]
  const spoken = await readJson(stage.chat('sim-1?tool=3', { tools, messages }))
  assert.equal(spoken.choices[0].finish_reason, 'stop')
})

test('answers in JSON when asked to', async t => {
  const stage = await setStage(t)
  const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
  const json_schema = { name: 'count', schema, strict: true }
  const asked = await readJson(stage.chat('sim-1', { response_format: { type: 'json_schema', json_schema } }))
  assert.ok(Number.isInteger(JSON.parse(asked.choices[0].message.content).n))
  const free = await readJson(stage.chat('sim-1', { response_format: { type: 'json_object' } }))
  assert.equal(JSON.parse(free.choices[0].message.content).simulated, true)
})

test('declines by script, as a refusal and not as content, and finishes with stop', async t => {
  const stage = await setStage(t)
  const { choices } = await readJson(stage.chat('sim-1?refusal&tool=1', { tools: [weather] }))
  assert.equal(choices[0].message.content, null)
  assert.match(choices[0].message.refusal, /can't|decline/)
  assert.equal(choices[0].finish_reason, 'stop')
  const frames = framesOf(await (await stage.chat('sim-1?refusal', { stream: true })).text())
  const deltas = frames.slice(0, -1).map(frame => JSON.parse(frame).choices[0].delta)
  assert.ok(deltas.every(delta => !delta.content))
  assert.match(deltas.map(delta => delta.refusal ?? '').join(''), /can't|decline/)
})

test('leaves usage out by script, and still bills it', async t => {
  const stage = await setStage(t)
  const plain = await readJson(stage.chat('sim-1?tokens=4&nousage'))
  assert.equal(plain.usage, undefined)
  assert.equal(stage.bill.totals().output_tokens, 4)
})

test('gives log probabilities, one for each token', async t => {
  const stage = await setStage(t)
  const more = { logprobs: true, top_logprobs: 2 }
  const { choices } = await readJson(stage.chat('sim-1?tokens=4', more))
  assert.equal(choices[0].logprobs.content.length, 4)
  assert.equal(choices[0].logprobs.content[0].top_logprobs.length, 2)
  const frames = framesOf(await (await stage.chat('sim-1?tokens=4', { ...more, stream: true })).text())
  assert.equal(JSON.parse(frames[1] ?? '').choices[0].logprobs.content.length, 1)
})

test('refuses bad requests in the recorded shape, all four keys present, and bills no token', async t => {
  const stage = await setStage(t)
  const messages = [{ role: 'user', content: 'hi' }]
  const bad: [unknown, string | null, string | null][] = [
    ['{"model":', 'invalid_json', null],
    ['[]', 'invalid_json', null],
    [{ messages }, 'missing_required_parameter', 'model'],
    [{ model: 'sim-1' }, 'missing_required_parameter', 'messages'],
    [{ model: 'sim-1', messages, temperature: -1 }, 'decimal_below_min_value', 'temperature'],
    [{ model: 'sim-1', messages, n: 0 }, 'integer_below_min_value', 'n'],
    [{ model: 'sim-1', messages, stream: 'yes' }, 'invalid_type', 'stream'],
    [{ model: 'sim-1', messages: [{ role: 'robot' }] }, 'invalid_value', 'messages[0].role'],
    [{ model: 'sim-1', messages: [{ role: 'user', content: 3 }] }, 'invalid_type', 'messages[0].content'],
  ]
  for (const [body, code, param] of bad) {
    const answer = await stage.post('/chat/completions', body)
    assert.equal(answer.status, 400)
    const { error } = await readJson(answer)
    assert.deepEqual({ ...error, message: '' }, { message: '', type: 'invalid_request_error', param, code })
  }
  const { requests, refused, input_tokens } = stage.bill.totals()
  assert.deepEqual(
    { requests, refused, input_tokens },
    { requests: bad.length, refused: bad.length, input_tokens: 0 },
  )
})
