import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readJson, type Stage, setStage } from '../stage.ts'
import { countTokens } from '../tokens.ts'
import { readEvents, type StreamEvent } from './event-lines.ts'

const input = 'Tell me about lighthouses, please.'
const weather = {
  type: 'function',
  name: 'get_weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}

async function ask(stage: Stage, model: string, more: object = {}) {
  return await readJson(stage.post('/responses', { model, input, ...more }))
}

async function stream(stage: Stage, model: string, more: object = {}): Promise<StreamEvent[]> {
  const answer = await stage.post('/responses', { model, input, stream: true, ...more })
  assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  return readEvents(await answer.text())
}

const names = (events: StreamEvent[]): string[] => events.map(event => event.name)

/** What holds for every stream: names agree with types, and numbers have no gap. */
function assertWellFormed(events: StreamEvent[]): void {
  for (const [index, { name, data }] of events.entries()) {
    assert.equal(data.type, name)
    assert.equal(data.sequence_number, index)
  }
}

test('answers with every field that Open Responses require, and nothing null that must not be', async t => {
  const stage = await setStage(t)
  const response = await ask(stage, 'sim-1?tokens=6&cached=2')
  const { id, output, usage, ...rest } = response
  assert.match(id, /^resp_[0-9a-f]{24}$/)
  assert.deepEqual(rest, {
    object: 'response',
    created_at: Date.UTC(2026, 2, 14) / 1000,
    completed_at: Date.UTC(2026, 2, 14) / 1000,
    status: 'completed',
    background: false,
    error: null,
    incomplete_details: null,
    frequency_penalty: 0,
    instructions: null,
    max_output_tokens: null,
    max_tool_calls: null,
    metadata: {},
    model: 'sim-1',
    parallel_tool_calls: true,
    presence_penalty: 0,
    previous_response_id: null,
    prompt_cache_key: null,
    prompt_cache_retention: null,
    reasoning: { effort: null, summary: null },
    safety_identifier: null,
    service_tier: 'default',
    store: true,
    temperature: 1,
    text: { format: { type: 'text' }, verbosity: 'medium' },
    tool_choice: 'auto',
    tools: [],
    top_logprobs: 0,
    top_p: 1,
    truncation: 'disabled',
    user: null,
  })
  const [message] = output
  assert.equal(output.length, 1)
  assert.match(message.id, /^msg_/)
  assert.deepEqual([message.type, message.role, message.status], ['message', 'assistant', 'completed'])
  const [part] = message.content
  assert.deepEqual({ ...part, text: '' }, { type: 'output_text', text: '', annotations: [], logprobs: [] })
  assert.equal(countTokens(part.text), 6)
  const promptTokens = 3 + 3 + countTokens(input)
  assert.deepEqual(usage, {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: 2 },
    output_tokens: 6,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: promptTokens + 6,
  })
})

test('echoes the settings of the request', async t => {
  const stage = await setStage(t)
  const settings = {
    instructions: 'Be brief.',
    max_output_tokens: 500,
    max_tool_calls: 3,
    metadata: { team: 'blue' },
    parallel_tool_calls: false,
    prompt_cache_key: 'cache',
    safety_identifier: 'someone',
    service_tier: 'flex',
    store: false,
    temperature: 0.5,
    tool_choice: { type: 'function', name: 'get_weather' },
    top_logprobs: 3,
    top_p: 0.9,
    truncation: 'auto',
    user: 'me',
  }
  const response = await ask(stage, 'sim-1', { ...settings, tools: [weather] })
  for (const [name, value] of Object.entries(settings)) assert.deepEqual(response[name], value, name)
  assert.deepEqual(response.tools, [{ ...weather, description: null, strict: true }])
})

test('streams a text in the recorded order, and ends with the response as it is answered whole', async t => {
  const stage = await setStage(t)
  const events = await stream(stage, 'sim-1?tokens=3')
  assertWellFormed(events)
  assert.deepEqual(names(events), [
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.delta',
    'response.output_text.delta',
    'response.output_text.delta',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.completed',
  ])
  const deltas = events.slice(4, 7).map(event => event.data)
  assert.ok(deltas.every(delta => countTokens(delta.delta) === 1 && delta.obfuscation !== ''))
  const { response } = events.at(-1)?.data ?? {}
  assert.equal(deltas.map(delta => delta.delta).join(''), response.output[0].content[0].text)
  assert.deepEqual([events[0]?.data.response.status, events[0]?.data.response.usage], ['in_progress', null])
  const plain = await ask(await setStage(t), 'sim-1?tokens=3')
  assert.deepEqual(response, plain)
})

test('leaves the padding of deltas out when told', async t => {
  const events = await stream(await setStage(t), 'sim-1', { stream_options: { include_obfuscation: false } })
  assert.ok(events.every(event => !('obfuscation' in event.data)))
})

