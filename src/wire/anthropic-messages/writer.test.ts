import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import Anthropic0 from 'anthropic-0'
import fc from 'fast-check'
import { type AnswerPart, type ChatAnswer, type ChatEvent, Fault, type Finish } from '#exchange'
import type { AnswerContext } from '../dialect.ts'
import { foldEvents, unfoldAnswer } from '../fold.ts'
import { anthropicMessages } from './index.ts'
import { recorded } from './recorded.fixture.ts'

const hex = '0123456789abcdef0123456789abcdef'
const context: AnswerContext = {
  hex,
  createdAtMs: 0,
  model: 'gpt-5',
  estimatedInputTokens: 12,
  showUsage: true,
  request: { body: Buffer.alloc(0), rest: '', query: {} },
}

function write(events: Iterable<ChatEvent>): string {
  const writer = anthropicMessages.createWriter(context)
  return [...events].map(event => writer.write(event)).join('')
}

function readBack(stream: string): ChatAnswer {
  const reader = anthropicMessages.createReader({ hex: '' })
  return foldEvents([...reader.push(Buffer.from(stream)), ...reader.finish()])
}

/** As JSON has it: fast-check's records have no prototype. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

interface Frame {
  type: string
  index?: number
  [field: string]: unknown
}

function framesOf(stream: string): Frame[] {
  return stream
    .split('\n\n')
    .filter(frame => frame !== '')
    .map(frame => {
      const [, name, data = ''] = /^event: (\w+)\ndata: (.*)$/s.exec(frame) ?? []
      const json = JSON.parse(data) as Frame
      assert.equal(json.type, name, 'the event has its name')
      return json
    })
}

/** What the SDKs rely on: one message, blocks one at a time and numbered from 0, none without content. */
function assertLifecycle(stream: string): void {
  const frames = framesOf(stream)
  assert.equal(frames[0]?.type, 'message_start')
  assert.deepEqual(
    frames.slice(-2).map(({ type }) => type),
    ['message_delta', 'message_stop'],
  )
  let open: number | undefined
  let next = 0
  for (const { type, index } of frames.slice(1, -2)) {
    if (type === 'content_block_start') {
      assert.equal(open, undefined, 'one block at a time')
      assert.equal(index, next)
      open = next
      next += 1
    } else {
      assert.ok(type === 'content_block_delta' || type === 'content_block_stop', type)
      assert.equal(index, open)
      if (type === 'content_block_stop') open = undefined
    }
  }
  assert.equal(open, undefined)
}

const serve = (stream: string) => async (): Promise<Response> =>
  new Response(stream, { headers: { 'content-type': 'text/event-stream' } })

const ask = { model: 'm', max_tokens: 9, messages: [{ role: 'user' as const, content: 'Hi' }] }

/** The whole message as the SDK of that line makes it of the bytes. */
async function sdkMessage(stream: string): Promise<Record<string, unknown>> {
  const options = { apiKey: 'k', fetch: serve(stream), maxRetries: 0 }
  const message = await new Anthropic(options).messages.stream(ask).finalMessage()
  const earlier = await new Anthropic0(options).messages.stream(ask).finalMessage()
  assert.deepEqual(
    JSON.parse(JSON.stringify(earlier.content)),
    JSON.parse(JSON.stringify(message.content)),
    'both lines of the SDK read the same',
  )
  return JSON.parse(JSON.stringify(message)) as Record<string, unknown>
}

