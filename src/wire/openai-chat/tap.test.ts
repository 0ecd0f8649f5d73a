import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { StreamFacts } from '../dialect.ts'
import { openAiChat } from './index.ts'

/** As OpenAI streams it, without line ends: a role, text with characters of every length, an end, the usage. */
const chunks = [
  chunk([{ index: 0, delta: { role: 'assistant', content: '', refusal: null }, finish_reason: null }]),
  chunk([{ index: 0, delta: { content: 'Grüße ' }, finish_reason: null }]),
  chunk([{ index: 0, delta: { content: 'vom Leuchtturm 🌊, ' }, finish_reason: null }]),
  chunk([{ index: 0, delta: { content: '灯台\u2028' }, finish_reason: null }]),
  chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]),
]
const usageChunk = chunk([], { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 })

function chunk(choices: unknown[], usage: unknown = null): string {
  return JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices,
    usage,
  })
}

/** An event of one line, and one whose JSON stands in several. */
const oneLine = (data: string): string => `data: ${data}\n\n`
const severalLines = (data: string): string =>
  `event: message\nid: 7\n${data.replaceAll(',"', '\n,"').replace(/^|\n/g, '$&data:')}\n\n`

interface Recording {
  name: string
  /** Before, and after, the events. */
  frame?: [string, string]
  event?: (data: string) => string
  lineEnd?: string
}

const recordings: Recording[] = [
  { name: 'line feeds' },
  { name: 'carriage returns and line feeds', lineEnd: '\r\n' },
  { name: 'carriage returns', lineEnd: '\r' },
  { name: 'a byte-order mark', frame: ['\ufeff', ''] },
  {
    name: 'a byte-order mark, comments and empty lines',
    frame: ['\ufeff: ok\n\n\n\n: ping\nretry: 5\n\n', ''],
  },
  { name: 'comments between and inside of events', event: data => `: ping\n\n: in\n${oneLine(data)}` },
  { name: 'data in several lines', event: severalLines },
  { name: 'data in several lines, with CRLF', event: severalLines, lineEnd: '\r\n' },
  { name: 'no space after the colon', event: data => `data:${data}\n\n` },
  { name: 'bytes after the end', frame: ['', 'data: {"not":"read"}\n\nwhatever'] },
]

/** The stream, and what of it a caller sees who did not ask for usage. */
function record({ frame = ['', ''], event = oneLine, lineEnd = '\n' }: Recording): {
  whole: Buffer
  shown: Buffer
} {
  const text = (data: readonly string[]): string => `${frame[0]}${data.map(event).join('')}data: [DONE]\n\n`
  const bytes = (said: string): Buffer => Buffer.from(said.replaceAll('\n', lineEnd))
  const whole = bytes(text([...chunks, usageChunk]) + frame[1])
  // A comment of the usage's own event goes with it; the one before it is an event of its own.
  const shown = bytes(text(chunks).replace(/data: \[DONE\]\n\n$/, `${before(event)}data: [DONE]\n\n`))
  return { whole, shown }
}

function before(event: (data: string) => string): string {
  const parts = event('{}').split('\n\n')
  return parts
    .slice(0, -2)
    .map(part => `${part}\n\n`)
    .join('')
}

/** What comes out of a stream that arrives in these pieces. */
function read(pieces: readonly Buffer[], showUsage: boolean): { bytes: string; facts: StreamFacts } {
  const tap = openAiChat.createStreamTap({ showUsage })
  assert(tap)
  const out = [...pieces.map(piece => tap.push(piece)), tap.finish()]
  return { bytes: Buffer.concat(out).toString(), facts: tap.facts }
}

const cutAt = (whole: Buffer, places: readonly number[]): Buffer[] => {
  const edges = [0, ...places.toSorted((a, b) => a - b), whole.length]
  return edges.slice(1).map((edge, i) => whole.subarray(edges[i], edge))
}

const everyByte = (whole: Buffer): Buffer[] => cutAt(whole, [...whole.keys()].slice(1))