test('calls tools in parallel, each item with its own id beside the id of the call', async t => {
  const stage = await setStage(t)
  const { output } = await ask(stage, 'sim-1?tool=3', { tools: [weather] })
  assert.equal(new Set(output.map((item: { call_id: string }) => item.call_id)).size, 3)
  for (const item of output) {
    assert.match(item.id, /^fc_/)
    assert.match(item.call_id, /^call_/)
    assert.deepEqual([item.type, item.name, item.status], ['function_call', 'get_weather', 'completed'])
    assert.equal(typeof JSON.parse(item.arguments).city, 'string')
  }
  const one = await ask(stage, 'sim-1?tool=3', { tools: [weather], parallel_tool_calls: false })
  assert.equal(one.output.length, 1)
  const required = await ask(stage, 'sim-1', { tools: [weather], tool_choice: 'required' })
  assert.equal(required.output[0].type, 'function_call')
})

test('streams calls one after the other, each begun, told and done', async t => {
  const events = await stream(await setStage(t), 'sim-1?tool=2', { tools: [weather] })
  assertWellFormed(events)
  const order = names(events).filter((name, index, all) => name !== all[index - 1])
  const call = [
    'response.output_item.added',
    'response.function_call_arguments.delta',
    'response.function_call_arguments.done',
    'response.output_item.done',
  ]
  assert.deepEqual(order, [
    'response.created',
    'response.in_progress',
    ...call,
    ...call,
    'response.completed',
  ])
  const { output } = events.at(-1)?.data.response ?? {}
  for (const [index, item] of output.entries()) {
    const mine = events.map(event => event.data).filter(data => data.output_index === index)
    assert.equal(mine[0].item.arguments, '')
    assert.equal(mine.map(data => data.delta ?? '').join(''), item.arguments)
    assert.deepEqual(mine.at(-1).item, item)
  }
})

test('speaks when tools have answered, in text or in parts', async t => {
  const stage = await setStage(t)
  const tools = [weather]
  const { output } = await ask(stage, 'sim-1?tool=2', { tools })
  const outputs = [
    { type: 'function_call_output', call_id: output[0].call_id, output: 'sunny' },
    {
      type: 'function_call_output',
      call_id: output[1].call_id,
      output: [
        { type: 'input_text', text: 'rain' },
        { type: 'input_image', image_url: 'https://example.com/rain.png' },
      ],
    },
  ]
  const items = [{ role: 'user', content: input }, ...output, ...outputs]
  const { output: spoken } = await ask(stage, 'sim-1?tool=2', { tools, input: items })
  assert.equal(spoken[0].type, 'message')
})

test('answers in JSON by schema when asked to', async t => {
  const stage = await setStage(t)
  const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
  const format = { type: 'json_schema', name: 'count', schema, strict: true }
  const asked = await ask(stage, 'sim-1', { text: { format } })
  assert.ok(Number.isInteger(JSON.parse(asked.output[0].content[0].text).n))
  assert.deepEqual(asked.text.format, { ...format, description: null })
  const free = await ask(stage, 'sim-1', { text: { format: { type: 'json_object' } } })
  assert.equal(JSON.parse(free.output[0].content[0].text).simulated, true)
})

test('thinks before it speaks: hidden, in a summary when asked, in parts when it is to be detailed', async t => {
  const stage = await setStage(t)
  const hidden = await ask(stage, 'sim-1?reasoning=40&tokens=4')
  const [thought, message] = hidden.output
  assert.deepEqual(Object.keys(thought), ['id', 'type', 'summary'])
  assert.match(thought.id, /^rs_/)
  assert.deepEqual([thought.summary, message.type], [[], 'message'])
  assert.equal(hidden.usage.output_tokens_details.reasoning_tokens, 40)
  assert.equal(hidden.usage.output_tokens, 44)
  const shown = await ask(stage, 'sim-1?reasoning=40', { reasoning: { summary: 'auto' } })
  assert.equal(shown.output[0].summary.length, 1)
  assert.equal(countTokens(shown.output[0].summary[0].text), 40)
  const detailed = await ask(stage, 'sim-1?reasoning=40', { reasoning: { summary: 'detailed' } })
  assert.equal(detailed.output[0].summary.length, 2)
  const effort = await ask(stage, 'sim-1', { reasoning: { effort: 'low' } })
  assert.equal(effort.usage.output_tokens_details.reasoning_tokens, 16)
  const none = await ask(stage, 'sim-1?reasoning=40', { reasoning: { effort: 'none' } })
  assert.equal(none.output[0].type, 'message')
})

test('streams the summary of its reasoning before the message, part by part', async t => {
  const events = await stream(await setStage(t), 'sim-1?reasoning=4&tokens=1', {
    reasoning: { summary: 'detailed' },
    include: ['reasoning.encrypted_content'],
  })
  assertWellFormed(events)
  const part = [
    'response.reasoning_summary_part.added',
    'response.reasoning_summary_text.delta',
    'response.reasoning_summary_text.delta',
    'response.reasoning_summary_text.done',
    'response.reasoning_summary_part.done',
  ]
  assert.deepEqual(names(events).slice(2, 15), [
    'response.output_item.added',
    ...part,
    ...part,
    'response.output_item.done',
    'response.output_item.added',
  ])
  const [early, final] = [events[2]?.data.item, events[13]?.data.item]
  assert.equal(early.id, final.id)
  assert.notEqual(early.encrypted_content, final.encrypted_content)
  assert.deepEqual(events.at(-1)?.data.response.output[0], final)
})

