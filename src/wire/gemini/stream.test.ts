import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type AnswerPart, type ChatAnswer, type ChatEvent, totalInput, totalOutput } from '#exchange'
import { foldEvents } from '../fold.ts'
import { readGeminiAnswer, readGeminiFacts } from './read-answer.ts'
import { GeminiReader } from './reader.ts'
import { type Chunk, sse, streams } from './recorded.fixture.ts'
import { readGeminiUsage, writeGeminiUsage } from './usage.ts'

const hex = '0123456789abcdef0123456789abcdef'

function read(pieces: readonly Buffer[]): ChatEvent[] {
  const reader = new GeminiReader({ hex })
  return [...pieces.flatMap(piece => reader.push(piece)), ...reader.finish()]
}

const fold = (chunks: readonly Chunk[]): ChatAnswer => foldEvents(read([sse(chunks)]))
const partsOf = (chunks: readonly Chunk[]): readonly AnswerPart[] => fold(chunks).choices[0]?.parts ?? []
const called = (n: number): string => `call_cdef0123456789abcdef${n.toString(16).padStart(4, '0')}`

for (const [name, chunks] of Object.entries(streams)) {
  const whole = sse(chunks)
  const expected = read([whole])

  suite(`a stream of ${name}`, () => {
    test('says the same wherever it is split', () => {
      assert.deepEqual(read([...whole].map(byte => Buffer.from([byte]))), expected, 'byte by byte')
      for (const at of whole.keys())
        assert.deepEqual(read([whole.subarray(0, at), whole.subarray(at)]), expected, `split at ${at}`)
    })

    test('begins once, ends once, and every part of it is closed', () => {
      assert.deepEqual([expected[0]?.type, expected.at(-1)?.type], ['start', 'end'])
      const open = new Set<number>()
      for (const event of expected) {
        if (event.type === 'part-start') {
          assert.ok(!open.has(event.choice))
          open.add(event.choice)
        } else if (event.type === 'part-end') assert.ok(open.delete(event.choice))
        else if (event.type === 'finish') assert.ok(!open.has(event.choice))
        else if ('choice' in event) assert.ok(open.has(event.choice), event.type)
      }
      assert.equal(open.size, 0)
    })

    test('has no end while the provider has not said why, so that a cut one is none', () => {
      const cut = read([sse(chunks.slice(0, -1))])
      assert.ok(!cut.some(({ type }) => type === 'end' || type === 'finish' || type === 'malformed'))
      const half = read([whole.subarray(0, -9)])
      assert.ok(!half.some(({ type }) => type === 'end' || type === 'malformed'))
    })

    test('has kinds of tokens that add up to the provider’s total', () => {
      const reports = chunks.map(chunk => (chunk as Chunk).usageMetadata).filter(Boolean)
      const last = reports.at(-1) as { totalTokenCount: number } | undefined
      const { usage } = foldEvents(expected)
      assert.equal(usage && totalInput(usage) + totalOutput(usage), last?.totalTokenCount)
    })
  })
}

