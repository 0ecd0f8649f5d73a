import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type ChatEvent, totalInput, totalOutput } from '#exchange'
import { foldEvents } from '../fold.ts'
import { bedrockConverse } from './index.ts'
import { answers, exception, frame, type Json, streamOf } from './recorded.ts'

const options = { hex: '0'.repeat(32) }

function read(chunks: readonly Buffer[]): ChatEvent[] {
  const reader = bedrockConverse.createReader(options)
  return [...chunks.flatMap(chunk => reader.push(chunk)), ...reader.finish()]
}

function answerOf(name: string): Json {
  const answer = answers[name]
  assert.ok(answer, name)
  return answer
}

const delta = (text: string, contentBlockIndex = 0): Buffer =>
  frame('contentBlockDelta', { contentBlockIndex, delta: { text } })

suite('a stream', () => {
  for (const name of Object.keys(answers)) {
    test(`folds to the whole answer: ${name}`, () => {
      const answer = answerOf(name)
      const whole = bedrockConverse.readAnswer(answer, options)
      assert.ok(whole)
      const events = read(streamOf(answer))
      assert.deepEqual(foldEvents(events), whole)
      assert.equal(events[0]?.type, 'start')
      assert.equal(events.at(-1)?.type, 'end')
      assert.equal(events.filter(({ type }) => type === 'end').length, 1)
    })

    test(`says the same wherever its bytes are split: ${name}`, () => {
      const frames = streamOf(answerOf(name))
      const bytes = Buffer.concat(frames)
      const expected = read(frames)
      for (let at = 0; at <= bytes.length; at += 1)
        assert.deepEqual(read([bytes.subarray(0, at), bytes.subarray(at)]), expected, `at byte ${at}`)
      const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
      assert.deepEqual(read(single), expected)
    })
  }

  test('folds to the whole answer, whatever texts, thoughts and calls it is made of', () => {
    const text = fc.string({ unit: 'grapheme' })
    const block = fc.oneof(
      text.map(text => ({ text })),
      fc.record({ text, signature: fc.string({ minLength: 1 }) }).map(reasoningText => ({
        reasoningContent: { reasoningText },
      })),
      fc.uint8Array({ minLength: 1 }).map(bytes => ({
        reasoningContent: { redactedContent: Buffer.from(bytes).toString('base64') },
      })),
      fc
        .tuple(fc.string({ minLength: 1 }), fc.dictionary(fc.string(), fc.jsonValue()))
        .map(([toolUseId, input]) => ({
          toolUse: { toolUseId, name: 'f', input: JSON.parse(JSON.stringify(input)) },
        })),
    )
    fc.assert(
      fc.property(fc.array(block, { maxLength: 5 }), fc.nat(), (content, cut) => {
        const answer: Json = { ...answerOf('text'), output: { message: { role: 'assistant', content } } }
        const bytes = Buffer.concat(streamOf(answer))
        const at = cut % bytes.length
        const events = read([bytes.subarray(0, at), bytes.subarray(at)])
        assert.deepEqual(foldEvents(events), bedrockConverse.readAnswer(answer, options))
      }),
      { numRuns: 200 },
    )
  })

  test('counts in kinds that add up to the totals', () => {
    for (const answer of Object.values(answers)) {
      const { usage } = foldEvents(read(streamOf(answer)))
      const said = answer.usage as Record<string, number>
      const { inputTokens = 0, cacheReadInputTokens = 0, cacheWriteInputTokens = 0, outputTokens } = said
      assert.equal(totalInput(usage ?? {}), inputTokens + cacheReadInputTokens + cacheWriteInputTokens)
      assert.equal(totalOutput(usage ?? {}), outputTokens)
    }
    const { usage } = foldEvents(read(streamOf(answerOf('the bound reached, with a cache and a tier'))))
    assert.deepEqual(usage, {
      input: 4,
      cachedInput: 2000,
      cacheWrite5m: 1000,
      cacheWrite1h: 100,
      output: 10,
    })
  })
})

