import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readJson, type Stage, setStage } from '../stage.ts'

const model = 'sim-1'
const input = 'hi'
const user = { role: 'user', content: 'hi' }
const call = { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' }
const output = { type: 'function_call_output', call_id: 'call_1', output: 'done' }
const tool = { type: 'function', name: 'f', parameters: { type: 'object' } }

async function refusal(stage: Stage, body: unknown) {
  const answer = await stage.post('/responses', body)
  const { error } = await readJson(answer)
  assert.ok(error, `was not refused: ${JSON.stringify(body)}`)
  assert.deepEqual(Object.keys(error), ['message', 'type', 'param', 'code'])
  return { status: answer.status, ...error }
}

async function answer(stage: Stage, body: object) {
  const given = await readJson(stage.post('/responses', { model, ...body }))
  assert.equal(given.error, null, given.error?.message)
  return given
}

test('refuses bad requests as OpenAI does, naming the parameter, and bills no token', async t => {
  const stage = await setStage(t)
  const bad: [unknown, string | null, string | null][] = [
    ['{"model":', 'invalid_json', null],
    [{ input }, 'missing_required_parameter', 'model'],
    [{ model }, 'missing_required_parameter', 'input'],
    [{ model, input: 3 }, 'invalid_type', 'input'],
    [{ model, input, surprise: 1 }, 'unknown_parameter', 'surprise'],
    [{ model, input, stop: ['.'] }, 'unknown_parameter', 'stop'],
    [{ model, messages: [user] }, 'unsupported_parameter', 'messages'],
    [{ model, input, max_tokens: 20 }, 'unsupported_parameter', 'max_tokens'],
    [{ model, input, max_output_tokens: 15 }, 'integer_below_min_value', 'max_output_tokens'],
    [{ model, input, temperature: -1 }, 'decimal_below_min_value', 'temperature'],
    [{ model, input, stream: 'yes' }, 'invalid_type', 'stream'],
    [{ model, input, truncation: 'some' }, 'invalid_value', 'truncation'],
    [{ model, input, include: ['everything'] }, 'invalid_value', 'include[0]'],
    [{ model, input, metadata: { a: 1 } }, 'invalid_type', 'metadata.a'],
    [{ model, input, reasoning: { effort: 'huge' } }, 'invalid_value', 'reasoning.effort'],
    [{ model, input, reasoning: { budget: 1 } }, 'unknown_parameter', 'reasoning.budget'],
    [
      { model, input, stream_options: { include_usage: true } },
      'unknown_parameter',
      'stream_options.include_usage',
    ],
    [
      { model, input, text: { format: { type: 'json_schema', name: 'x' } } },
      'missing_required_parameter',
      'text.format.schema',
    ],
    [
      { model, input, text: { format: { type: 'json_schema', json_schema: {} } } },
      'unknown_parameter',
      'text.format.json_schema',
    ],
    [
      { model, input, tools: [{ type: 'function', function: { name: 'f' } }] },
      'missing_required_parameter',
      'tools[0].name',
    ],
    [{ model, input, tools: [{ type: 'hammer' }] }, 'invalid_value', 'tools[0].type'],
    [{ model, input, tools: [{ ...tool, name: 'get it' }] }, 'invalid_value', 'tools[0].name'],
    [{ model, input, tool_choice: 'required' }, null, 'tool_choice'],
    [{ model, input, tools: [tool], tool_choice: { type: 'function', name: 'g' } }, null, 'tool_choice'],
    [{ model, input, tools: [tool], tool_choice: { type: 'hammer' } }, 'invalid_value', 'tool_choice.type'],
    [
      { model, input, tools: [tool], tool_choice: { type: 'function', function: { name: 'f' } } },
      'missing_required_parameter',
      'tool_choice.name',
    ],
    [{ model, input: [{ role: { toString: 1 }, content: 'x' }] }, 'invalid_value', 'input[0].role'],
    [{ model, input: [{ type: { toString: 1 } }] }, 'invalid_value', 'input[0].type'],
    [{ model, input, background: true }, 'unsupported_parameter', 'background'],
    [{ model, input: [{ role: 'robot', content: 'x' }] }, 'invalid_value', 'input[0].role'],
    [{ model, input: [{ role: 'user' }] }, 'missing_required_parameter', 'input[0].content'],
    [{ model, input: [{ ...user, tone: 'loud' }] }, 'unknown_parameter', 'input[0].tone'],
    [{ model, input: [{ type: 'riddle' }] }, 'invalid_value', 'input[0].type'],
    [
      { model, input: [user, { ...user, content: [{ type: 'text', text: 'x' }] }] },
      'invalid_value',
      'input[1].content[0].type',
    ],
    [
      { model, input: [{ role: 'assistant', content: [{ type: 'input_text', text: 'x' }] }] },
      'invalid_value',
      'input[0].content[0].type',
    ],
    [
      { model, input: [{ ...user, content: [{ type: 'input_image' }] }] },
      'missing_required_parameter',
      'input[0].content[0].image_url',
    ],
    [
      { model, input: [{ ...user, content: [{ type: 'input_image', image_url: 'AAAA' }] }] },
      'invalid_value',
      'input[0].content[0].image_url',
    ],
    [{ model, input: [{ ...call, id: 'call_1' }, output] }, 'invalid_value', 'input[0].id'],
    [{ model, input: [{ ...call, arguments: {} }, output] }, 'invalid_type', 'input[0].arguments'],
    [{ model, input: [user, output] }, null, 'input'],
    [{ model, input: [user, call] }, null, 'input'],
    [{ model, input: [user, output, call] }, null, 'input'],
    [
      {
        model,
        input: [
          { ...user, id: 'msg_1' },
          { ...user, id: 'msg_1' },
        ],
      },
      null,
      'input',
    ],
    [
      { model, input, previous_response_id: 'resp_none' },
      'previous_response_not_found',
      'previous_response_id',
    ],
  ]
  for (const [body, code, param] of bad) {
    const { status, type, message, ...error } = await refusal(stage, body)
    assert.deepEqual({ status, ...error }, { status: 400, param, code }, JSON.stringify(body))
    assert.equal(type, 'invalid_request_error')
    assert.notEqual(message, '')
  }
  const { requests, refused, input_tokens } = stage.bill.totals()
  assert.deepEqual([requests, refused, input_tokens], [bad.length, bad.length, 0])
})

test('does not know what it has never made: items, conversations, prompts', async t => {
  const stage = await setStage(t)
  const unknown: object[] = [
    { input: [{ type: 'item_reference', id: 'msg_none' }] },
    {
      input: [
        { type: 'reasoning', id: 'rs_none', summary: [] },
        { role: 'assistant', content: 'x' },
      ],
    },
    { input, conversation: 'conv_none' },
    { prompt: { id: 'pmpt_none' } },
  ]
  for (const body of unknown) assert.equal((await refusal(stage, { model, ...body })).status, 404)
})

test('takes its input as a text and as items of every kind', async t => {
  const stage = await setStage(t)
  const items = [
    { role: 'system', content: 'Be kind.' },
    { type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'Be brief.' }] },
    {
      role: 'user',
      content: [
        { type: 'input_text', text: 'What is this?' },
        { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'low' },
        { type: 'input_image', file_id: 'file_1' },
        { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' },
        { type: 'input_file', file_url: 'https://example.com/a.pdf' },
      ],
    },
    {
      type: 'message',
      id: 'msg_own',
      status: 'completed',
      role: 'assistant',
      content: [
        { type: 'output_text', text: 'A picture.', annotations: [] },
        { type: 'refusal', refusal: 'No more than that.' },
      ],
    },
    { role: 'assistant', content: 'I will look.', phase: 'commentary' },
    call,
    { ...call, id: 'fc_2', call_id: 'call_2', status: 'completed' },
    { ...output, call_id: 'call_2' },
    output,
    { type: 'web_search_call', id: 'ws_1', status: 'completed' },
  ]
  const { usage } = await answer(stage, { input: items })
  const bare = await answer(stage, { input: items.filter((_, index) => index !== 2) })
  assert.ok(usage.input_tokens >= bare.usage.input_tokens + 4 * 85)
})

