import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type AnswerPart, type ChatAnswer, type ChatEvent, type Choice, Fault } from '#exchange'
import type { AnswerContext } from '../dialect.ts'
import { foldEvents, unfoldAnswer } from '../fold.ts'
import { gemini } from './index.ts'
import { sse, streams } from './recorded.fixture.ts'

const hex = 'fedcba9876543210fedcba9876543210'
const request = (alt?: string) => ({
  body: Buffer.from('{}'),
  rest: 'm:streamGenerateContent',
  query: { alt },
})
const context = (alt?: string): AnswerContext => ({
  hex,
  createdAtMs: 0,
  model: 'm',
  estimatedInputTokens: 1,
  showUsage: true,
  request: request(alt),
})

function write(events: Iterable<ChatEvent>, alt?: string): string {
  const writer = gemini.createWriter(context(alt))
  return [...events].map(event => writer.write(event)).join('')
}

function readBack(bytes: string): ChatAnswer {
  const reader = gemini.createReader({ hex })
  const events = [...reader.push(Buffer.from(bytes)), ...reader.finish()]
  assert.equal(events.at(-1)?.type, 'end')
  return foldEvents(events)
}

/** Without what a provider’s own words are kept in, and the ids that every writer makes anew. */
function bare({ id: _id, ...answer }: ChatAnswer): unknown {
  const choices = answer.choices.map(({ finish: { raw: _raw, ...finish }, ...choice }) => ({
    ...choice,
    parts: choice.parts.map(part =>
      part.type === 'text' && part.citations
        ? { ...part, citations: part.citations.map(({ raw: _made, ...citation }) => citation) }
        : part,
    ),
    finish,
  }))
  return JSON.parse(JSON.stringify({ ...answer, choices }))
}

const text = fc.string({ unit: 'grapheme', minLength: 1 })
const maker = fc.constantFrom('gemini' as const, 'anthropic-messages' as const, 'openai-responses' as const)
const signature = maker.map(dialect => ({
  dialect,
  kind: dialect === 'openai-responses' ? ('sealed' as const) : ('seal' as const),
  value: 'EqQBCkYIAxgCIkDa+w==',
}))
const somePart: fc.Arbitrary<AnswerPart> = fc.oneof(
  fc.record({ type: fc.constant('text' as const), text }),
  fc.record({ type: fc.constant('text' as const), text, signature }),
  fc.record({ type: fc.constant('reasoning' as const), text }),
  fc.record({ type: fc.constant('reasoning' as const), text: fc.string(), signature }),
  fc.record({
    type: fc.constant('tool-call' as const),
    id: fc.uuid(),
    name: fc.constantFrom('f', 'g'),
    arguments: fc
      .dictionary(text, fc.integer())
      .map(args => JSON.stringify(JSON.parse(JSON.stringify(args)))),
  }),
  fc.constant<AnswerPart>({
    type: 'image',
    source: { kind: 'data', mediaType: 'image/png', base64: 'AQID' },
    signature: { dialect: 'gemini', kind: 'seal', value: 'AAEC' },
  }),
  fc.constant<AnswerPart>({ type: 'opaque', dialect: 'gemini', value: { executableCode: { code: '1' } } }),
)

/** Texts that follow each other are one to a reader of this dialect, unless a seal stands between them. */
function apart(parts: readonly AnswerPart[]): AnswerPart[] {
  return parts.filter((part, i) => {
    const before = parts[i - 1]
    return (
      !before ||
      before.type !== part.type ||
      (before.type !== 'text' && before.type !== 'reasoning') ||
      before.signature !== undefined
    )
  })
}

const someChoice = fc
  .record({
    parts: fc
      .array(somePart)
      .map(apart)
      .filter(parts => apart(parts).length === parts.length),
    reason: fc.constantFrom('stop' as const, 'length' as const, 'content-filter' as const),
  })
  .map(({ parts, reason }): Choice => {
    const calls = parts.some(({ type }) => type === 'tool-call')
    return { parts, finish: { reason: reason === 'stop' && calls ? 'tool-calls' : reason } }
  })
const someAnswer = fc.record({
  model: fc.constant('m'),
  choices: fc.array(someChoice, { minLength: 1, maxLength: 3 }),
  usage: fc.constantFrom({ input: 7, output: 4 }, { input: 7, cachedInput: 2, output: 4, reasoning: 9 }),
})

