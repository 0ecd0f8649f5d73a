import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { readJson, setStage, until } from '../stage.ts'
import { countTokens } from '../tokens.ts'

const question = { role: 'user', content: 'Tell me about lighthouses, please.' }
const tool = {
  name: 'get_weather',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}
const thinking = { type: 'enabled', budget_tokens: 1024 }

async function open(t: TestContext) {
  const stage = await setStage(t)
  const ask = (model: string, more: object = {}, headers: Record<string, string> = {}) =>
    stage.post(
      '/messages?beta=true',
      { model, max_tokens: 4096, messages: [question], ...more },
      { 'anthropic-version': '2023-06-01', 'x-api-key': 'sk-ant-secret-abcd', ...headers },
    )
  const events = async (model: string, more: object = {}) =>
    eventsOf(await (await ask(model, { stream: true, ...more })).text())
  return { stage, ask, events }
}

/** Events by their names, each of which must be its data's type. */
function eventsOf(text: string) {
  return text
    .split('\n\n')
    .filter(frame => frame !== '')
    .map(frame => {
      const [name, data] = frame.split('\n')
      const event = JSON.parse((data ?? '').replace(/^data: /, ''))
      assert.equal(name, `event: ${event.type}`)
      return event
    })
}

/** Puts a stream together as a client does: blocks open one at a time. */
function gather(events: ReturnType<typeof eventsOf>) {
  const message = structuredClone(events[0].message)
  const json = new Map<number, string>()
  let open: number | undefined
  for (const event of events) {
    const block = message.content[event.index]
    if (event.type === 'content_block_start') {
      assert.equal(open, undefined, 'one block at a time')
      assert.equal(event.index, message.content.length)
      open = event.index
      message.content.push(structuredClone(event.content_block))
    } else if (event.type === 'content_block_stop') {
      assert.equal(event.index, open)
      open = undefined
      if (block.type === 'tool_use') block.input = JSON.parse(json.get(event.index) || '{}')
    } else if (event.type === 'content_block_delta') {
      assert.equal(event.index, open)
      const { type, text, thinking: thought, signature, partial_json } = event.delta
      if (type === 'text_delta') block.text += text
      if (type === 'thinking_delta') block.thinking += thought
      if (type === 'signature_delta') block.signature = signature
      if (type === 'input_json_delta') json.set(event.index, (json.get(event.index) ?? '') + partial_json)
    } else if (event.type === 'message_delta') {
      Object.assign(message, event.delta)
      Object.assign(message.usage, event.usage)
    }
  }
  return message
}

const billed = (stage: Awaited<ReturnType<typeof setStage>>) => {
  const { input_tokens, cached_input_tokens, output_tokens, reasoning_tokens } = stage.bill.totals()
  return { input_tokens, cached_input_tokens, output_tokens, reasoning_tokens }
}

test('streams in the recorded order: start with usage, ping, block, delta with usage, stop', async t => {
  const { events } = await open(t)
  const all = await events('sim-1?tokens=3')
  assert.deepEqual(
    all.map(event => event.type),
    [
      ...['message_start', 'ping', 'content_block_start', 'content_block_delta', 'content_block_delta'],
      ...['content_block_delta', 'content_block_stop', 'message_delta', 'message_stop'],
    ],
  )
  assert.deepEqual(all[0].message.content, [])
  assert.equal(all[0].message.usage.input_tokens, all.at(-2).usage.input_tokens)
  assert.deepEqual(all.at(-2).delta, { stop_reason: 'end_turn', stop_sequence: null, stop_details: null })
  assert.equal(all.at(-2).usage.output_tokens, 3)
})

test('says the same streamed and plain: text, tool calls and thinking', async t => {
  const cases: [string, object][] = [
    ['sim-1', {}],
    ['sim-1?tool=3', { tools: [tool] }],
    ['sim-1?reasoning=9&tokens=5', { thinking }],
    ['sim-1?reasoning=9&tool=2', { thinking, tools: [tool] }],
    ['sim-1?reasoning=9', { thinking: { type: 'adaptive', display: 'omitted' } }],
  ]
  for (const [model, more] of cases) {
    const { ask, events } = await open(t)
    const plain = await readJson(ask(model, more))
    const streamed = gather(await events(model, more))
    assert.notEqual(streamed.id, plain.id)
    assert.deepEqual({ ...streamed, id: '' }, { ...plain, id: '' })
    assert.match(plain.id, /^msg_01[0-9a-f]{24}$/)
  }
})