test('goes on from a response: items are carried over, instructions are not', async t => {
  const stage = await setStage(t)
  const tools = [tool]
  const first = await answer(stage, { input, instructions: 'Be brief.', model: 'sim-1?tool=1', tools })
  const [{ call_id }] = first.output
  const next = {
    model: 'sim-1?tool=1',
    tools,
    previous_response_id: first.id,
    input: [{ ...output, call_id }],
  }
  const second = await answer(stage, next)
  assert.deepEqual([second.previous_response_id, second.instructions], [first.id, null])
  assert.equal(second.output[0].type, 'message')
  const whole = await answer(stage, { tools, input: [user, ...first.output, { ...output, call_id }] })
  assert.equal(second.usage.input_tokens, whole.usage.input_tokens)
  const forgotten = await refusal(stage, { ...next, input: 'And?' })
  assert.match(forgotten.message, /No tool output found for function call call_/)
  const twice = await refusal(stage, { ...next, input: [...first.output, { ...output, call_id }] })
  assert.match(twice.message, /Duplicate item/)
})

test('remembers nothing that was not to be stored', async t => {
  const stage = await setStage(t)
  const { id, output: items } = await answer(stage, { input, store: false, model: 'sim-1?reasoning=5' })
  assert.equal((await fetch(`${stage.url}/responses/${id}`)).status, 404)
  assert.equal((await refusal(stage, { model, input, previous_response_id: id })).status, 400)
  const back = await refusal(stage, { model, input: [user, ...items, user] })
  assert.deepEqual([back.status, back.param], [404, 'input'])
})