suite('what was written', () => {
  test('is read back the same, as a stream', () => {
    fc.assert(
      fc.property(someAnswer, answer =>
        assert.deepEqual(bare(readBack(write(unfoldAnswer(answer), 'sse'))), bare(answer)),
      ),
      { numRuns: 300 },
    )
  })

  test('is read back the same, whole', () => {
    fc.assert(
      fc.property(someAnswer, answer => {
        const json = JSON.parse(JSON.stringify(gemini.renderAnswer(answer, context()))) as Record<
          string,
          unknown
        >
        const read = gemini.readAnswer(json, { hex })
        assert.ok(read)
        assert.deepEqual(bare(read), bare(answer))
      }),
      { numRuns: 300 },
    )
  })

  for (const [name, chunks] of Object.entries(streams)) {
    test(`is read back the same where it was Gemini’s own: ${name}`, () => {
      const reader = gemini.createReader({ hex })
      const events = [...reader.push(sse(chunks)), ...reader.finish()]
      const { id: _id, ...answer } = foldEvents(events)
      const { id: _made, ...again } = readBack(write(events, 'sse'))
      assert.deepEqual(bare(again), bare(answer))
      assert.deepEqual(
        again.choices.map(({ finish }) => finish),
        answer.choices.map(({ finish }) => finish),
      )
    })
  }

  test('ties a citation that names no place to the text that it stands in', () => {
    const source = { kind: 'url' as const, url: 'https://a.example', title: 'A' }
    const texts = ['Zwölf. ', 'It is so', ', he says', '.'].map(text => ({ type: 'text' as const, text }))
    const [first, second, third, last] = texts
    assert.ok(first && second && third && last)
    const cited = [first, { ...second, citations: [source] }, { ...third, citations: [source] }, last]
    const answer: ChatAnswer = { choices: [{ parts: cited, finish: { reason: 'stop' } }] }
    for (const read of [
      readBack(write(unfoldAnswer(answer), 'sse')),
      gemini.readAnswer(gemini.renderAnswer(answer, context()) as Record<string, unknown>, { hex }),
    ]) {
      const part = read?.choices[0]?.parts.find(part => part.type === 'text' && part.citations)
      assert.deepEqual(
        part?.type === 'text' && part.citations?.map(({ raw: _raw, ...citation }) => citation),
        [
          { ...source, start: 7, end: 15 },
          { ...source, start: 15, end: 24 },
        ],
      )
    }
  })

  test('keeps the places of citations, whosever they are', () => {
    const spoken = 'Größe: 7 🌊 m.'
    const citations = [
      { kind: 'url' as const, url: 'https://a.example', title: 'A', start: 7, end: 8 },
      { kind: 'file' as const, title: 'Log', quote: 'sieben', start: 9, end: 13 },
    ]
    const answer: ChatAnswer = {
      choices: [{ parts: [{ type: 'text', text: spoken, citations }], finish: { reason: 'stop' } }],
    }
    for (const read of [
      readBack(write(unfoldAnswer(answer), 'sse')),
      gemini.readAnswer(gemini.renderAnswer(answer, context()) as Record<string, unknown>, { hex }),
    ]) {
      const part = read?.choices[0]?.parts[0]
      assert.deepEqual(
        part?.type === 'text' && part.citations?.map(({ raw: _raw, ...citation }) => citation),
        citations,
      )
    }
  })
})