const texts = fc.oneof(
  fc.string({ minLength: 1, unit: 'grapheme' }),
  fc.constantFrom(' ', '\n\nevent: x', '"', '\\', '🌊'),
)
const seal = fc.constantFrom<'anthropic-messages' | 'gemini' | 'openai-responses'>(
  'anthropic-messages',
  'gemini',
  'openai-responses',
)
const citation = fc.record({ cited_text: fc.string(), url: fc.webUrl() }).map(({ cited_text, url }) => ({
  kind: 'url' as const,
  url,
  quote: cited_text,
  raw: {
    dialect: 'anthropic-messages' as const,
    value: { type: 'web_search_result_location', cited_text, url, title: null, encrypted_index: 'E' },
  },
}))
const part: fc.Arbitrary<AnswerPart> = fc.oneof(
  fc.record({ type: fc.constant('text' as const), text: texts }),
  fc.record({
    type: fc.constant('text' as const),
    text: texts,
    citations: fc.array(citation, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ type: fc.constant('reasoning' as const), text: texts }),
  fc.record({
    type: fc.constant('reasoning' as const),
    text: fc.oneof(fc.constant(''), texts),
    signature: fc.record({
      dialect: seal,
      kind: fc.constant('seal' as const),
      value: fc.string({ minLength: 1 }),
    }),
  }),
  fc.record({
    type: fc.constant('reasoning' as const),
    text: fc.constant(''),
    signature: fc.record({ dialect: seal, kind: fc.constant('sealed' as const), value: fc.string() }),
  }),
  fc.record({
    type: fc.constant('tool-call' as const),
    id: fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/),
    name: fc.stringMatching(/^[a-z]{1,9}$/),
    arguments: fc.dictionary(fc.string(), fc.jsonValue()).map(value => JSON.stringify(value)),
  }),
  fc.constant({
    type: 'opaque' as const,
    dialect: 'anthropic-messages' as const,
    value: { type: 'web_search_tool_result', tool_use_id: 's', content: [] },
  }),
)
const finish = (parts: readonly AnswerPart[]): fc.Arbitrary<Finish> =>
  parts.some(({ type }) => type === 'tool-call')
    ? fc.constant({ reason: 'tool-calls', raw: 'tool_use' })
    : fc.constantFrom<Finish>(
        { reason: 'stop', raw: 'end_turn' },
        { reason: 'stop', raw: 'stop_sequence', stopSequence: '###' },
        { reason: 'length', raw: 'max_tokens' },
        { reason: 'length', raw: 'model_context_window_exceeded' },
        { reason: 'pause', raw: 'pause_turn' },
        { reason: 'content-filter', raw: 'refusal' },
      )
const tokens = fc.integer({ min: 1, max: 1e8 })
const usage = fc.record(
  {
    input: tokens,
    cachedInput: tokens,
    cacheWrite5m: tokens,
    cacheWrite1h: tokens,
    output: tokens,
    reasoning: tokens,
  },
  { requiredKeys: ['input', 'output'] },
)
const answers: fc.Arbitrary<ChatAnswer> = fc
  .array(part, { maxLength: 6 })
  .chain(parts => fc.record({ parts: fc.constant(parts), finish: finish(parts) }))
  .chain(choice =>
    fc.record({
      id: fc.constant(`msg_${hex}`),
      model: fc.constant('claude-sonnet-4-5'),
      serviceTier: fc.constantFrom('default', 'priority'),
      choices: fc.constant([choice]),
      usage,
    }),
  )

/** Cuts every piece of text in two, as a network of tokens would. */
function* inPieces(events: Iterable<ChatEvent>): Generator<ChatEvent> {
  for (const event of events) {
    if (!('text' in event)) yield event
    else {
      const half = event.text.length >> 1
      yield { ...event, text: event.text.slice(0, half) }
      yield { ...event, text: event.text.slice(half) }
    }
  }
}

suite('what is written for a caller', () => {
  test('reads back as it was, streamed and whole', () => {
    fc.assert(
      fc.property(answers, answer => {
        const stream = write(inPieces(unfoldAnswer(answer)))
        assertLifecycle(stream)
        assert.deepEqual(plain(readBack(stream)), plain(answer))
        const whole = anthropicMessages.renderAnswer(answer, context) as Record<string, unknown>
        assert.deepEqual(plain(anthropicMessages.readAnswer(whole, { hex: '' })), plain(answer))
      }),
    )
  })

  test('is the same message to the official SDKs, streamed and whole', async () => {
    for (const [name, { whole }] of Object.entries(recorded)) {
      const answer = anthropicMessages.readAnswer(whole, { hex: '' })
      assert.ok(answer, name)
      const stream = write(unfoldAnswer(answer))
      assertLifecycle(stream)
      const rendered = anthropicMessages.renderAnswer(answer, context) as Record<string, unknown>
      const message = await sdkMessage(stream)
      delete message.parsed_output
      assert.deepEqual(comparable(message), comparable(rendered), name)
    }
  })
})

/** Without what the SDK adds to each text, and what it takes from the first report of usage alone. */
function comparable(message: Record<string, unknown>): unknown {
  const blocks = message.content as Record<string, unknown>[]
  const { cache_creation: _lifetimes, ...usage } = message.usage as Record<string, unknown>
  return { ...message, usage, content: blocks.map(({ parsed_output: _parsed, ...block }) => block) }
}