test('counts cached tokens outside the input and thinking inside the output, as its bill does', async t => {
  const { stage, ask } = await open(t)
  const { usage, content } = await readJson(ask('sim-1?tokens=7&reasoning=40&cached=5', { thinking }))
  assert.equal(countTokens(content[0].thinking), 40)
  assert.equal(countTokens(content[1].text), 7)
  assert.equal(usage.input_tokens + usage.cache_read_input_tokens, 3 + 3 + countTokens(question.content))
  assert.equal(usage.cache_read_input_tokens, 5)
  assert.equal(usage.output_tokens, 47)
  assert.equal(usage.output_tokens_details.thinking_tokens, 40)
  assert.deepEqual(billed(stage), {
    input_tokens: usage.input_tokens + 5,
    cached_input_tokens: 5,
    output_tokens: 47,
    reasoning_tokens: 40,
  })
})

test('thinks only when it is asked to, no more than the budget, and seals what it thought', async t => {
  const { ask, stage } = await open(t)
  const silent = await readJson(ask('sim-1?reasoning=40'))
  assert.deepEqual([silent.content.length, silent.usage.output_tokens_details.thinking_tokens], [1, 0])
  const usual = await readJson(ask('sim-1', { thinking: { type: 'adaptive' } }))
  assert.equal(usual.content[0].type, 'thinking')
  const capped = await readJson(ask('sim-1?reasoning=9000', { thinking, max_tokens: 9000 }))
  assert.equal(capped.usage.output_tokens_details.thinking_tokens, 1024)
  const omitted = await readJson(ask('sim-1', { thinking: { ...thinking, display: 'omitted' } }))
  assert.equal(omitted.content[0].thinking, '')
  assert.ok(omitted.content[0].signature.length > 40)
  assert.equal(stage.bill.totals().ended, 4)
})

test('bills thinking that is shown as it is streamed', async t => {
  const { stage, ask } = await open(t)
  const answer = await ask('sim-1?fail=eof&reasoning=20&tokens=5&after=4', { thinking, stream: true })
  assert.equal(eventsOf(await answer.text()).length, 2 + 1 + 4)
  await until(() => stage.bill.totals().cut === 1)
  assert.deepEqual([stage.bill.totals().output_tokens, stage.bill.totals().reasoning_tokens], [4, 4])
})

test('calls tools one block each, with an empty first delta, and ids that it takes back', async t => {
  const { ask, events } = await open(t)
  const called = await readJson(ask('sim-1?tool=2', { tools: [tool] }))
  assert.equal(called.stop_reason, 'tool_use')
  assert.deepEqual(
    called.content.map((block: { type: string }) => block.type),
    ['tool_use', 'tool_use'],
  )
  assert.equal(typeof called.content[0].input.city, 'string')
  const deltas = (await events('sim-1?tool=1', { tools: [tool] })).filter(event => event.delta?.type)
  assert.deepEqual(deltas[0].delta, { type: 'input_json_delta', partial_json: '' })
  const nothing = { name: 'now', input_schema: { type: 'object' } }
  const bare = await events('sim-1?tool=1', { tools: [nothing] })
  assert.equal(bare.filter(event => event.delta?.type).length, 1)
  assert.deepEqual(gather(bare).content[0].input, {})
  const results = called.content.map(({ id }: { id: string }) => ({
    type: 'tool_result',
    tool_use_id: id,
    content: [{ type: 'text', text: 'sunny' }],
  }))
  const messages = [
    question,
    { role: 'assistant', content: called.content },
    { role: 'user', content: results },
  ]
  const spoken = await readJson(ask('sim-1?tool=2', { tools: [tool], messages }))
  assert.equal(spoken.stop_reason, 'end_turn')
  const single = { tools: [tool], tool_choice: { type: 'any', disable_parallel_tool_use: true } }
  assert.equal((await readJson(ask('sim-1?tool=3', single))).content.length, 1)
})

test('takes its thinking back with the calls of the turn, and no other seal than its own', async t => {
  const { ask } = await open(t)
  const more = { tools: [tool], thinking }
  const { content } = await readJson(ask('sim-1?tool=1', more))
  const result = { type: 'tool_result', tool_use_id: content[1].id, content: 'sunny' }
  const reply = async (blocks: object[]) => {
    const messages = [question, { role: 'assistant', content: blocks }, { role: 'user', content: [result] }]
    return await readJson(ask('sim-1', { ...more, messages }))
  }
  assert.equal((await reply(content)).type, 'message')
  const tampered = [{ ...content[0], thinking: 'something else' }, content[1]]
  assert.match((await reply(tampered)).error.message, /^messages\.1\.content\.0: Invalid `signature`/)
  assert.match((await reply([content[1]])).error.message, /Expected `thinking` or `redacted_thinking`/)
})