for (const recording of recordings) {
  const { whole, shown } = record(recording)
  // A lone CR at the very end may still become a CRLF; closing the stream decides it by adding a line feed.
  const closing = recording.lineEnd === '\r' ? '\n' : ''

  suite(`a stream with ${recording.name}`, () => {
    test('comes through byte for byte when its usage was asked for', () => {
      const end = whole.indexOf('[DONE]') + (shown.length - shown.indexOf('[DONE]'))
      assert.equal(read([whole], true).bytes, whole.subarray(0, end) + closing)
    })

    test('comes through byte for byte but for the usage when it was not asked for', () => {
      assert.equal(read([whole], false).bytes, shown + closing)
    })

    test('says what it used and that it has ended', () => {
      const { facts } = read([whole], false)
      assert.deepEqual(facts, {
        usage: { input: 9, output: 3 },
        bill: undefined,
        counted: true,
        pieces: 3,
        characters: 'Grüße vom Leuchtturm 🌊, 灯台\u2028'.length,
        ended: true,
        error: undefined,
        progress: chunks.length, // the usage, but not the role, which says nothing
        skipped: 0,
        malformed: undefined,
      })
    })

    for (const showUsage of [true, false]) {
      test(`is the same wherever it is split (usage ${showUsage ? 'shown' : 'hidden'})`, () => {
        const expected = read([whole], showUsage)
        assert.deepEqual(read(everyByte(whole), showUsage), expected, 'byte by byte')
        for (const place of whole.keys()) {
          assert.deepEqual(read(cutAt(whole, [place]), showUsage), expected, `split at ${place}`)
        }
        const places = fc.array(fc.nat(whole.length), { maxLength: 12 })
        fc.assert(
          fc.property(places, at => assert.deepEqual(read(cutAt(whole, at), showUsage), expected)),
          { numRuns: 200 },
        )
      })
    }
  })
}

test('an event that lacks only its empty line still counts when the stream is closed', () => {
  const { whole, shown } = record({ name: '' })
  const { bytes, facts } = read([whole.subarray(0, -2)], false)
  assert.equal(bytes, shown.toString())
  assert.ok(facts.ended)
})

/** A first chunk as it should be: with its role, and a piece of text. */
const first = chunk([{ index: 0, delta: { role: 'assistant', content: 'Grüße ' }, finish_reason: null }])

test('what came before a malformed event has been handed on, wherever the stream is split', () => {
  const good = `data: ${first}\n\n`
  const whole = Buffer.from(`${good}data: {"choices": [}\n\n`)
  for (const place of whole.keys()) {
    const tap = openAiChat.createStreamTap({ showUsage: true })
    const out = cutAt(whole, [place]).map(piece => tap.push(piece))
    assert.equal(Buffer.concat(out).toString(), good, `split at ${place}`)
    assert.ok(tap.facts.malformed instanceof SyntaxError)
  }
})

test('half an event at the end is a stream cut short, not a malformed one', () => {
  const { bytes, facts } = read([Buffer.from(`${oneLine(first)}data: {"cho`)], true)
  assert.equal(bytes, oneLine(first))
  assert.equal(facts.malformed, undefined)
  assert.equal(facts.ended, false)
})

test('an error in the stream is told by its codes, and nothing after it counts', () => {
  const error = { message: 'words', type: 'rate_limit_error', param: null, code: 429 }
  const whole = Buffer.from(
    `data: ${first}\n\ndata: ${JSON.stringify({ error })}\n\ndata: ${chunks[2]}\n\ndata: [DONE]\n\n`,
  )
  const expected = read([whole], true)
  assert.deepEqual(expected.facts.error, {
    code: '429',
    type: 'rate_limit_error',
    param: undefined,
    message: 'words',
  })
  assert.equal(expected.facts.pieces, 1)
  assert.equal(expected.bytes, `data: ${first}\n\n`)
  assert.deepEqual(read(everyByte(whole), true), expected)
})

test('a single event past the bound is refused instead of held', () => {
  const tap = openAiChat.createStreamTap({ showUsage: true })
  const megabyte = Buffer.alloc(1024 * 1024, 'x')
  assert.throws(() => {
    for (let i = 0; i < 18; i += 1) tap.push(megabyte)
  }, RangeError)
})

const delta = (fields: object, finish_reason: string | null = null): string =>
  chunk([{ index: 0, delta: fields, finish_reason }])

const end = delta({}, 'tool_calls')