const start: ChatEvent = { type: 'start', model: 'gpt-5' }
const stopped: ChatEvent[] = [
  { type: 'finish', choice: 0, finish: { reason: 'stop' } },
  { type: 'usage', usage: { input: 20, cachedInput: 5, output: 7, reasoning: 2, audioInput: 1 } },
  { type: 'end' },
]

test('says how long the input is before the provider has counted it, and corrects it at the end', () => {
  const frames = framesOf(write([start, ...stopped]))
  const first = frames[0]?.message as { id: string; usage: Record<string, unknown> }
  assert.equal(first.id, `msg_${hex}`)
  assert.equal(first.usage.input_tokens, 12)
  assert.deepEqual(frames.at(-2)?.usage, {
    input_tokens: 21,
    cache_creation_input_tokens: 0,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    cache_read_input_tokens: 5,
    output_tokens: 9,
    output_tokens_details: { thinking_tokens: 2 },
    server_tool_use: null,
  })
})

test('counts by what was said where a provider never reports', () => {
  const said: ChatEvent[] = [
    { type: 'part-start', choice: 0, part: { type: 'text' } },
    { type: 'text-delta', choice: 0, text: 'one' },
    { type: 'text-delta', choice: 0, text: 'two' },
    { type: 'part-end', choice: 0 },
  ]
  const usage = framesOf(write([start, ...said, { type: 'end' }])).at(-2)?.usage
  assert.deepEqual(
    [(usage as Record<string, unknown>).input_tokens, (usage as Record<string, unknown>).output_tokens],
    [12, 2],
  )
})

test('never writes a block without content, and tells only the first answer', () => {
  const stream = write([
    start,
    { type: 'part-start', choice: 0, part: { type: 'text' } },
    { type: 'text-delta', choice: 0, text: '' },
    { type: 'part-end', choice: 0 },
    { type: 'part-start', choice: 0, part: { type: 'reasoning' } },
    { type: 'part-end', choice: 0 },
    { type: 'part-start', choice: 1, part: { type: 'text' } },
    { type: 'text-delta', choice: 1, text: 'another' },
    { type: 'part-end', choice: 1 },
    ...stopped,
  ])
  assertLifecycle(stream)
  assert.deepEqual(readBack(stream).choices[0]?.parts, [])
  const empty: ChatAnswer = {
    choices: [
      {
        parts: [
          { type: 'text', text: '' },
          { type: 'reasoning', text: '' },
        ],
        finish: { reason: 'stop' },
      },
    ],
  }
  assert.deepEqual((anthropicMessages.renderAnswer(empty, context) as Record<string, unknown>).content, [])
})

test('tells a refusal by its reason and its words', async () => {
  const answer: ChatAnswer = {
    choices: [{ parts: [{ type: 'refusal', text: 'I cannot help.' }], finish: { reason: 'stop' } }],
  }
  const expected = {
    stop_reason: 'refusal',
    stop_details: { type: 'refusal', category: null, explanation: 'I cannot help.' },
    content: [],
  }
  const message = await sdkMessage(write(inPieces(unfoldAnswer(answer))))
  for (const told of [message, anthropicMessages.renderAnswer(answer, context) as Record<string, unknown>])
    assert.deepEqual(
      { stop_reason: told.stop_reason, stop_details: told.stop_details, content: told.content },
      expected,
    )
})

test('never tells an answer that failed as one that ended', () => {
  const failed: ChatAnswer = {
    choices: [{ parts: [], finish: { reason: 'error', raw: 'MALFORMED_FUNCTION_CALL' } }],
  }
  const told = anthropicMessages.renderAnswer(failed, context) as Record<string, unknown>
  assert.equal(told.stop_reason, 'refusal')
  assert.match(JSON.stringify(told.stop_details), /MALFORMED_FUNCTION_CALL/)
  assert.equal(
    (anthropicMessages.renderAnswer({ choices: [] }, context) as Record<string, unknown>).stop_reason,
    'refusal',
  )
})

