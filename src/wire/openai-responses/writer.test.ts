import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import OpenAI from 'openai'
import OpenAI6 from 'openai-6'
import { type AnswerPart, type ChatAnswer, Fault, type Signature } from '#exchange'
import type { AnswerContext } from '../dialect.ts'
import { foldEvents, unfoldAnswer } from '../fold.ts'
import { answers } from './answers.fixture.ts'
import { readResponse } from './read-answer.ts'
import { ResponsesReader } from './reader.ts'
import { ResponsesWriter, renderResponse } from './writer.ts'

type Json = Record<string, unknown>

const hex = '0123456789abcdef0123456789abcdef'
const asked = { model: 'smart', input: 'Hi', stream: true, temperature: 0.5, metadata: { a: 'b' } }

function contextFor(request: Json = asked): AnswerContext {
  return {
    hex,
    createdAtMs: 1_768_969_653_900,
    model: 'claude',
    estimatedInputTokens: 5,
    showUsage: true,
    request: { body: Buffer.from(JSON.stringify(request)), rest: '', query: {} },
  }
}

function stream(answer: ChatAnswer, context = contextFor()): string {
  const writer = new ResponsesWriter(context)
  return [...unfoldAnswer(answer)].map(event => writer.write(event)).join('')
}

function eventsIn(text: string): Json[] {
  const frames = text.split('\n\n').slice(0, -1)
  assert.equal(frames.pop(), 'data: [DONE]')
  return frames.map(frame => {
    const [, type, data] = /^event: (.+)\ndata: (.+)$/s.exec(frame) ?? []
    const json = JSON.parse(data ?? '') as Json
    assert.equal(json.type, type)
    return json
  })
}

function readBack(text: string): ChatAnswer {
  const reader = new ResponsesReader()
  return foldEvents([...reader.push(Buffer.from(text)), ...reader.finish()])
}

/** What the dialect has a word for: not another provider's id or word for the finish. */
function comparable({ choices: [choice], usage }: ChatAnswer): unknown {
  const { reason } = choice?.finish ?? {}
  return { parts: choice?.parts, logprobs: choice?.logprobs, reason, usage }
}

const signature: fc.Arbitrary<Signature> = fc.oneof(
  fc.record({
    dialect: fc.constantFrom('anthropic-messages' as const, 'gemini' as const),
    kind: fc.constantFrom('seal' as const, 'sealed' as const),
    value: fc.string({ minLength: 1 }),
  }),
  fc.record({
    dialect: fc.constant('openai-responses' as const),
    kind: fc.constant('sealed' as const),
    value: fc.base64String({ minLength: 4 }),
  }),
)
const unsigned = fc.constant<{ signature?: Signature }>({})
const signed = fc.oneof(unsigned, fc.record({ signature }))
const citation = fc.record({
  type: fc.constant('url_citation'),
  start_index: fc.nat(9),
  end_index: fc.nat(9),
  url: fc.webUrl(),
  title: fc.string(),
})

const part: fc.Arbitrary<AnswerPart> = fc.oneof(
  fc
    .tuple(fc.string(), fc.array(citation, { maxLength: 2 }), signed)
    .map(([text, citations, seal]): AnswerPart => {
      const said = citations.map(value => ({
        kind: 'url' as const,
        url: value.url,
        title: value.title,
        start: value.start_index,
        end: value.end_index,
        raw: { dialect: 'openai-responses' as const, value },
      }))
      return { type: 'text', text, ...(said.length > 0 && { citations: said }), ...seal }
    }),
  fc.record({ type: fc.constant('refusal' as const), text: fc.string() }),
  fc.tuple(fc.string(), signed).map(([text, seal]): AnswerPart => ({ type: 'reasoning', text, ...seal })),
  fc
    .tuple(fc.uuid(), fc.string({ minLength: 1 }), fc.json(), signed)
    .map(([id, name, args, seal]): AnswerPart => ({ type: 'tool-call', id, name, arguments: args, ...seal })),
  fc
    .tuple(fc.uuid(), fc.string({ minLength: 1 }), fc.string())
    .map(([id, name, text]): AnswerPart => ({ type: 'tool-call', id, name, arguments: text, custom: true })),
  fc.base64String({ minLength: 4 }).map((base64): AnswerPart => {
    return { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64 } }
  }),
  fc.nat().map((id): AnswerPart => {
    const value = { id: `ws_${id}`, type: 'web_search_call', status: 'completed', action: { type: 'search' } }
    return { type: 'opaque', dialect: 'openai-responses', value }
  }),
)