suite('an answer’s parts', () => {
  test('keep their order, their seals and the ids made for calls that have none', () => {
    assert.deepEqual(partsOf(streams['parallel calls, the first of them sealed']), [
      { type: 'text', text: 'I look it up.' },
      {
        type: 'tool-call',
        id: called(0),
        name: 'weather',
        arguments: '{"city":"Kiel"}',
        signature: { dialect: 'gemini', kind: 'seal', value: 'EjQKMgG+Pvb7' },
      },
      { type: 'tool-call', id: called(1), name: 'weather', arguments: '{"city":"Ulm"}' },
      { type: 'tool-call', id: called(2), name: 'now', arguments: '{}' },
    ])
    const { finish } = fold(streams['parallel calls, the first of them sealed']).choices[0] ?? {}
    assert.deepEqual(finish, { reason: 'tool-calls', raw: 'STOP' })
  })

  test('keep thoughts apart from the text, which bears the seal that came behind it', () => {
    assert.deepEqual(partsOf(streams['thoughts and a sealed text']), [
      { type: 'reasoning', text: '**Counting**\none, two' },
      {
        type: 'text',
        text: 'Two.',
        signature: { dialect: 'gemini', kind: 'seal', value: 'CiUBjz1rX2tleQ==' },
      },
    ])
  })

  for (const ending of ['an empty call', 'no end of its own', 'the next call', 'a text']) {
    test(`put together a call that came in pieces, with ${ending} behind it`, () => {
      const pieces: Chunk[] = streams['a call in pieces'].slice(0, 4)
      const last: Chunk = {
        candidates: [
          { finishReason: 'STOP', content: { parts: [{ text: ending === 'a text' ? 'ok' : '' }] } },
        ],
      }
      if (ending === 'an empty call') pieces.push(streams['a call in pieces'][4] as Chunk)
      if (ending === 'the next call')
        pieces.push({ candidates: [{ content: { parts: [{ functionCall: { name: 'now', args: {} } }] } }] })
      const [call] = partsOf([...pieces, last])
      assert.deepEqual(call, {
        type: 'tool-call',
        id: called(0),
        name: 'book',
        arguments: '{"where":"Kiel \\"N\\"","days":[{"n":3,"by sea":true},null],"tags":[]}',
        signature: { dialect: 'gemini', kind: 'seal', value: 'AQID' },
      })
    })
  }

  test('name the sources of a text, with places in characters', () => {
    const [part] = partsOf(streams['sources of a grounded text'])
    assert.ok(part?.type === 'text')
    const places = part.citations?.map(({ raw: _raw, ...citation }) => citation)
    assert.deepEqual(places, [
      { kind: 'url', url: 'https://a.example/1', title: 'a.example', start: 0, end: 37 },
      { kind: 'url', url: 'https://b.example/2', title: 'b.example', start: 0, end: 37 },
    ])
    assert.equal(part.text.slice(0, 37), 'Spanien gewann die Euro 2024 – knapp.')
  })

  test('keep whole what only Gemini knows', () => {
    assert.deepEqual(
      partsOf(streams['what it ran itself']).map(({ type }) => type),
      ['opaque', 'opaque', 'text'],
    )
  })

  test('are images with their seals', () => {
    assert.deepEqual(partsOf(streams['a sealed image'])[1], {
      type: 'image',
      source: { kind: 'data', mediaType: 'image/png', base64: 'iVBORw0KGgo=' },
      signature: { dialect: 'gemini', kind: 'seal', value: 'AAEC' },
    })
  })
})

suite('why an answer ends', () => {
  test('an answer without a candidate is empty, unless its prompt was blocked', () => {
    const isEmpty = (answer: object): boolean | undefined =>
      readGeminiFacts(Buffer.from(JSON.stringify(answer)))?.isEmpty
    const usageMetadata = { promptTokenCount: 3, totalTokenCount: 3 }
    assert.equal(isEmpty({ usageMetadata }), true)
    assert.equal(isEmpty({ candidates: [], promptFeedback: {} }), true)
    assert.equal(isEmpty({ usageMetadata, promptFeedback: { blockReason: 'SAFETY' } }), false)
    assert.equal(isEmpty({ candidates: [{ finishReason: 'SAFETY' }] }), false)
    assert.deepEqual(readGeminiFacts(Buffer.from(JSON.stringify({ usageMetadata })))?.usage, { input: 3 })
  })

  test('a blocked prompt is one choice that says nothing, stopped by a filter', () => {
    assert.deepEqual(fold(streams['a blocked prompt']).choices, [
      { parts: [], finish: { reason: 'content-filter', raw: 'PROHIBITED_CONTENT' } },
    ])
  })

  test('the limit may come before the first word', () => {
    const { choices, usage } = fold(streams['nothing before the limit'])
    assert.deepEqual(choices, [{ parts: [], finish: { reason: 'length', raw: 'MAX_TOKENS' } }])
    assert.deepEqual(usage, { input: 12, reasoning: 88 })
  })

  const words = {
    STOP: 'stop',
    MAX_TOKENS: 'length',
    SAFETY: 'content-filter',
    RECITATION: 'content-filter',
    LANGUAGE: 'content-filter',
    BLOCKLIST: 'content-filter',
    PROHIBITED_CONTENT: 'content-filter',
    SPII: 'content-filter',
    MODEL_ARMOR: 'content-filter',
    IMAGE_SAFETY: 'content-filter',
    IMAGE_OF_TOMORROW: 'content-filter',
    MALFORMED_FUNCTION_CALL: 'error',
    UNEXPECTED_TOOL_CALL: 'error',
    TOO_MANY_TOOL_CALLS: 'error',
    MALFORMED_RESPONSE: 'error',
    NEVER_HEARD_OF: 'error',
    CONTINUATION: 'pause',
  }
  for (const [word, reason] of Object.entries(words)) {
    test(`${word} is ${reason}`, () => {
      const [choice] = fold([{ candidates: [{ finishReason: word }] }]).choices
      assert.deepEqual(choice?.finish, { reason, raw: word })
    })
  }

  test('a reason on every piece is told once, behind the last part', () => {
    const chunks = ['a', 'b', 'c'].map(text => ({
      candidates: [{ content: { parts: [{ text }] }, finishReason: 'STOP' }],
    }))
    const events = read([sse(chunks)])
    assert.equal(events.filter(({ type }) => type === 'finish').length, 1)
    assert.deepEqual(partsOf(chunks), [{ type: 'text', text: 'abc' }])
  })
})