test('gives a tool call what a parser wants: an id that fits, arguments that are an object', async () => {
  const call = (id: string, args: string, custom = false): AnswerPart => ({
    type: 'tool-call',
    id,
    name: 'f',
    arguments: args,
    ...(custom && { custom }),
  })
  const parts = [call('call.1', '{}'), call('call/1', ''), call('ok', '"patch"\n🌊', true)]
  const answer: ChatAnswer = { choices: [{ parts, finish: { reason: 'tool-calls' } }] }
  const message = await sdkMessage(write(inPieces(unfoldAnswer(answer))))
  const whole = anthropicMessages.renderAnswer(answer, context) as Record<string, unknown>
  assert.deepEqual(message.content, whole.content)
  const blocks = whole.content as { id: string; input: unknown }[]
  assert.deepEqual(
    blocks.map(({ input }) => input),
    [{}, {}, { input: '"patch"\n🌊' }],
  )
  for (const { id } of blocks) assert.match(id, /^[a-zA-Z0-9_-]+$/)
  assert.equal(new Set(blocks.map(({ id }) => id)).size, 3)
})

test('shows images and sound as Markdown and words', () => {
  const parts: AnswerPart[] = [
    { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'AAAA' } },
    { type: 'audio', source: { kind: 'data', mediaType: 'audio/wav', base64: 'AAAA' }, transcript: 'Hello' },
  ]
  const answer: ChatAnswer = { choices: [{ parts, finish: { reason: 'stop' } }] }
  const said = ['![image](data:image/png;base64,AAAA)', 'Hello'].map(text => ({ type: 'text', text }))
  assert.deepEqual(readBack(write(unfoldAnswer(answer))).choices[0]?.parts, said)
  assert.deepEqual(
    anthropicMessages.readAnswer(anthropicMessages.renderAnswer(answer, context) as Record<string, unknown>, {
      hex: '',
    })?.choices[0]?.parts,
    said,
  )
})

suite('an error', () => {
  const statuses = [
    ['invalid_request', 'invalid_request_error', Anthropic.BadRequestError],
    ['invalid_api_key', 'authentication_error', Anthropic.AuthenticationError],
    ['model_not_allowed', 'permission_error', Anthropic.PermissionDeniedError],
    ['model_not_found', 'not_found_error', Anthropic.NotFoundError],
    ['body_too_large', 'request_too_large', Anthropic.APIError],
    ['rate_limited', 'rate_limit_error', Anthropic.RateLimitError],
    ['provider_quota_exhausted', 'billing_error', Anthropic.RateLimitError],
    ['conflict', 'invalid_request_error', Anthropic.ConflictError],
    ['internal', 'api_error', Anthropic.InternalServerError],
    ['provider_failed', 'api_error', Anthropic.InternalServerError],
    ['provider_overloaded', 'overloaded_error', Anthropic.InternalServerError],
    ['upstream_timeout', 'timeout_error', Anthropic.InternalServerError],
  ] as const

  for (const [code, type, SdkError] of statuses) {
    test(`${code} is a ${type}, and the SDK’s own error`, async () => {
      const fault = new Fault(code, 'What went wrong.')
      const body = anthropicMessages.renderError(fault, 'req_1')
      assert.deepEqual(body, {
        type: 'error',
        error: { type, message: 'What went wrong.' },
        request_id: 'req_1',
      })
      const fetch = async (): Promise<Response> => Response.json(body, { status: fault.status })
      const client = new Anthropic({ apiKey: 'k', fetch, maxRetries: 0 })
      await assert.rejects(client.messages.create(ask), cause => {
        assert.ok(cause instanceof SdkError)
        assert.equal(cause.type, type)
        return true
      })
    })
  }

  test('in the middle of a stream is thrown by the SDK', async () => {
    const begun = write([start, { type: 'part-start', choice: 0, part: { type: 'text' } }])
    const broken = anthropicMessages.renderErrorEvent(
      new Fault('provider_disconnected', 'It closed.'),
      'req_1',
    )
    await assert.rejects(sdkMessage(begun + broken.toString()), /It closed/)
  })

  test('of a provider is read by its type and words', () => {
    const error = {
      type: 'invalid_request_error',
      message: 'No.',
      details: { error_code: 'tool_name_conflict' },
    }
    assert.deepEqual(anthropicMessages.readError({ type: 'error', error, request_id: 'r' }), {
      code: 'tool_name_conflict',
      type: 'invalid_request_error',
      param: undefined,
      message: 'No.',
    })
    assert.equal(anthropicMessages.readError({ error: 'words' }), undefined)
    assert.equal(anthropicMessages.readError('<html>'), undefined)
  })
})