const answer: fc.Arbitrary<ChatAnswer> = fc
  .record({
    parts: fc.array(part, { maxLength: 6 }),
    cut: fc.constantFrom(undefined, 'length' as const, 'content-filter' as const),
    input: fc.integer({ min: 1, max: 99 }),
    cachedInput: fc.integer({ min: 1, max: 99 }),
    output: fc.integer({ min: 1, max: 99 }),
    reasoning: fc.integer({ min: 1, max: 99 }),
  })
  .map(({ parts, cut, ...usage }) => {
    const calls = parts.some(({ type }) => type === 'tool-call')
    const searches = parts.filter(part => JSON.stringify(part).includes('"web_search_call"')).length
    return {
      model: 'claude-1',
      choices: [{ parts, finish: { reason: cut ?? (calls ? 'tool-calls' : 'stop') } }],
      usage: { ...usage, ...(searches > 0 && { webSearches: searches }) },
    }
  })

suite('the stream that a caller of Responses is given', () => {
  test('reads back as what was said', () => {
    fc.assert(
      fc.property(answer, said => {
        assert.deepEqual(plain(comparable(readBack(stream(said)))), plain(comparable(said)))
      }),
      { numRuns: 300 },
    )
  })

  test('numbers its events, opens before it speaks, and ends everything in full', () => {
    fc.assert(fc.property(answer, said => assertLifecycle(eventsIn(stream(said)))))
  })

  test('ends with the response that is given without a stream', () => {
    fc.assert(
      fc.property(answer, said => {
        assert.deepEqual(eventsIn(stream(said)).at(-1)?.response, plain(renderResponse(said, contextFor())))
      }),
    )
  })

  test('comes in the recorded order', () => {
    const said = readResponse(answers['thoughts in two parts, sealed, then parallel calls'] ?? {})
    assert.ok(said)
    assert.deepEqual(
      eventsIn(stream(said)).map(({ type }) => type),
      [
        'response.created',
        'response.in_progress',
        'response.output_item.added',
        'response.reasoning_summary_part.added',
        'response.reasoning_summary_text.delta',
        'response.reasoning_summary_text.done',
        'response.reasoning_summary_part.done',
        'response.output_item.done',
        'response.output_item.added',
        'response.function_call_arguments.delta',
        'response.function_call_arguments.done',
        'response.output_item.done',
        'response.output_item.added',
        'response.function_call_arguments.delta',
        'response.function_call_arguments.done',
        'response.output_item.done',
        'response.completed',
      ],
    )
  })

  test('says of what a citation stands when its provider did not', () => {
    const citations = [{ kind: 'file' as const, title: 'light.pdf', quote: 'lit' }]
    const part: AnswerPart = { type: 'text', text: 'Lit.', citations }
    const events = eventsIn(stream({ choices: [{ parts: [part], finish: { reason: 'stop' } }] }))
    const added = events.find(({ type }) => type === 'response.output_text.annotation.added')
    assert.deepEqual(added?.annotation, {
      type: 'file_citation',
      file_id: '',
      filename: 'light.pdf',
      index: 4,
    })
  })

  test('has every field that Open Responses requires, and repeats what was asked', () => {
    const request = {
      ...asked,
      tools: [{ type: 'function', name: 'find' }],
      text: { format: { type: 'json_schema', name: 'x', schema: { type: 'object' } } },
    }
    const said = readResponse(answers['a refusal'] ?? {})
    assert.ok(said)
    for (const { response } of eventsIn(stream(said, contextFor(request)))) {
      if (!response) continue
      const json = response as Json
      for (const field of required) assert.notEqual(json[field], undefined, field)
      assert.equal(json.temperature, 0.5)
      assert.deepEqual(json.metadata, { a: 'b' })
      assert.deepEqual(json.tools, [
        { type: 'function', name: 'find', description: null, parameters: null, strict: true },
      ])
      assert.deepEqual(json.text, {
        format: {
          type: 'json_schema',
          name: 'x',
          schema: { type: 'object' },
          description: null,
          strict: false,
        },
        verbosity: 'medium',
      })
    }
  })

  test('says when it cannot be finished how far it came', () => {
    const said = readResponse(answers['a text in many alphabets'] ?? {})
    assert.ok(said)
    const writer = new ResponsesWriter(contextFor())
    let text = ''
    for (const event of unfoldAnswer(said)) {
      if (event.type === 'part-end') break
      text += writer.write(event)
    }
    text += writer.fail(new Fault('provider_disconnected', 'Broken off.'))
    const events = eventsIn(text)
    assert.deepEqual(
      events.map(({ sequence_number }) => sequence_number),
      [...events.keys()],
    )
    const [error, failed] = events.slice(-2)
    assert.equal(error?.code, 'provider_disconnected')
    assert.deepEqual(error?.error, {
      type: 'provider_error',
      code: 'provider_disconnected',
      message: 'Broken off.',
      param: null,
    })
    const response = failed?.response as { status: string; output: { status: string; content: Json[] }[] }
    assert.equal(response.status, 'failed')
    assert.equal(response.output[0]?.status, 'incomplete')
    assert.equal(response.output[0]?.content[0]?.text, 'Grüße vom Leuchtturm 🌊, 灯台\u2028!')
    const reader = new ResponsesReader()
    assert.equal(reader.push(Buffer.from(text)).filter(({ type }) => type === 'error').length, 1)
  })
})

