import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Asked, accept, type CallerDialect } from '#exchange'
import { dialects } from '../dialects.ts'
import { openPassage, type Passage } from '../passage.ts'
import { answers, bytesOf, eventsOf } from './answers.fixture.ts'
import type { Json } from './asking.fixture.ts'

const hex = '0123456789abcdef0123456789abcdef'

function ask(dialect: CallerDialect, request: Json): Asked {
  return accept(
    dialects[dialect].parseRequest({ body: Buffer.from(JSON.stringify(request)), rest: '', query: {} }),
  )
}

async function open(asked: Asked, speaks: CallerDialect, model: string): Promise<Passage> {
  const passage = await openPassage(asked, {
    speaks: [speaks],
    quirks: new Set(),
    target: `there/${model}`,
    model,
    unsupported: undefined,
    context: { hex, createdAtMs: 0 },
    fetchMedia: () => assert.fail('nothing is to be fetched'),
    memory: () => ({ remember: () => {}, recall: () => undefined }),
  })
  return accept(passage ?? assert.fail('no way'))
}

const find = { type: 'object', properties: { place: { type: 'string' } } }

test('a caller of Chat Completions is served by a provider of Responses', async () => {
  const passage = await open(
    ask('openai-chat', {
      model: 'smart',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Where?' },
      ],
      tools: [{ type: 'function', function: { name: 'find', parameters: find } }],
      max_completion_tokens: 100,
    }),
    'openai-responses',
    'gpt-5.2',
  )
  assert.deepEqual(JSON.parse(passage.body.toString()), {
    model: 'gpt-5.2',
    instructions: 'Be brief.',
    input: [{ type: 'message', role: 'user', content: 'Where?' }],
    tools: [{ type: 'function', name: 'find', parameters: find, strict: false }],
    max_output_tokens: 100,
    include: ['reasoning.encrypted_content'],
    store: false,
  })
  const answer = answers['thoughts in two parts, sealed, then parallel calls'] ?? {}
  const body = Buffer.from(JSON.stringify(answer))
  const whole = passage.readWhole(body)?.answer
  assert.ok(whole && 'body' in whole)
  const chat = JSON.parse(whole.body.toString()) as {
    choices: { finish_reason: string; message: { tool_calls: { id: string; function: Json }[] } }[]
  }
  assert.equal(chat.choices[0]?.finish_reason, 'tool_calls')
  assert.deepEqual(
    chat.choices[0]?.message.tool_calls.map(call => [call.id, call.function]),
    [
      ['call_abc', { name: 'find', arguments: '{"place":"Ålesund"}' }],
      ['call_def', { name: 'count', arguments: '{}' }],
    ],
  )
})

test('a caller of Responses is served by a provider of Chat Completions, with thoughts and calls', async () => {
  const asked = ask('openai-responses', {
    model: 'smart',
    instructions: 'Be brief.',
    input: 'Where?',
    tools: [{ type: 'function', name: 'find', parameters: find }],
    stream: true,
  })
  const passage = await open(asked, 'openai-chat', 'deepseek')
  assert.deepEqual((JSON.parse(passage.body.toString()) as Json).messages, [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Where?' },
  ])
  const chunk = (delta: Json, finish_reason: string | null = null): string =>
    `data: ${JSON.stringify({ id: 'c', model: 'deepseek', choices: [{ index: 0, delta, finish_reason }] })}\n\n`
  const call = (index: number): Json => ({
    tool_calls: [
      { index, id: `call_${index}`, type: 'function', function: { name: 'find', arguments: '{}' } },
    ],
  })
  const tap = passage.createTap?.() ?? assert.fail()
  const text = tap
    .push(
      Buffer.from(
        `${chunk({ role: 'assistant', reasoning_content: 'Hm.' })}${chunk({ content: 'I look.' })}${chunk(call(0))}${chunk(call(1))}${chunk({}, 'tool_calls')}data: [DONE]\n\n`,
      ),
    )
    .toString()
  assert.ok(tap.facts.ended)
  assert.ok(text.endsWith('data: [DONE]\n\n'))
  const last = JSON.parse(text.split('\n\n').at(-3)?.split('data: ')[1] ?? '') as {
    response: { output: Json[] }
  }
  const output = last.response.output.map(({ type, id, call_id }) => [type, id, call_id])
  assert.deepEqual(output, [
    ['reasoning', `rs_${hex}_0`, undefined],
    ['message', `msg_${hex}_1`, undefined],
    ['function_call', `fc_${hex}_2`, 'call_0'],
    ['function_call', `fc_${hex}_3`, 'call_1'],
  ])
})

test('between two that speak Responses, bytes go through', async () => {
  const passage = await open(
    ask('openai-responses', { model: 'smart', input: 'Hi', stream: true, prompt: { id: 'p' } }),
    'openai-responses',
    'gpt-5.2',
  )
  assert.ok(passage.relayed)
  assert.deepEqual(JSON.parse(passage.body.toString()), {
    model: 'gpt-5.2',
    input: 'Hi',
    stream: true,
    prompt: { id: 'p' },
  })
  const bytes = bytesOf(eventsOf(answers['a refusal'] ?? {}))
  assert.equal(passage.createTap?.().push(bytes).toString(), bytes.toString())
})

for (const [status, error, expected] of [
  ['failed', { code: 'rate_limit_exceeded', message: 'Slow down.' }, 'rate_limit_exceeded'],
  ['failed', null, 'failed'],
  ['cancelled', null, 'cancelled'],
] as const) {
  test(`a response that is ${status} is an error and no answer, in every dialect: ${expected}`, async () => {
    const body = Buffer.from(JSON.stringify({ object: 'response', status, error, output: [], usage: null }))
    const hello = [{ role: 'user', content: 'Hello!' }]
    for (const asked of [
      ask('openai-responses', { model: 'smart', input: 'Hello!' }),
      ask('openai-chat', { model: 'smart', messages: hello }),
    ]) {
      const answer = (await open(asked, 'openai-responses', 'gpt-5.2')).readWhole(body)?.answer
      assert.ok(answer && 'error' in answer)
      assert.equal(answer.error.code, expected)
    }
  })
}