test('declines by script, as a refusal', async t => {
  const stage = await setStage(t)
  const { output, status } = await ask(stage, 'sim-1?refusal')
  assert.equal(status, 'completed')
  const [part] = output[0].content
  assert.deepEqual(Object.keys(part), ['type', 'refusal'])
  assert.match(part.refusal, /can't|decline/)
  const events = await stream(stage, 'sim-1?refusal')
  assertWellFormed(events)
  const deltas = events.filter(event => event.name === 'response.refusal.delta')
  assert.equal(deltas.map(event => event.data.delta).join(''), part.refusal)
  const done = events.find(event => event.name === 'response.refusal.done')
  assert.equal(done?.data.refusal, part.refusal)
})

test('is incomplete at the cap of tokens, reasoning included, and when a filter breaks it off', async t => {
  const stage = await setStage(t)
  const capped = await ask(stage, 'sim-1?reasoning=10&tokens=50', { max_output_tokens: 16 })
  assert.deepEqual([capped.status, capped.completed_at], ['incomplete', null])
  assert.deepEqual(capped.incomplete_details, { reason: 'max_output_tokens' })
  assert.equal(capped.output[1].status, 'incomplete')
  assert.equal(countTokens(capped.output[1].content[0].text), 6)
  const spent = await stream(stage, 'sim-1?reasoning=90', { max_output_tokens: 16 })
  assertWellFormed(spent)
  assert.equal(spent.at(-1)?.name, 'response.incomplete')
  const { output, usage } = spent.at(-1)?.data.response ?? {}
  assert.deepEqual(
    output.map((item: { type: string }) => item.type),
    ['reasoning'],
  )
  assert.equal(usage.output_tokens, 16)
  const filtered = await ask(stage, 'sim-1?filter')
  assert.deepEqual(filtered.incomplete_details, { reason: 'content_filter' })
})

test('gives log probabilities when they are included, one for each token', async t => {
  const stage = await setStage(t)
  const more = { include: ['message.output_text.logprobs'], top_logprobs: 2 }
  const plain = await ask(stage, 'sim-1?tokens=4', more)
  const { logprobs } = plain.output[0].content[0]
  assert.equal(logprobs.length, 4)
  assert.equal(logprobs[0].top_logprobs.length, 2)
  const events = await stream(stage, 'sim-1?tokens=4', more)
  const deltas = events.filter(event => event.name === 'response.output_text.delta')
  assert.deepEqual(
    deltas.flatMap(event => event.data.logprobs),
    logprobs,
  )
})

test('bills what its usage says, in every shape, and what it leaves out by script', async t => {
  const stage = await setStage(t)
  const shapes: [string, object][] = [
    ['sim-1?tokens=7&cached=3', {}],
    ['sim-1?reasoning=21&tokens=5', { reasoning: { summary: 'auto' } }],
    ['sim-1?reasoning=9', { max_output_tokens: 16 }],
    ['sim-1?tool=2', { tools: [weather] }],
    ['sim-1?refusal', {}],
    ['sim-1?filter&tokens=20', {}],
  ]
  for (const [model, more] of shapes) {
    const { id, usage } = await ask(stage, model, more)
    const told = (await stream(stage, model, more)).at(-1)?.data.response
    assert.deepEqual(told.usage, usage)
    const [plain, streamed] = stage.bill.lines().slice(-2)
    for (const line of [plain, streamed]) {
      assert.equal(line?.outcome, 'ended')
      assert.equal(line?.operation, 'chat')
      assert.equal(line?.input_tokens, usage.input_tokens)
      assert.equal(line?.cached_input_tokens, usage.input_tokens_details.cached_tokens)
      assert.equal(line?.output_tokens, usage.output_tokens)
      assert.equal(line?.reasoning_tokens, usage.output_tokens_details.reasoning_tokens)
    }
    assert.deepEqual([plain?.id, streamed?.id], [id, told.id])
  }
  const silent = await ask(stage, 'sim-1?tokens=4&nousage')
  assert.equal(silent.usage, null)
  assert.equal(stage.bill.lines().at(-1)?.output_tokens, 4)
})

test('counts a prompt as it would be billed, for nothing', async t => {
  const stage = await setStage(t)
  const prompt = { instructions: 'Be brief.', tools: [weather], input: [{ role: 'user', content: input }] }
  const counted = await readJson(stage.post('/responses/input_tokens', { model: 'sim-1', ...prompt }))
  const { usage } = await ask(stage, 'sim-1', prompt)
  assert.deepEqual(counted, { object: 'response.input_tokens', input_tokens: usage.input_tokens })
  const [line] = stage.bill.lines()
  assert.deepEqual([line?.operation, line?.outcome, line?.input_tokens], ['count', 'ended', 0])
  const unknown = await stage.post('/responses/input_tokens', { model: 'sim-1', input, stream: true })
  assert.equal((await readJson(unknown)).error.code, 'unknown_parameter')
})