const mended: Record<string, { sent: string[]; got: string[] }> = {
  'a role that is missing': {
    sent: [delta({ content: 'a' }), delta({ content: 'b' }), delta({}, 'stop')],
    got: [delta({ role: 'assistant', content: 'a' }), delta({ content: 'b' }), delta({}, 'stop')],
  },
  'calls that all have the number 0': {
    sent: [
      delta({
        role: 'assistant',
        tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
      }),
      delta({
        tool_calls: [{ index: 0, id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } }],
      }),
      delta({}, 'tool_calls'),
    ],
    got: [
      delta({
        role: 'assistant',
        tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
      }),
      delta({
        tool_calls: [{ index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } }],
      }),
      delta({}, 'tool_calls'),
    ],
  },
  'calls that are numbered from 1, with a name in each piece': {
    sent: [
      delta({
        role: 'assistant',
        tool_calls: [{ index: 1, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }],
      }),
      delta({ tool_calls: [{ index: 1, function: { name: 'f', arguments: '{}' } }] }),
      delta({}, 'tool_calls'),
    ],
    got: [
      delta({
        role: 'assistant',
        tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }],
      }),
      delta({ tool_calls: [{ index: 0, function: { arguments: '{}' } }] }),
      delta({}, 'tool_calls'),
    ],
  },
  'a call without a type, as Mistral streams it': {
    sent: [delta({ role: 'assistant', tool_calls: [{ index: 0, id: 'a', function: { name: 'f' } }] }), end],
    got: [
      delta({
        role: 'assistant',
        tool_calls: [{ index: 0, id: 'a', function: { name: 'f' }, type: 'function' }],
      }),
      end,
    ],
  },
  'calls whose ids are empty or missing': {
    sent: [
      delta({
        role: 'assistant',
        tool_calls: [{ index: 0, id: '', type: 'function', function: { name: 'f' } }],
      }),
      delta({ tool_calls: [{ index: 0, id: '', function: { arguments: '{}' } }] }),
      delta({ tool_calls: [{ index: 1, type: 'function', function: { name: 'g' } }] }),
      end,
    ],
    got: [
      delta({
        role: 'assistant',
        tool_calls: [{ index: 0, id: 'call_chatcmpl10000', type: 'function', function: { name: 'f' } }],
      }),
      delta({ tool_calls: [{ index: 0, function: { arguments: '{}' } }] }),
      delta({
        tool_calls: [{ index: 1, type: 'function', function: { name: 'g' }, id: 'call_chatcmpl10001' }],
      }),
      end,
    ],
  },
  'text and thinking in lists, as Mistral streams them': {
    sent: [
      delta({ role: 'assistant', content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] }] }),
      delta({ content: [{ type: 'text', text: 'Yes' }] }),
      delta({ content: [{ type: 'reference', reference_ids: [1] }] }),
      delta({}, 'stop'),
    ],
    got: [
      delta({ role: 'assistant', content: null, reasoning_content: 'Hm' }),
      delta({ content: 'Yes' }),
      delta({ content: [{ type: 'reference', reference_ids: [1] }] }),
      delta({}, 'stop'),
    ],
  },
  'the message so far beside its last piece, as Perplexity streams it': {
    sent: [
      chunk([{ index: 0, delta: { role: 'assistant', content: 'a' }, message: { content: 'a' } }]),
      chunk([{ index: 0, delta: { content: 'b' }, message: { content: 'ab' }, finish_reason: 'stop' }]),
    ],
    got: [
      chunk([{ index: 0, delta: { role: 'assistant', content: 'a' } }]),
      chunk([{ index: 0, delta: { content: 'b' }, finish_reason: 'stop' }]),
    ],
  },
}

for (const [name, { sent, got }] of Object.entries(mended)) {
  test(`mends in passing what SDKs stumble over: ${name}`, () => {
    const stream = (events: string[]): string => [...events, '[DONE]'].map(oneLine).join('')
    const { bytes } = read([Buffer.from(stream(sent))], true)
    assert.equal(bytes, stream(got))
    assert.equal(read([Buffer.from(stream(got))], true).bytes, stream(got), 'what is right stays as it is')
  })
}

test('mends a whole answer in the same ways, and leaves any other as it is', () => {
  const passOn = (message: object): { message: unknown } | undefined => {
    const body = Buffer.from(JSON.stringify({ id: 'chatcmpl-1', choices: [{ index: 0, message }] }))
    const passed = openAiChat.passOn?.(body, { body, rest: '', query: {} })
    return passed === body ? undefined : JSON.parse(String(passed)).choices[0]
  }
  const call = { type: 'function', function: { name: 'f', arguments: '{}' } }
  assert.deepEqual(passOn({ content: null, tool_calls: [{ ...call, id: '' }, call] })?.message, {
    content: null,
    tool_calls: [
      { ...call, id: 'call_chatcmpl10000' },
      { ...call, id: 'call_chatcmpl10001' },
    ],
  })
  const thinking = [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] }]
  assert.deepEqual(passOn({ content: [...thinking, { type: 'text', text: 'Yes' }] })?.message, {
    content: 'Yes',
    reasoning_content: 'Hm',
  })
  assert.equal(passOn({ content: 'Yes', tool_calls: [{ ...call, id: 'a' }] }), undefined)
  assert.equal(passOn({ content: [{ type: 'text', text: 'a' }, { type: 'reference' }] }), undefined)
})

const report = JSON.stringify({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } })

test('gives a choice its finish reason where the report and the end mark came without one', () => {
  const { bytes } = read([Buffer.from([first, report, '[DONE]'].map(oneLine).join(''))], true)
  assert.match(bytes, /"delta":\{\},"finish_reason":"stop"\}\]\}\n\ndata: \[DONE\]\n\n$/)
})

test('takes an end mark that comes before reason and report for none', () => {
  const { bytes, facts } = read([Buffer.from(`${oneLine(first)}${oneLine('[DONE]')}`)], true)
  assert.equal(bytes, oneLine(first))
  assert.equal(facts.ended, false)
  assert.ok(facts.malformed)
})