test('stops at max_tokens, at a stop sequence, and by refusal, each with its reason', async t => {
  const { stage, ask, events } = await open(t)
  const capped = await readJson(ask('sim-1', { max_tokens: 2 }))
  assert.deepEqual([capped.stop_reason, capped.usage.output_tokens], ['max_tokens', 2])
  const stopped = await readJson(ask('sim-1?tokens=60', { stop_sequences: ['zzz', '.'] }))
  assert.deepEqual([stopped.stop_reason, stopped.stop_sequence], ['stop_sequence', '.'])
  const refused = gather(await events('sim-1?refusal'))
  assert.deepEqual([refused.stop_reason, refused.content], ['refusal', []])
  assert.equal(refused.stop_details.type, 'refusal')
  assert.deepEqual([refused.usage.output_tokens, stage.bill.lines().at(-1)?.output_tokens], [0, 0])
  const filtered = await readJson(ask('sim-1?filter&tokens=8'))
  assert.deepEqual([filtered.stop_reason, countTokens(filtered.content[0].text)], ['refusal', 4])
})

test('answers in JSON by a schema, and refuses what its decoder would not take', async t => {
  const { ask } = await open(t)
  const properties = { n: { type: 'integer' } }
  const schema = { type: 'object', properties, required: ['n'], additionalProperties: false }
  const format = (value: object) => ({ output_config: { format: { type: 'json_schema', schema: value } } })
  const { content } = await readJson(ask('sim-1', format(schema)))
  assert.ok(Number.isInteger(JSON.parse(content[0].text).n))
  const open1 = await readJson(ask('sim-1', format({ type: 'object', properties })))
  assert.match(open1.error.message, /'additionalProperties' must be explicitly set to false/)
  const bounded = { ...schema, properties: { n: { type: 'integer', minimum: 1 } } }
  assert.match((await readJson(ask('sim-1', format(bounded)))).error.message, /minimum are not supported/)
})

test('tells each failure with its status, its type and the id of the request', async t => {
  const { stage, ask } = await open(t)
  const expected: [string, number, string][] = [
    ['400', 400, 'invalid_request_error'],
    ['context', 400, 'invalid_request_error'],
    ['401', 401, 'authentication_error'],
    ['402', 402, 'billing_error'],
    ['403', 403, 'permission_error'],
    ['404', 404, 'not_found_error'],
    ['413', 413, 'request_too_large'],
    ['429', 429, 'rate_limit_error'],
    ['500', 500, 'api_error'],
    ['504', 504, 'timeout_error'],
    ['529', 529, 'overloaded_error'],
  ]
  for (const [name, status, type] of expected) {
    const answer = await ask(`sim-1?fail=${name}`)
    assert.equal(answer.status, status)
    const body = await readJson(answer)
    assert.deepEqual(Object.keys(body), ['type', 'error', 'request_id'])
    assert.deepEqual([body.type, body.error.type], ['error', type])
    assert.equal(body.request_id, answer.headers.get('request-id'))
  }
  assert.deepEqual(billed(stage).input_tokens, 0)
})

test('breaks a stream off: error event, no message_delta, no message_stop, JSON cut short', async t => {
  const { stage, ask, events } = await open(t)
  const failed = await events('sim-1?fail=stream-error&after=3&tokens=8')
  assert.deepEqual([failed.at(-1).type, failed.at(-1).error.type], ['error', 'api_error'])
  const ended = await events('sim-1?fail=eof&after=3&tokens=8')
  assert.equal(ended.at(-1).type, 'content_block_delta')
  const open1 = await events('sim-1?fail=no-done&tokens=3')
  assert.equal(open1.at(-1).type, 'message_delta')
  const truncated = await (await ask('sim-1?fail=truncated-json&after=3&tokens=8', { stream: true })).text()
  assert.throws(() => eventsOf(truncated))
  const cut = await ask('sim-1?fail=cut&after=3&tokens=8', { stream: true })
  await assert.rejects(cut.text())
  const whole = await ask('sim-1?fail=stream-error')
  assert.deepEqual([whole.status, (await readJson(whole)).type], [200, 'error'])
  assert.deepEqual(
    stage.bill.lines().map(line => line.output_tokens),
    [3, 3, 3, 3, 3, 0],
  )
})