suite('the end of an answer', () => {
  const reasons: [word: string, reason: string][] = [
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['tool_use', 'tool-calls'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['guardrail_intervened', 'content-filter'],
    ['content_filtered', 'content-filter'],
    ['malformed_model_output', 'error'],
    ['malformed_tool_use', 'error'],
    ['pause_turn', 'pause'],
    ['something_failed', 'error'],
    ['toString', 'stop'],
  ]
  for (const [word, reason] of reasons) {
    test(`is ${reason} by the word ${word}, which is kept`, () => {
      const answer = bedrockConverse.readAnswer({ ...answerOf('text'), stopReason: word }, options)
      assert.deepEqual(answer?.choices[0]?.finish, { reason, raw: word })
    })
  }

  test('is tool calls where a call names its kind, beside those that the provider ran itself', () => {
    const name = 'a tool that the provider ran, and one that is to be run, both named by their type'
    const choice = bedrockConverse.readAnswer(answerOf(name), options)?.choices[0]
    assert.deepEqual(
      choice?.parts.map(({ type }) => type),
      ['opaque', 'opaque', 'tool-call'],
    )
    assert.deepEqual(choice?.parts.at(-1), {
      type: 'tool-call',
      id: 't1',
      name: 'answer',
      arguments: '{"sum":4}',
    })
    assert.equal(choice?.finish.reason, 'tool-calls')
  })

  test('calls the tool that is meant, where a token of the model’s own format follows its name', () => {
    const toolUse = { toolUseId: 't1', name: 'lookup<|channel|>commentary', input: {} }
    const output = { message: { role: 'assistant', content: [{ toolUse }] } }
    const answer = { ...answerOf('text'), output, stopReason: 'tool_use' }
    const whole = bedrockConverse.readAnswer(answer, options)
    assert.deepEqual(whole?.choices[0]?.parts, [
      { type: 'tool-call', id: 't1', name: 'lookup', arguments: '{}' },
    ])
    assert.deepEqual(foldEvents(read(streamOf(answer))), whole)
  })

  test('is tool calls wherever there are any, and names the sequence that stopped it', () => {
    const called = { ...answerOf('parallel tools, one without arguments'), stopReason: 'end_turn' }
    assert.equal(bedrockConverse.readAnswer(called, options)?.choices[0]?.finish.reason, 'tool-calls')
    const streamed = {
      ...answerOf('a stop sequence'),
      additionalModelResponseFields: { delta: { stop_sequence: 'END' } },
    }
    assert.deepEqual(foldEvents(read(streamOf(streamed))).choices[0]?.finish, {
      reason: 'stop',
      stopSequence: 'END',
      raw: 'stop_sequence',
    })
  })

  test('does not need the usage, nor does the usage have to come last; a second one counts for nothing', () => {
    const [start = Buffer.alloc(0), ...rest] = streamOf(answerOf('text'))
    const metadata = rest.at(-1) ?? start
    const stopped = [start, ...rest.slice(0, -1)]
    assert.deepEqual(
      read(stopped)
        .slice(-2)
        .map(({ type }) => type),
      ['finish', 'end'],
    )
    const early = read([start, metadata, ...rest.slice(0, -1)])
    assert.deepEqual(foldEvents(early), foldEvents(read([start, ...rest])))
    assert.deepEqual(read([start, ...rest, metadata, ...rest]), read([start, ...rest]))
  })
})

suite('a broken stream', () => {
  const [start = Buffer.alloc(0)] = streamOf(answerOf('text'))
  const flipped = (at: number): Buffer => {
    const bytes = Buffer.from(delta('hello'))
    bytes[at] = (bytes[at] ?? 0) ^ 1
    return bytes
  }
  const cases: [name: string, chunks: Buffer[], last: string | undefined][] = [
    ['with no end', [start, delta('half')], 'text-delta'],
    ['that breaks off in a frame', [start, delta('a'), delta('b').subarray(0, 30)], 'text-delta'],
    [
      'that breaks off in a frame after its end',
      [...streamOf(answerOf('text')).slice(0, -1), delta('b').subarray(0, 9)],
      'finish',
    ],
    ['with a wrong checksum of a frame', [start, flipped(40)], 'malformed'],
    ['with a wrong length', [start, flipped(2)], 'malformed'],
    ['with a frame past all bounds', [start, hugePrelude()], 'malformed'],
    ['of another format', [Buffer.from('data: {"choices":[]}\n\n')], 'malformed'],
    ['with JSON that is none', [start, frame('contentBlockDelta', '{"delta":')], 'malformed'],
    ['with an event that is no object', [start, frame('contentBlockDelta', '[1]')], 'malformed'],
    [
      'with input for no tool',
      [start, frame('contentBlockDelta', { delta: { toolUse: { input: '{}' } } })],
      'malformed',
    ],
    ['of nothing', [], undefined],
  ]
  for (const [name, chunks, last] of cases) {
    test(`is not taken for a whole one: ${name}`, () => {
      const events = read(chunks)
      assert.equal(events.at(-1)?.type, last)
      assert.ok(!events.some(({ type }) => type === 'end'))
    })
  }

  test('keeps what came before', () => {
    const events = read([start, Buffer.concat([delta('kept'), flipped(40), delta('lost')])])
    assert.deepEqual(
      events.map(({ type }) => type),
      ['start', 'part-start', 'text-delta', 'malformed'],
    )
  })

  test('passes over what is unknown, and counts it', () => {
    const [, ...rest] = streamOf(answerOf('text'))
    const reader = bedrockConverse.createReader(options)
    const strange = [
      frame('heartbeat', { beat: 1 }),
      frame('contentBlockDelta', { contentBlockIndex: 0, delta: { smell: 'rose' } }),
    ]
    const events = [start, ...strange, ...rest].flatMap(chunk => reader.push(chunk))
    assert.deepEqual(events, read([start, ...rest]))
    assert.equal(reader.skipped, 2)
  })

  test('does not lose a text that begins without the end of the one before', () => {
    const events = read([start, delta('a'), delta('b', 1), frame('messageStop', { stopReason: 'end_turn' })])
    assert.deepEqual(foldEvents(events).choices[0]?.parts, [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ])
  })

  test('is read as far as its UTF-8 goes', () => {
    const event = Buffer.concat([
      Buffer.from('{"delta":{"text":"a'),
      Buffer.from([0xff]),
      Buffer.from('b"}}'),
    ])
    assert.deepEqual(read([start, frame('contentBlockDelta', event)]).at(-1), {
      type: 'text-delta',
      choice: 0,
      text: 'a\ufffdb',
    })
  })
})

suite('an error', () => {
  const types: [exception: string, type: string][] = [
    ['throttlingException', 'rate_limit_error'],
    ['serviceUnavailableException', 'overloaded_error'],
    ['internalServerException', 'api_error'],
    ['modelStreamErrorException', 'api_error'],
    ['validationException', 'invalid_request_error'],
  ]
  for (const [name, type] of types) {
    test(`in the midst of a stream ends it: ${name}`, () => {
      const [start = Buffer.alloc(0)] = streamOf(answerOf('text'))
      const events = read([start, delta('a'), exception(name, 'Too many tokens'), delta('b')])
      const error = { code: name, type, param: undefined, message: 'Too many tokens' }
      assert.deepEqual(events.at(-1), { type: 'error', error })
    })
  }

  test('of the stream itself is told in its headers', () => {
    const headers = { ':message-type': 'error', ':error-code': 'InternalFailure', ':error-message': 'Gone' }
    assert.deepEqual(read([frame('', '', headers)]), [
      {
        type: 'error',
        error: { code: 'InternalFailure', type: 'api_error', param: undefined, message: 'Gone' },
      },
    ])
  })

  test('in a body is read, and an answer is none', () => {
    const read = bedrockConverse.readError
    assert.deepEqual(read({ message: 'The provided model identifier is invalid.' }), {
      code: undefined,
      type: undefined,
      param: undefined,
      message: 'The provided model identifier is invalid.',
    })
    assert.equal(read({ __type: 'com.amazon#ThrottlingException', Message: 'm' })?.type, 'rate_limit_error')
    for (const body of [answerOf('text'), {}, null, 'x', { message: 3 }]) assert.equal(read(body), undefined)
  })

  test('in the place of an answer is no answer', () => {
    for (const body of [{ message: 'x' }, {}, { output: {} }, { output: { message: { content: 'x' } } }])
      assert.equal(bedrockConverse.readAnswer(body, options), undefined)
  })
})

/** A prelude with a right checksum that promises more than any frame has. */
function hugePrelude(): Buffer {
  const prelude = Buffer.from('7fffffff0000000000000000', 'hex')
  prelude.writeUInt32BE(crc(prelude.subarray(0, 8)), 8)
  return prelude
}

function crc(bytes: Buffer): number {
  let sum = 0xffffffff
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0)
  }
  return (sum ^ 0xffffffff) >>> 0
}