test('takes reasoning back with what followed it, and refuses one without the other', async t => {
  const stage = await setStage(t)
  const { output: items } = await answer(stage, { input, model: 'sim-1?reasoning=5' })
  const [thought, message] = items
  await answer(stage, { input: [user, thought, message, user] })
  await answer(stage, {
    input: [user, ...items.map(({ id }: { id: string }) => ({ type: 'item_reference', id })), user],
  })
  for (const alone of [
    [user, thought],
    [user, thought, user],
  ]) {
    const { message: said, param, code } = await refusal(stage, { model, input: alone })
    assert.match(said, /'reasoning' was provided without its required following item/)
    assert.deepEqual([param, code], ['input', null])
  }
  const { message: said } = await refusal(stage, { model, input: [user, message, user] })
  assert.match(said, /without its required 'reasoning' item/)
})

test('takes sealed reasoning back unchanged, and nothing else in its place', async t => {
  const stage = await setStage(t)
  const secret = { store: false, include: ['reasoning.encrypted_content'], reasoning: { summary: 'auto' } }
  const { output: items } = await answer(stage, { input, model: 'sim-1?reasoning=5', ...secret })
  const [thought, message] = items
  const { id: _, ...nameless } = thought
  for (const sealed of [thought, nameless]) {
    await answer(stage, { input: [user, sealed, message, user], store: false })
  }
  const text = await (
    await stage.post('/responses', { model: 'sim-1?reasoning=5', input, stream: true, ...secret })
  ).text()
  const early = /"encrypted_content":"([^"]+)"/.exec(text)?.[1]
  const stranger = await readJson(
    (await setStage(t, 'another seed')).post('/responses', { model: 'sim-1?reasoning=5', input, ...secret }),
  )
  const false_ = [`x${thought.encrypted_content}`, early, stranger.output[0].encrypted_content, 'opaque']
  for (const encrypted_content of false_) {
    const { status, code } = await refusal(stage, {
      model,
      input: [user, { ...thought, encrypted_content }, message],
    })
    assert.deepEqual([status, code], [400, 'invalid_encrypted_content'])
  }
})

test('answers or refuses whatever is sent, and never breaks', async t => {
  const stage = await setStage(t)
  const names = ['type', 'role', 'content', 'id', 'call_id', 'output', 'summary', 'name', 'encrypted_content']
  const kinds = [
    'message',
    'function_call',
    'function_call_output',
    'reasoning',
    'item_reference',
    'mcp_call',
  ]
  const words = fc.constantFrom<unknown>(
    ...kinds,
    'user',
    'assistant',
    'input_text',
    'output_text',
    'fc_1',
    'x',
    '',
  )
  const leaf = fc.oneof(words, fc.jsonValue({ maxDepth: 1 }))
  const part = fc.dictionary(fc.constantFrom(...names, 'text', 'image_url'), leaf)
  const value = fc.oneof(leaf, fc.array(fc.oneof(part, leaf), { maxLength: 3 }))
  const item = fc.oneof(fc.dictionary(fc.constantFrom(...names), value), leaf)
  const knobs = fc.constantFrom(
    'tools',
    'tool_choice',
    'text',
    'reasoning',
    'include',
    'metadata',
    'max_output_tokens',
  )
  const setting = fc.oneof(leaf, part, fc.array(part, { maxLength: 2 }))
  const body = fc.tuple(fc.array(item, { maxLength: 4 }), fc.dictionary(knobs, setting, { maxKeys: 2 }))
  await fc.assert(
    fc.asyncProperty(body, fc.boolean(), async ([items, settings], stream) => {
      const answer = await stage.post('/responses', { model, input: items, stream, ...settings })
      assert.ok([200, 400, 404].includes(answer.status))
      assert.notEqual(await answer.text(), '')
    }),
    { numRuns: 500 },
  )
})