test('limits requests with its own headers, a reset being a time of day', async t => {
  const { ask } = await open(t)
  const first = await ask('sim-1?limit=1&tokens=1')
  assert.equal(first.headers.get('anthropic-ratelimit-requests-remaining'), '0')
  assert.match(first.headers.get('anthropic-ratelimit-requests-reset') ?? '', /^2026-03-14T00:01:00Z$/)
  const refused = await ask('sim-1?limit=1&tokens=1')
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '60'])
  const other = await ask('sim-1?limit=1&tokens=1', {}, { 'x-api-key': 'another' })
  assert.equal(other.status, 200)
})

test('refuses what Messages refuses, in its words, at no cost', async t => {
  const { stage, ask } = await open(t)
  const call = (id: string) => ({ type: 'tool_use', id, name: 'get_weather', input: {} })
  const result = (id: string) => ({ type: 'tool_result', tool_use_id: id, content: 'sunny' })
  const talk = (...contents: unknown[]) => ({
    messages: contents.map((content, at) => ({ role: at % 2 ? 'assistant' : 'user', content })),
  })
  const picture = (source: object) => talk([{ type: 'image', source }])
  const bad: [object, RegExp][] = [
    [{ max_tokens: undefined }, /^max_tokens: Field required$/],
    [{ max_tokens: 0 }, /^max_tokens: Input should be greater than or equal to 1$/],
    [{ n: 2 }, /^n: Extra inputs are not permitted$/],
    [{ temperature: 1.5 }, /^temperature: Input should be less than or equal to 1$/],
    [{ stream: 'yes' }, /^stream: Input should be a valid boolean$/],
    [{ messages: [] }, /^messages: at least one message is required$/],
    [{ messages: [{ role: 'assistant', content: 'hi' }] }, /first message must use the "user" role/],
    [{ messages: [question, { role: 'system', content: 'x' }] }, /Unexpected role "system"/],
    [{ messages: [{ role: 'tool', content: 'x' }] }, /^messages\.0\.role: Input should be/],
    [talk('hi', '', 'hi'), /^messages\.1: all messages must have non-empty content/],
    [
      talk([
        { type: 'text', text: '' },
        { type: 'text', text: 'x' },
      ]),
      /text content blocks must be non-empty/,
    ],
    [talk([{ type: 'sound' }]), /^messages\.0\.content\.0: Input tag 'sound'/],
    [talk([{ type: 'text', text: 'x', foo: 1 }]), /^messages\.0\.content\.0\.text\.foo: Extra inputs/],
    [
      talk('hi', [call('a b')], [result('a')]),
      /tool_use\.id: String should match pattern '\^\[a-zA-Z0-9_-\]\+\$'/,
    ],
    [
      talk('hi', [call('a')], 'thanks'),
      /^messages\.1: `tool_use` ids were found without `tool_result`.*: a\./,
    ],
    [talk('hi', [call('a'), call('b')], [result('a')]), /immediately after: b\./],
    [talk('hi', [call('a')], [{ type: 'text', text: 'x' }, result('a')]), /immediately after: a\./],
    [talk('hi', 'yes', [result('a')]), /^messages\.2\.content\.0: unexpected `tool_use_id`.*: a\./],
    [talk('hi', [call('a')], [result('a'), result('a')]), /Found multiple `tool_result` blocks with id: a/],
    [talk([call('a')]), /`tool_use` blocks can only be in `assistant` messages/],
    [
      picture({ type: 'base64', media_type: 'image/bmp', data: 'AAAA' }),
      /media_type: Input should be 'image\/jpeg'/,
    ],
    [
      picture({ type: 'base64', media_type: 'image/png', data: 'no base64!' }),
      /base64\.data: invalid base64/,
    ],
    [picture({ type: 'url', url: 'data:image/png;base64,AAAA' }), /Only HTTP\(S\) URLs/],
    [{ thinking: { type: 'enabled', budget_tokens: 1023 } }, /^thinking\.enabled\.budget_tokens: .*1024$/],
    [{ thinking, max_tokens: 1024 }, /`max_tokens` must be greater than `thinking\.budget_tokens`/],
    [{ thinking, temperature: 0.5 }, /`temperature` may only be set to 1/],
    [{ thinking, tools: [tool], tool_choice: { type: 'any' } }, /may not be enabled when tool_choice forces/],
    [{ tools: [{ name: 'x' }] }, /^tools\.0\.custom\.input_schema: Field required$/],
    [{ tools: [{ ...tool, name: 'a.b' }] }, /^tools\.0\.custom\.name: String should match pattern/],
    [{ tools: [tool, tool] }, /Tool names must be unique/],
    [{ tools: [tool], tool_choice: { type: 'tool', name: 'x' } }, /Tool 'x' not found in provided tools/],
    [{ tool_choice: { type: 'auto' } }, /`tool_choice` may only be specified while providing `tools`/],
    [{ system: 3 }, /^system: Input should be a valid list$/],
    [{ stop_sequences: [' '] }, /each stop sequence must contain non-whitespace/],
  ]
  for (const [more, expected] of bad) {
    const answer = await ask('sim-1', more)
    assert.equal(answer.status, 400, JSON.stringify(more))
    const { error } = await readJson(answer)
    assert.equal(error.type, 'invalid_request_error')
    assert.match(error.message, expected)
  }
  const versionless = await stage.post('/messages', { model: 'sim-1', max_tokens: 1, messages: [question] })
  assert.match((await readJson(versionless)).error.message, /anthropic-version: header is required/)
  assert.deepEqual([stage.bill.totals().refused, stage.bill.totals().input_tokens], [bad.length + 1, 0])
})