const sdks = { 'openai 7': OpenAI, 'openai 6': OpenAI6 as unknown as typeof OpenAI }
for (const [name, Client] of Object.entries(sdks)) {
  suite(name, () => {
    const clientFor = (text: string): OpenAI =>
      new Client({
        apiKey: 'sk-any',
        maxRetries: 0,
        fetch: async () => new Response(text, { headers: { 'content-type': 'text/event-stream' } }),
      })

    for (const [what, recorded] of Object.entries(answers)) {
      test(`puts the stream together to what its last event says: ${what}`, async () => {
        const said = readResponse(recorded)
        assert.ok(said)
        const text = stream(said)
        const last = eventsIn(text).at(-1)?.response
        const whole = await clientFor(text).responses.stream({ model: 'smart', input: 'Hi' }).finalResponse()
        assert.deepEqual(withoutHelp(whole), last)
      })
    }

    test('accumulates piece by piece to the same', async () => {
      for (const said of fc.sample(answer, { numRuns: 30, seed: 7 })) {
        const text = stream(said)
        const events = eventsIn(text)
        const last = events.at(-1)?.response
        const whole = await clientFor(text).responses.stream({ model: 'smart', input: 'Hi' }).finalResponse()
        assert.deepEqual(withoutHelp(whole), last)
        assert.deepEqual(accumulated(events), (last as Json).output)
      }
    })

    test('throws the error that ends a stream', async () => {
      const writer = new ResponsesWriter(contextFor())
      const text = writer.fail(new Fault('upstream_timeout', 'Too late.'))
      await assert.rejects(
        async () => await clientFor(text).responses.stream({ model: 'smart', input: 'Hi' }).finalResponse(),
        /Too late/,
      )
    })
  })
}

function withoutHelp(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) =>
      ['parsed', 'parsed_arguments', 'output_parsed', 'output_text'].includes(key) && !isContentType(inner)
        ? undefined
        : inner,
    ),
  )
}

function isContentType(value: unknown): boolean {
  return value === 'output_text'
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

/** The output as a client has it that believes the finished items alone. */
function accumulated(events: readonly Json[]): unknown[] {
  return events.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item)
}

/** Every item and part is added before it is spoken of, its pieces make up what its `.done` says, and all are done. */
function assertLifecycle(events: readonly Json[]): void {
  assert.deepEqual(
    events.map(({ sequence_number }) => sequence_number),
    [...events.keys()],
  )
  const items: (string | undefined)[] = []
  let said = ''
  let open: unknown
  for (const event of events) {
    const { type, item, item_id, output_index, delta, part } = event
    if (type === 'response.output_item.added') {
      assert.equal(open, undefined)
      assert.equal(output_index, items.length)
      open = (item as Json).id
      items.push(String(open))
    } else if (type === 'response.output_item.done') {
      assert.equal((item as Json).id, open)
      assert.equal(output_index, items.length - 1)
      open = undefined
    } else if (item_id !== undefined) assert.equal(item_id, open)
    if (part) said = ''
    if (type === 'response.output_item.added') said = ''
    if (typeof delta === 'string') said += delta
    const done = [event.text, event.refusal, event.arguments, event.input].find(
      text => typeof text === 'string',
    )
    if (String(type).endsWith('.done') && done !== undefined) assert.equal(done, said)
  }
  assert.equal(new Set(items).size, items.length)
}

const required = [
  ...['id', 'object', 'created_at', 'completed_at', 'status', 'incomplete_details', 'model', 'instructions'],
  ...['previous_response_id', 'output', 'error', 'tools', 'tool_choice', 'truncation', 'parallel_tool_calls'],
  ...['text', 'top_p', 'presence_penalty', 'frequency_penalty', 'top_logprobs', 'temperature', 'reasoning'],
  ...[
    'user',
    'usage',
    'max_output_tokens',
    'max_tool_calls',
    'store',
    'background',
    'service_tier',
    'metadata',
  ],
  ...['safety_identifier', 'prompt_cache_key'],
]