/** Parts that a whole answer may have; in a stream, texts come in pieces. */
const somePart = fc.oneof(
  fc.record({ text: fc.string({ unit: 'grapheme', minLength: 1 }) }),
  fc.record({ text: fc.string({ minLength: 1 }), thought: fc.constant(true) }),
  fc.record({ text: fc.string(), thoughtSignature: fc.constantFrom('AQID', 'BAUG') }),
  fc.record({
    functionCall: fc.record({
      name: fc.constantFrom('f', 'g'),
      args: fc.dictionary(fc.string(), fc.jsonValue()),
    }),
    thoughtSignature: fc.constantFrom('AQID', ''),
  }),
  fc.constant({ inlineData: { mimeType: 'image/png', data: 'AQID' } }),
  fc.constant({ executableCode: { language: 'PYTHON', code: '1' } }),
)

test('a stream, folded, is the whole answer', () => {
  fc.assert(
    fc.property(
      fc.array(somePart),
      fc.constantFrom('STOP', 'MAX_TOKENS', 'SAFETY'),
      (parts, finishReason) => {
        const usageMetadata = { promptTokenCount: 3, candidatesTokenCount: 4, totalTokenCount: 7 }
        const whole = {
          candidates: [{ content: { parts }, finishReason, index: 0 }],
          usageMetadata,
          responseId: 'r',
        }
        const pieces = parts.flatMap((part): Chunk[] =>
          'text' in part && !('thoughtSignature' in part)
            ? [...part.text].map(text => ({ ...part, text }))
            : [part],
        )
        const chunks: Chunk[] = pieces.map(part => ({
          candidates: [{ content: { parts: [part] } }],
          responseId: 'r',
        }))
        const last = {
          candidates: [{ content: { parts: [{ text: '' }] }, finishReason }],
          usageMetadata,
          responseId: 'r',
        }
        const plain = JSON.parse(JSON.stringify(whole)) as Chunk
        assert.deepEqual(
          fold(JSON.parse(JSON.stringify([...chunks, last])) as Chunk[]),
          readGeminiAnswer(plain, { hex }),
        )
      },
    ),
  )
})

suite('what a provider should not send', () => {
  const ok = streams.text
  const bad: Record<string, [body: string, last: ChatEvent['type']]> = {
    'JSON that is none': ['data: {"candidates": [}\r\n\r\n', 'malformed'],
    'a list instead of an answer': ['data: [1]\r\n\r\n', 'malformed'],
    'an error inside a 200': [
      'data: {"error":{"code":503,"status":"UNAVAILABLE","message":"m"}}\r\n\r\n',
      'error',
    ],
  }
  for (const [name, [body, last]] of Object.entries(bad)) {
    test(`${name} ends the stream, and what follows counts no more`, () => {
      const events = read([Buffer.from(body), sse(ok)])
      assert.deepEqual(
        events.map(({ type }) => type),
        [last],
      )
    })
  }

  const odd: Record<string, Chunk> = {
    'an unknown part': { candidates: [{ content: { parts: [{ hologram: { x: 1 } }] } }] },
    'a part that is no object': { candidates: [{ content: { parts: [null, 7, 'x'] } }] },
    'candidates that are none': { candidates: [null, 3] },
    'a candidate past counting': { candidates: [{ index: 1e9, content: { parts: [{ text: 'x' }] } }] },
    'no candidates at all': { candidates: [] },
    'a piece of a call that was never begun': {
      candidates: [{ content: { parts: [{ functionCall: { partialArgs: [] } }] } }],
    },
    'counts that are none': { usageMetadata: { promptTokenCount: -1, candidatesTokenCount: 'many' } },
    'an unknown event': { surprise: true },
  }
  for (const [name, chunk] of Object.entries(odd)) {
    test(`${name} is passed over or kept opaque`, () => {
      const [first, ...rest] = ok
      assert.ok(first)
      const answer = fold([first, chunk, ...rest])
      const texts = answer.choices[0]?.parts
        .filter(({ type }) => type === 'text')
        .map(part => 'text' in part && part.text)
      assert.equal(texts?.join(''), 'Grüße vom Leuchtturm 🌊')
      assert.deepEqual(answer.usage, { input: 12, output: 7 })
    })
  }

  test('an argument called like a prototype is an argument', () => {
    const args = JSON.parse('{"__proto__":1,"constructor":2}') as unknown
    const content = { parts: [{ functionCall: { name: 'f', args } }] }
    const [call] = partsOf([{ candidates: [{ content, finishReason: 'STOP' }] }])
    assert.equal(call?.type === 'tool-call' && call.arguments, '{"__proto__":1,"constructor":2}')
  })

  test('paths of arguments that lead nowhere, or to a prototype, do no harm', () => {
    const paths = [
      '',
      '$',
      'x',
      '$.a[9999999]',
      '$.a.',
      '$..a',
      '$[0]',
      "$['__proto__'].polluted",
      '$.constructor.prototype.polluted',
    ]
    const partialArgs = paths.map(jsonPath => ({ jsonPath, stringValue: 'v' }))
    const [call] = partsOf([
      {
        candidates: [
          { content: { parts: [{ functionCall: { name: 'f', partialArgs } }] }, finishReason: 'STOP' },
        ],
      },
    ])
    assert.ok(call?.type === 'tool-call')
    assert.equal(Reflect.get({}, 'polluted'), undefined)
    assert.equal(Object.hasOwn(JSON.parse(call.arguments) as object, '__proto__'), true)
  })

  test('bytes that are not UTF-8 are replaced, not thrown over', () => {
    const bytes = sse(ok)
    bytes[bytes.indexOf('Gr') + 2] = 0xff
    assert.equal(read([bytes]).at(-1)?.type, 'end')
  })

  test('bytes that are no answer are none, whole', () => {
    for (const body of ['', '[]', '{}', '{"error":{"code":500}}', 'x'])
      assert.equal(readGeminiFacts(Buffer.from(body)), undefined, body)
    assert.equal(readGeminiAnswer({ error: { code: 500 } }, { hex }), undefined)
  })
})