test('takes what Messages takes: neighbours of one role, prefill, pictures, later system by version', async t => {
  const { ask } = await open(t)
  const image = { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' }
  const good: [object, Record<string, string>][] = [
    [{ messages: [question, question] }, {}],
    [{ messages: [question, { role: 'assistant', content: 'It' }] }, {}],
    [{ messages: [{ role: 'user', content: [{ type: 'image', source: image }] }] }, {}],
    [
      { messages: [question, { role: 'system', content: 'Be brief.' }] },
      { 'anthropic-version': '2026-10-21' },
    ],
    [{ system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral', ttl: '1h' } }] }, {}],
    [{ tools: [{ type: 'web_search_20250305', name: 'web_search' }], metadata: { user_id: 'u' } }, {}],
  ]
  for (const [more, headers] of good) {
    const answer = await ask('sim-1', more, headers)
    assert.equal(answer.status, 200, `${JSON.stringify(more)}: ${await answer.clone().text()}`)
  }
})

test('counts tokens for nothing, as many as the message then costs', async t => {
  const { stage, ask } = await open(t)
  const body = { model: 'sim-1?fail=500&on=2', messages: [question], tools: [tool], system: 'Be brief.' }
  const version = { 'anthropic-version': '2023-06-01' }
  const counted = await readJson(stage.post('/messages/count_tokens', body, version))
  assert.deepEqual(Object.keys(counted), ['input_tokens'])
  assert.deepEqual([stage.bill.totals().ended, stage.bill.totals().input_tokens], [1, 0])
  assert.equal(stage.bill.lines()[0]?.operation, 'count')
  const { usage } = await readJson(ask(body.model, { tools: body.tools, system: body.system }))
  assert.equal(usage.input_tokens, counted.input_tokens)
  const strict = await stage.post(
    '/messages/count_tokens',
    { ...body, max_tokens: 1, model: 'sim-1' },
    version,
  )
  assert.match((await readJson(strict)).error.message, /^max_tokens: Extra inputs/)
})

test('shows models in its own shape to who sends its version, and in OpenAI’s to others', async t => {
  const { stage } = await open(t)
  const get = async (path: string, headers: Record<string, string> = { 'anthropic-version': '2023-06-01' }) =>
    await readJson(fetch(stage.url + path, { headers }))
  const page = await get('/models?limit=2')
  assert.deepEqual([page.data.length, page.has_more, page.first_id], [2, true, 'sim-1'])
  assert.equal(page.data[0].type, 'model')
  const rest = await get(`/models?limit=100&after_id=${page.last_id}`)
  assert.equal(rest.has_more, false)
  assert.ok(!rest.data.some((model: { id: string }) => model.id === 'sim-1'))
  assert.equal((await get('/models/vendor%2Fany')).id, 'vendor/any')
  assert.deepEqual((await get('/models/sim-missing')).error.type, 'not_found_error')
  assert.equal((await get('/models', {})).object, 'list')
})

test('shows what was asked, with credentials masked, until the bill is reset', async t => {
  const { stage, ask } = await open(t)
  await (await ask('sim-1', { temperature: 0.5 })).text()
  const { requests } = await readJson(fetch(`${stage.root}/bill/asked`))
  assert.equal(requests.length, 1)
  assert.deepEqual(
    [requests[0].n, requests[0].path, requests[0].body.temperature],
    [1, '/v1/messages?beta=true', 0.5],
  )
  assert.equal(requests[0].headers['x-api-key'], '…abcd')
  await (await ask('sim-1')).text()
  assert.deepEqual(
    stage.bill.asked(1).map(asked => asked.n),
    [2],
  )
  stage.bill.reset()
  assert.deepEqual(stage.bill.asked(), [])
})