suite('a stream for a caller', () => {
  const answer: ChatAnswer = {
    model: 'gpt-5',
    choices: [
      {
        parts: [
          { type: 'text', text: 'Hi' },
          { type: 'tool-call', id: 'c1', name: 'f', arguments: '{"a":1}' },
        ],
        finish: { reason: 'tool-calls', raw: 'tool_calls' },
      },
    ],
    usage: { input: 3, output: 2 },
  }
  const elements = (alt?: string): Record<string, unknown>[] => {
    const bytes = write(unfoldAnswer(answer), alt)
    return alt === 'sse'
      ? bytes
          .split('\r\n\r\n')
          .filter(Boolean)
          .map(event => JSON.parse(event.slice('data: '.length)) as Record<string, unknown>)
      : (JSON.parse(bytes) as Record<string, unknown>[])
  }

  test('is chunks as Gemini sends them: calls whole, the reason and the counts on the last', () => {
    const rest = { modelVersion: 'gpt-5', responseId: hex }
    const said = (part: unknown, more = {}) => [
      { content: { parts: [part], role: 'model' }, ...more, index: 0 },
    ]
    const usageMetadata = { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 }
    assert.deepEqual(elements('sse'), [
      { candidates: said({ text: 'Hi' }), ...rest },
      { candidates: said({ functionCall: { id: 'c1', name: 'f', args: { a: 1 } } }), ...rest },
      { candidates: said({ text: '' }, { finishReason: 'STOP' }), usageMetadata, ...rest },
    ])
  })

  test('is one array where events were not asked for', () => {
    assert.deepEqual(elements(), elements('sse'))
    assert.equal(gemini.streamContentType?.(request()), 'application/json')
    assert.equal(gemini.streamContentType?.(request('sse')), 'text/event-stream')
  })

  test('that breaks off ends with an error, as an event or as the last of the array', () => {
    const fault = new Fault('provider_disconnected', 'It broke off.')
    const begun = [...unfoldAnswer(answer)].slice(0, 4)
    const array = write(begun) + gemini.renderErrorEvent(fault, 'req_1', request()).toString()
    const [first, last] = JSON.parse(array) as Record<string, Record<string, unknown>>[]
    assert.ok(first?.candidates)
    assert.equal(last?.error?.status, 'UNAVAILABLE')
    const reader = gemini.createReader({ hex })
    const events = reader.push(
      Buffer.from(write(begun, 'sse') + gemini.renderErrorEvent(fault, 'req_1', request('sse')).toString()),
    )
    assert.deepEqual(events.at(-1), {
      type: 'error',
      error: { code: '502', type: 'UNAVAILABLE', param: undefined, message: 'It broke off.' },
    })
    assert.deepEqual(reader.finish(), [])
  })

  const broken = (reason: 'tool-calls' | 'length') => {
    const call = { type: 'tool-call' as const, id: 'c', name: 'f', arguments: '{"a":' }
    return { choices: [{ parts: [call], finish: { reason } }] }
  }
  for (const [reason, word] of [
    ['tool-calls', 'MALFORMED_FUNCTION_CALL'],
    ['length', 'MAX_TOKENS'],
  ] as const) {
    test(`says ${word} of a call whose arguments are no JSON, with reason ${reason}`, () => {
      const whole = gemini.renderAnswer(broken(reason), context()) as {
        candidates: Record<string, unknown>[]
      }
      const [last] = JSON.parse(write(unfoldAnswer(broken(reason)))) as {
        candidates: Record<string, unknown>[]
      }[]
      for (const answer of [whole, last]) assert.equal(answer?.candidates[0]?.finishReason, word)
    })
  }

  test('has the free text of a custom tool as an argument, and a refusal as text', () => {
    const parts: AnswerPart[] = [
      { type: 'refusal', text: 'No.' },
      { type: 'tool-call', id: 'c', name: 'sh', arguments: 'ls -l', custom: true },
      { type: 'opaque', dialect: 'openai-responses', value: {} },
    ]
    const { choices } = readBack(
      write(unfoldAnswer({ choices: [{ parts, finish: { reason: 'tool-calls' } }] }), 'sse'),
    )
    assert.deepEqual(choices[0]?.parts, [
      { type: 'text', text: 'No.' },
      { type: 'tool-call', id: 'c', name: 'sh', arguments: '{"input":"ls -l"}' },
    ])
  })
})

suite('an error', () => {
  test('is in Google’s shape, with our code, the field and the time to wait in its details', () => {
    const fault = new Fault('rate_limited', 'Slow down.', { retryAfterMs: 34_400, param: 'contents' })
    const body = JSON.parse(JSON.stringify(gemini.renderError(fault, 'req_1'))) as unknown
    assert.deepEqual(body, {
      error: {
        code: 429,
        message: 'Slow down.',
        status: 'RESOURCE_EXHAUSTED',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'rate_limited',
            domain: 'sluice',
            metadata: { requestId: 'req_1' },
          },
          {
            '@type': 'type.googleapis.com/google.rpc.BadRequest',
            fieldViolations: [{ field: 'contents', description: 'Slow down.' }],
          },
          { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.4s' },
        ],
      },
    })
    assert.deepEqual(gemini.readError(body), {
      code: '429',
      type: 'RESOURCE_EXHAUSTED',
      param: 'contents',
      message: 'Slow down.',
      retryAfterMs: 34_400,
    })
  })

  test('of a key that is not known is told by its reason, since its status is 400', () => {
    const error = {
      code: 400,
      status: 'INVALID_ARGUMENT',
      message: 'API key not valid.',
      details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' }],
    }
    for (const body of [{ error }, [{ error }]]) assert.equal(gemini.readError(body)?.type, 'API_KEY_INVALID')
  })

  test('is none where there is none', () => {
    for (const body of [undefined, null, 'x', {}, [], { error: null }, { candidates: [] }])
      assert.equal(gemini.readError(body), undefined)
    assert.ok(gemini.readError({ error: 'bad' }))
  })
})