suite('usage', () => {
  test('is in disjoint kinds', () => {
    const report = {
      promptTokenCount: 1000,
      toolUsePromptTokenCount: 50,
      cachedContentTokenCount: 600,
      candidatesTokenCount: 90,
      thoughtsTokenCount: 40,
      totalTokenCount: 1180,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 400 },
        { modality: 'AUDIO', tokenCount: 500 },
        { modality: 'IMAGE', tokenCount: 100 },
      ],
      cacheTokensDetails: [
        { modality: 'AUDIO', tokenCount: 350 },
        { modality: 'TEXT', tokenCount: 250 },
      ],
      candidatesTokensDetails: [{ modality: 'AUDIO', tokenCount: 30 }],
    }
    const usage = readGeminiUsage(report)
    assert.deepEqual(usage, {
      input: 200,
      cachedInput: 250,
      cachedAudioInput: 350,
      audioInput: 150,
      imageInput: 100,
      output: 60,
      audioOutput: 30,
      reasoning: 40,
    })
    assert.equal(usage && totalInput(usage) + totalOutput(usage), 1180)
  })

  test('never has a detail larger than its total', () => {
    const usage = readGeminiUsage({
      promptTokenCount: 10,
      cachedContentTokenCount: 99,
      candidatesTokenCount: 2,
      totalTokenCount: 12,
      promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 70 }],
      candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 70 }],
    })
    assert.deepEqual(usage, { cachedInput: 10, imageOutput: 2 })
  })

  test('counts as output what a report leaves to its total', () => {
    assert.deepEqual(readGeminiUsage({ promptTokenCount: 5, totalTokenCount: 9 }), { input: 5, output: 4 })
  })

  test('is known as far as it is told, though the prompt is not counted', () => {
    assert.deepEqual(readGeminiUsage({ candidatesTokenCount: 18, thoughtsTokenCount: 58 }), {
      output: 18,
      reasoning: 58,
    })
    assert.equal(readGeminiUsage({ trafficType: 'ON_DEMAND' }), undefined)
  })

  test('comes back as it was written', () => {
    const tokens = fc.integer({ min: 1, max: 1e6 })
    const kinds = [
      'input',
      'cachedInput',
      'audioInput',
      'cachedAudioInput',
      'imageInput',
      'output',
      'reasoning',
      'audioOutput',
      'imageOutput',
    ]
    const some = fc.record(Object.fromEntries(kinds.map(kind => [kind, tokens])), { requiredKeys: [] })
    fc.assert(
      fc.property(some, usage => assert.deepEqual(readGeminiUsage(writeGeminiUsage(usage)), { ...usage })),
    )
  })
})
