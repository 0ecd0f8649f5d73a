import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { AnswerPart, ChatAnswer, ChatEvent, ChatRequest, Finish, Message, Tool } from '#exchange'
import type { AnswerContext } from '../dialect.ts'
import { foldEvents, unfoldAnswer } from '../fold.ts'
import { openAiChat } from './index.ts'

const hex = '0123456789abcdef0123456789abcdef'
const context: AnswerContext = {
  hex,
  createdAtMs: 1_700_000_000_000,
  model: 'm',
  estimatedInputTokens: 7,
  showUsage: true,
  request: { body: Buffer.from('{}'), rest: '', query: {} },
}

function sse(...events: unknown[]): Buffer {
  const lines = events.map(event => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`)
  return Buffer.from(lines.join(''))
}

const chunk = (choices: unknown[], more: object = {}): object => ({
  id: 'chatcmpl-9',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm-1',
  choices,
  ...more,
})
const delta = (fields: object, finish_reason: string | null = null): object =>
  chunk([{ index: 0, delta: fields, finish_reason }])
const usage = { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 }

function read(bytes: Buffer, split: readonly number[] = []): ChatEvent[] {
  const reader = openAiChat.createReader({ hex })
  const events: ChatEvent[] = []
  let from = 0
  for (const at of [...split, bytes.length]) {
    events.push(...reader.push(bytes.subarray(from, at)))
    from = at
  }
  return [...events, ...reader.finish()]
}

/** Streams as servers send them, and the whole answer that each tells. */
const recordings: Record<string, { events: unknown[]; choices: ChatAnswer['choices'] }> = {
  'parallel tool calls as OpenAI streams them': {
    events: [
      delta({ role: 'assistant', content: null }),
      delta({
        tool_calls: [{ index: 0, id: 'call_a', type: 'function', function: { name: 'f', arguments: '' } }],
      }),
      delta({ tool_calls: [{ index: 0, function: { arguments: '{"x":' } }] }),
      delta({ tool_calls: [{ index: 0, function: { arguments: '1}' } }] }),
      delta({
        tool_calls: [{ index: 1, id: 'call_b', type: 'function', function: { name: 'g', arguments: '' } }],
      }),
      delta({ tool_calls: [{ index: 1, function: { arguments: '{}' } }] }),
      delta({}, 'tool_calls'),
      '[DONE]',
    ],
    choices: [
      {
        parts: [
          { type: 'tool-call', id: 'call_a', name: 'f', arguments: '{"x":1}' },
          { type: 'tool-call', id: 'call_b', name: 'g', arguments: '{}' },
        ],
        finish: { reason: 'tool-calls', raw: 'tool_calls' },
      },
    ],
  },
  'parallel tool calls whose pieces are mixed': {
    events: [
      delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '' } }] }),
      delta({ tool_calls: [{ index: 1, id: 'b', function: { name: 'g', arguments: '{"y"' } }] }),
      delta({ tool_calls: [{ index: 0, function: { arguments: '{"x":1' } }] }),
      delta({ tool_calls: [{ index: 1, function: { arguments: ':2}' } }] }),
      delta({ tool_calls: [{ index: 0, function: { arguments: '}' } }] }),
      delta({}, 'stop'),
      '[DONE]',
    ],
    choices: [
      {
        parts: [
          { type: 'tool-call', id: 'a', name: 'f', arguments: '{"x":1}' },
          { type: 'tool-call', id: 'b', name: 'g', arguments: '{"y":2}' },
        ],
        finish: { reason: 'tool-calls', raw: 'stop' },
      },
    ],
  },
  'calls that share the number 0, without ids that repeat, and a name said twice': {
    events: [
      delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }] }),
      delta({ tool_calls: [{ index: 0, id: 'b', function: { name: 'g', arguments: '{"y"' } }] }),
      delta({ tool_calls: [{ index: 0, id: 'b', function: { name: 'g', arguments: ':2}' } }] }),
      delta({}, 'tool_calls'),
      '[DONE]',
    ],
    choices: [
      {
        parts: [
          { type: 'tool-call', id: 'a', name: 'f', arguments: '{}' },
          { type: 'tool-call', id: 'b', name: 'g', arguments: '{"y":2}' },
        ],
        finish: { reason: 'tool-calls', raw: 'tool_calls' },
      },
    ],
  },
  'a call without id, number and arguments': {
    events: [delta({ tool_calls: [{ id: '', function: { name: 'now' } }] }), delta({}, 'stop'), '[DONE]'],
    choices: [
      {
        parts: [{ type: 'tool-call', id: `call_${hex.slice(-20)}0000`, name: 'now', arguments: '{}' }],
        finish: { reason: 'tool-calls', raw: 'stop' },
      },
    ],
  },
  'thinking in each of its fields, then text': {
    events: [
      delta({ role: 'assistant', reasoning_content: 'Let me ' }),
      delta({ reasoning: 'see', reasoning_content: null }),
      delta({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: '.' }] }] }),
      delta({ content: 'Yes' }),
      delta({}, 'stop'),
      '[DONE]',
    ],
    choices: [
      {
        parts: [
          { type: 'reasoning', text: 'Let me see.' },
          { type: 'text', text: 'Yes' },
        ],
        finish: { reason: 'stop', raw: 'stop' },
      },
    ],
  },
  'Azure: a first chunk about its filter, and no finish reason before the end mark': {
    events: [
      { ...chunk([]), id: '', model: '', prompt_filter_results: [] },
      delta({ content: 'Hi' }),
      chunk([], { usage }),
      '[DONE]',
    ],
    choices: [{ parts: [{ type: 'text', text: 'Hi' }], finish: { reason: 'stop', raw: 'stop' } }],
  },
  'a refusal, and a moderation chunk behind the usage': {
    events: [
      delta({ role: 'assistant', content: null, refusal: 'No' }),
      delta({ refusal: '.' }),
      delta({}, 'stop'),
      chunk([], { usage }),
      chunk([], { moderation: { results: [] } }),
      '[DONE]',
      delta({ content: 'behind the end' }),
      '[DONE]',
    ],
    choices: [{ parts: [{ type: 'refusal', text: 'No.' }], finish: { reason: 'stop', raw: 'stop' } }],
  },
}

suite('a chat stream of a provider', () => {
  for (const [name, { events, choices }] of Object.entries(recordings)) {
    test(`is read: ${name}`, () => {
      const read1 = read(sse(...events))
      assert.deepEqual(foldEvents(read1).choices, choices)
      assert.equal(read1.at(-1)?.type, 'end')
    })
    test(`is read the same at every split: ${name}`, () => {
      const bytes = sse(...events)
      const whole = read(bytes)
      for (let at = 1; at < bytes.length; at += 1) assert.deepEqual(read(bytes, [at]), whole, `at ${at}`)
    })
  }

  test('keeps its usage whatever comes behind it', () => {
    const answer = foldEvents(
      read(sse(...(recordings['a refusal, and a moderation chunk behind the usage']?.events ?? []))),
    )
    assert.deepEqual(answer.usage, { input: 10, output: 4 })
  })

  const broken: Record<string, [unknown[], ChatEvent['type'] | undefined]> = {
    'an event that is not JSON': [[delta({ content: 'a' }), '{"choices":'], 'malformed'],
    'an error in the middle': [[delta({ content: 'a' }), { error: { message: 'no', code: 503 } }], 'error'],
    'no end mark': [[delta({ content: 'a' }), delta({}, 'stop')], 'finish'],
    'an event that is a number': [['7', '[DONE]'], 'malformed'],
    'an end mark before the end': [[delta({ content: 'a' }), '[DONE]'], 'malformed'],
    'arguments after a call is complete': [
      [
        delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }] }),
        delta({ tool_calls: [{ index: 1, id: 'b', function: { name: 'g', arguments: '{}' } }] }),
        delta({ tool_calls: [{ index: 0, function: { arguments: '{}' } }] }),
      ],
      'malformed',
    ],
  }
  for (const [name, [events, last]] of Object.entries(broken)) {
    test(`is never taken for whole, nor breaks the reader: ${name}`, () => {
      assert.equal(read(sse(...events)).at(-1)?.type, last)
    })
  }
})

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
const word = fc.stringMatching(/^[a-z][a-z0-9_]{0,9}$/)
const jsonObject = fc.dictionary(word, fc.oneof(fc.integer(), text, fc.boolean()), { maxKeys: 3 })

const toolCall = fc.record({ id: word, name: word, args: jsonObject }).map(
  ({ id, name, args }): AnswerPart => ({
    type: 'tool-call',
    id: `call_${id}`,
    name,
    arguments: JSON.stringify(args),
  }),
)

/** As a chat answer can have it: thinking, text or a refusal, then calls. */
const choice = fc
  .record({
    thought: fc.option(text),
    said: fc.option(text),
    refusal: fc.boolean(),
    calls: fc.uniqueArray(toolCall, { selector: part => (part as { id: string }).id, maxLength: 3 }),
    reason: fc.constantFrom<Finish['reason']>('stop', 'length', 'content-filter'),
  })
  .map(({ thought, said, refusal, calls, reason }) => ({
    parts: [
      ...(thought === null ? [] : [{ type: 'reasoning' as const, text: thought }]),
      ...(said === null ? [] : [{ type: refusal ? ('refusal' as const) : ('text' as const), text: said }]),
      ...calls,
    ],
    finish: { reason: reason === 'stop' && calls.length > 0 ? ('tool-calls' as const) : reason },
  }))

const answer: fc.Arbitrary<ChatAnswer> = fc.record({
  model: fc.constant('m-1'),
  choices: fc.array(choice, { minLength: 1, maxLength: 2 }),
  usage: fc.record({ input: fc.integer({ min: 1, max: 99 }), output: fc.integer({ min: 1, max: 99 }) }),
})

/** As JSON has it: no prototypes, no negative zero. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value))

const bare = ({ choices, usage, model }: ChatAnswer): unknown =>
  plain({ choices: choices.map(({ parts, finish }) => ({ parts, reason: finish.reason })), usage, model })

suite('a chat answer for a caller', () => {
  test('is read back as it was written, whole', () => {
    fc.assert(
      fc.property(answer, given => {
        const json = JSON.parse(JSON.stringify(openAiChat.renderAnswer(given, context)))
        const back = openAiChat.readAnswer(json, { hex })
        assert.deepEqual(back && bare(back), bare(given))
      }),
    )
  })

  test('is read back as it was written, in pieces, wherever the bytes are split', () => {
    fc.assert(
      fc.property(answer, fc.array(fc.nat(400), { maxLength: 5 }), (given, splits) => {
        const writer = openAiChat.createWriter(context)
        const bytes = Buffer.from([...unfoldAnswer(given)].map(event => writer.write(event)).join(''))
        const at = splits.filter(split => split < bytes.length).sort((a, b) => a - b)
        const events = read(bytes, at)
        assert.deepEqual(bare(foldEvents(events)), bare(given))
        assert.equal(events.at(-1)?.type, 'end')
      }),
    )
  })

  test('keeps the seals of another dialect’s thinking and calls, in both forms', () => {
    const signature = { dialect: 'anthropic-messages', kind: 'seal', value: 'c2lnbmVk:with=colon' } as const
    const seal = { dialect: 'gemini', kind: 'seal', value: 'Zm9v' } as const
    const given: ChatAnswer = {
      choices: [
        {
          parts: [
            { type: 'reasoning', text: 'Think.', signature },
            { type: 'reasoning', text: '', signature: { ...signature, kind: 'sealed' } },
            { type: 'tool-call', id: 'call_1', name: 'f', arguments: '{}', signature: seal },
          ],
          finish: { reason: 'tool-calls' },
        },
      ],
    }
    const message = (openAiChat.renderAnswer(given, context) as { choices: [{ message: object }] }).choices[0]
      .message
    const back = toChat({ messages: [message, { role: 'tool', tool_call_id: 'call_1', content: 'ok' }] })
    assert.deepEqual(back.messages[0]?.parts, given.choices[0]?.parts)
    const writer = openAiChat.createWriter(context)
    const bytes = Buffer.from([...unfoldAnswer(given)].map(event => writer.write(event)).join(''))
    assert.deepEqual(foldEvents(read(bytes)).choices[0]?.parts, given.choices[0]?.parts)
  })
})

function toChat(json: object): ChatRequest {
  const body = Buffer.from(JSON.stringify({ model: 'm', ...json }))
  const asked = openAiChat.parseRequest({ body, rest: '', query: {} })
  assert.ok(asked.ok, JSON.stringify(asked))
  const chat = asked.value.toChat?.()
  assert.ok(chat?.ok, JSON.stringify(chat))
  return chat.value
}

const userPart = fc.oneof(
  text.map(text => ({ type: 'text' as const, text })),
  fc.constant({
    type: 'image' as const,
    source: { kind: 'url' as const, url: 'https://a.example/b.png' },
    detail: 'low' as const,
  }),
  fc.constant({
    type: 'image' as const,
    source: { kind: 'data' as const, mediaType: 'image/png', base64: 'iVBORw0K' },
  }),
)

/** A turn of the user's, or one of the assistant's with calls and their results behind it. */
const turns: fc.Arbitrary<Message[]> = fc.oneof(
  fc.array(userPart, { minLength: 1, maxLength: 3 }).map((parts): Message[] => [{ role: 'user', parts }]),
  fc
    .record({
      said: text,
      calls: fc.uniqueArray(toolCall, { selector: part => (part as { id: string }).id, maxLength: 2 }),
    })
    .map(({ said, calls }): Message[] => [
      { role: 'assistant', parts: [{ type: 'text', text: said }, ...calls] },
      ...(calls.length > 0
        ? [
            {
              role: 'user' as const,
              parts: calls.map(call => ({
                type: 'tool-result' as const,
                callId: call.type === 'tool-call' ? call.id : '',
                parts: [{ type: 'text' as const, text: 'done' }],
              })),
            },
          ]
        : []),
    ]),
)

const tool: fc.Arbitrary<Tool> = fc.record(
  {
    type: fc.constant('function' as const),
    name: word,
    description: text,
    schema: jsonObject,
    strict: fc.boolean(),
  },
  { requiredKeys: ['type', 'name', 'schema'] },
)

const request: fc.Arbitrary<ChatRequest> = fc.record(
  {
    messages: fc.array(turns, { minLength: 1, maxLength: 3 }).map(all => all.flat()),
    tools: fc.uniqueArray(tool, { selector: tool => tool.name, minLength: 1, maxLength: 2 }),
    toolChoice: fc.oneof(
      fc.constantFrom({ type: 'auto' as const }, { type: 'none' as const }, { type: 'required' as const }),
      word.map(name => ({ type: 'tool' as const, name })),
      word.map(name => ({ type: 'allowed' as const, mode: 'auto' as const, names: [name] })),
    ),
    parallelToolCalls: fc.boolean(),
    format: fc.oneof(
      fc.constant({ type: 'json' as const }),
      fc.record({
        type: fc.constant('json-schema' as const),
        name: word,
        schema: jsonObject,
        strict: fc.boolean(),
      }),
    ),
    reasoning: fc.constantFrom({ effort: 'none' as const }, { effort: 'high' as const }),
    maxOutputTokens: fc.integer({ min: 1, max: 9999 }),
    temperature: fc.double({ min: 0, max: 2, noNaN: true }),
    seed: fc.integer(),
    stop: fc.array(text, { minLength: 1, maxLength: 4 }),
    choices: fc.integer({ min: 1, max: 4 }),
    logprobs: fc.constant({ top: 3 }),
    user: word,
    extras: fc.constant([]),
  },
  { requiredKeys: ['messages', 'tools', 'extras'] },
)

suite('a chat request', () => {
  test('is read as it was rendered, for all that the dialect can say', () => {
    fc.assert(
      fc.property(request, given => {
        const json = openAiChat.renderRequest(given, { model: 'm', stream: false, quirks: new Set() })
        assert.deepEqual(plain(toChat(json)), plain(given))
      }),
    )
  })

  const rendered = (more: Partial<ChatRequest>, model = 'm'): Record<string, unknown> =>
    openAiChat.renderRequest(
      { messages: [], tools: [], extras: [], ...more },
      { model, stream: false, quirks: new Set() },
    )

  test('has no name of a user and no id of a call that OpenAI finds too long, and keeps them apart', () => {
    const long = 'u'.repeat(65)
    const { user } = rendered({ user: long })
    assert.match(String(user), /^[0-9a-f]{64}$/)
    assert.equal(rendered({ user: long }).user, user)
    assert.notEqual(rendered({ user: `${long}u` }).user, user)
    assert.equal(rendered({ user: 'ada' }).user, 'ada')
    const id = 'i'.repeat(41)
    const call = { type: 'tool-call', id, name: 'f', arguments: '{}' } as const
    const result = { type: 'tool-result', callId: id, parts: [] } as const
    const { messages } = rendered({
      messages: [
        { role: 'assistant', parts: [call] },
        { role: 'user', parts: [result] },
      ],
    }) as { messages: { tool_call_id?: string; tool_calls?: { id: string }[] }[] }
    const [one, two] = messages
    assert.equal(one?.tool_calls?.[0]?.id.length, 40)
    assert.equal(two?.tool_call_id, one?.tool_calls?.[0]?.id)
  })

  test('says nothing of sampling to a model that thinks, where it is the default', () => {
    const usual = { temperature: 1, topP: 1, frequencyPenalty: 0, presencePenalty: 0 }
    for (const [name, value] of Object.entries(usual))
      assert.equal(rendered({ [name]: value }, 'gpt-5').temperature, undefined)
    assert.partialDeepStrictEqual(rendered(usual), { temperature: 1, top_p: 1, frequency_penalty: 0 })
    const { temperature } = openAiChat.takes
    assert.ok(typeof temperature === 'object')
    const takes = (value: number): boolean | undefined =>
      temperature.if?.(
        { messages: [], tools: [], extras: [], temperature: value },
        { model: 'gpt-5', quirks: new Set() },
      )
    assert.deepEqual([takes(1), takes(0.5)], [true, false])
  })

  test('keeps every unknown field by name', () => {
    const { extras } = toChat({ messages: [{ role: 'user', content: 'x' }], audio: {}, store: true, foo: 1 })
    assert.deepEqual(
      extras.map(({ field, weight }) => [field, weight]),
      [
        ['audio', 'meaning'],
        ['store', 'hint'],
        ['foo', 'meaning'],
      ],
    )
  })

  const bad: Record<string, [object, string]> = {
    'a result without its call': [
      { messages: [{ role: 'tool', tool_call_id: 'x', content: 'y' }] },
      'messages[0].tool_call_id',
    ],
    'arguments that are not JSON': [
      {
        messages: [
          {
            role: 'assistant',
            tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{"x"' } }],
          },
        ],
      },
      'messages[0].tool_calls[0].function.arguments',
    ],
    'base64 that is none': [
      {
        messages: [
          { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,@@' } }] },
        ],
      },
      'messages[0].content[0].image_url.url',
    ],
    'a part of another dialect': [
      { messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'x' }] }] },
      'messages[0].content[0].type',
    ],
    'a temperature out of range': [
      { messages: [{ role: 'user', content: 'x' }], temperature: 3 },
      'temperature',
    ],
    'an unknown role': [{ messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role'],
  }
  for (const [name, [json, param]] of Object.entries(bad)) {
    test(`says what is wrong, and where: ${name}`, () => {
      const body = Buffer.from(JSON.stringify({ model: 'm', ...json }))
      const asked = openAiChat.parseRequest({ body, rest: '', query: {} })
      const chat = asked.ok ? asked.value.toChat?.() : asked
      assert.equal(chat?.ok, false)
      assert.equal(chat.detail?.param, param)
    })
  }
})
