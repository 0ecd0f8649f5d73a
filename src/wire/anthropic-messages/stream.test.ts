import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type ChatAnswer, type ChatEvent, totalInput, totalOutput } from '#exchange'
import { foldEvents } from '../fold.ts'
import { anthropicMessages } from './index.ts'
import { event, recorded } from './recorded.fixture.ts'

function read(pieces: readonly Buffer[]): ChatEvent[] {
  const reader = anthropicMessages.createReader({ hex: '0'.repeat(32) })
  return [...pieces.flatMap(piece => reader.push(piece)), ...reader.finish()]
}

const readText = (stream: string): ChatEvent[] => read([Buffer.from(stream)])

const everyByte = (bytes: Buffer): Buffer[] => [...bytes.keys()].map(at => bytes.subarray(at, at + 1))

/** Arguments as values: a stream has the model's own spacing, a whole answer has lost it. */
function parsed(answer: ChatAnswer | undefined): unknown {
  return {
    ...answer,
    choices: answer?.choices.map(choice => ({
      ...choice,
      parts: choice.parts.map(part =>
        part.type === 'tool-call' ? { ...part, arguments: JSON.parse(part.arguments) as unknown } : part,
      ),
    })),
  }
}

for (const [name, { whole, stream }] of Object.entries(recorded)) {
  suite(`a stream of ${name}`, () => {
    test('folds to the whole answer', () => {
      const events = readText(stream)
      assert.deepEqual(parsed(foldEvents(events)), parsed(anthropicMessages.readAnswer(whole, { hex: '' })))
      assert.equal(events[0]?.type, 'start')
      assert.equal(events.at(-1)?.type, 'end')
    })

    test('has the same events wherever it is split, and the same bytes for a caller of the same dialect', () => {
      const bytes = Buffer.from(stream)
      const expected = read([bytes])
      assert.deepEqual(read(everyByte(bytes)), expected, 'byte by byte')
      for (const at of bytes.keys()) {
        const halves = [bytes.subarray(0, at), bytes.subarray(at)]
        assert.deepEqual(read(halves), expected, `split at ${at}`)
        const tap = anthropicMessages.createStreamTap({ showUsage: true })
        assert.equal(Buffer.concat([...halves.map(half => tap.push(half)), tap.finish()]).toString(), stream)
        assert.ok(tap.facts.ended)
        assert.deepEqual(
          tap.facts.usage,
          anthropicMessages.readFacts(Buffer.from(JSON.stringify(whole)))?.usage,
        )
      }
    })
  })
}

test('keeps the order of thinking and tool calls, and every seal byte for byte', () => {
  const { choices } = foldEvents(readText(recorded['signed thinking before a call']?.stream ?? ''))
  assert.deepEqual(choices[0]?.parts, [
    {
      type: 'reasoning',
      text: 'Let me see.',
      signature: {
        dialect: 'anthropic-messages',
        kind: 'seal',
        value: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds==',
      },
    },
    {
      type: 'reasoning',
      text: '',
      signature: { dialect: 'anthropic-messages', kind: 'sealed', value: 'EmwKAhgBEgy3va3pzix/LafPsn4a' },
    },
    {
      type: 'reasoning',
      text: '',
      signature: { dialect: 'anthropic-messages', kind: 'seal', value: 'EuYBCkQYAiJA==' },
    },
    { type: 'tool-call', id: 'toolu_01D', name: 'look', arguments: '{"at":"it"}' },
  ])
})

test('gives a call without arguments an empty object, and never takes a server tool for a call', () => {
  const calls = foldEvents(readText(recorded['parallel tool calls']?.stream ?? '')).choices[0]
  assert.deepEqual(calls?.parts.at(-1), { type: 'tool-call', id: 'toolu_01C', name: 'now', arguments: '{}' })
  const search = foldEvents(readText(recorded['a web search with citations']?.stream ?? '')).choices[0]
  assert.equal(search?.finish.reason, 'stop')
  assert.deepEqual(
    search?.parts.map(({ type }) => type),
    ['opaque', 'opaque', 'text', 'text'],
  )
  assert.deepEqual(search?.parts[0], {
    type: 'opaque',
    dialect: 'anthropic-messages',
    value: { type: 'server_tool_use', id: 'srvtoolu_01', name: 'web_search', input: { query: 'shannon' } },
  })
})

test('keeps what stands in the beginning already: a result, a call, and that the answer ends with it', () => {
  const content = [
    {
      type: 'code_execution_tool_result',
      tool_use_id: 'srvtoolu_01',
      content: { type: 'code_execution_result', stdout: '4', stderr: '', return_code: 0, content: [] },
    },
    { type: 'text', text: 'Now the time.' },
    { type: 'tool_use', id: 'toolu_01', name: 'now', input: { zone: 'UTC' } },
  ]
  const usage = { input_tokens: 3, output_tokens: 5 }
  const message = { id: 'msg_01', model: 'm', content, stop_reason: 'tool_use', usage }
  const events = readText(event('message_start', { message }) + event('message_stop'))
  assert.equal(events.at(-1)?.type, 'end')
  assert.deepEqual(foldEvents(events), anthropicMessages.readAnswer(message, { hex: '' }))
  assert.equal(foldEvents(events).choices[0]?.finish.reason, 'tool-calls')
})

test('tells citations as ours, with the provider’s own beside them', () => {
  const parts = foldEvents(readText(recorded['a web search with citations']?.stream ?? '')).choices[0]?.parts
  const cited = parts?.at(-1)
  const citations = (cited?.type === 'text' && cited.citations) || []
  assert.deepEqual(
    citations.map(({ raw: _raw, ...citation }) => citation),
    [
      { kind: 'file', title: 'Nature', quote: 'The grass is green.', fileId: 'file_011C', documentIndex: 0 },
      { kind: 'file', quote: 'Water', documentIndex: 1 },
      { kind: 'file', title: 'Sky', quote: 'Sky', documentIndex: 2 },
      { kind: 'url', url: 'https://example.com/shannon', title: 'Claude Shannon', quote: 'born in 1916' },
      { kind: 'url', url: 'https://docs.example.com/api', title: 'API', quote: 'keys' },
    ],
  )
  assert.match(JSON.stringify(citations[3]?.raw), /"encrypted_index":"Eo8BCioIAhgBIiQyYjQ0OWJmZi1"/)
})

const reasons: Record<string, string> = {
  text: 'stop',
  'a text that a stop sequence ends': 'stop',
  'parallel tool calls': 'tool-calls',
  'an answer that is cut': 'length',
  'a full context': 'length',
  'a turn that pauses': 'pause',
  'a refusal': 'content-filter',
  'a refusal without words': 'content-filter',
}

test('knows every reason for which an answer ends', () => {
  for (const [name, reason] of Object.entries(reasons)) {
    const finish = anthropicMessages.readAnswer(recorded[name]?.whole ?? {}, { hex: '' })?.choices[0]?.finish
    assert.equal(finish?.reason, reason, name)
  }
  const stop = (stop_reason: unknown, content: unknown[] = []) =>
    anthropicMessages.readAnswer({ content, stop_reason }, { hex: '' })?.choices[0]?.finish
  assert.deepEqual(stop('server_error'), { reason: 'error', raw: 'server_error' })
  assert.deepEqual(stop('constructor'), { reason: 'stop', raw: 'constructor' })
  assert.deepEqual(stop('end_turn', [{ type: 'tool_use', id: 'a', name: 'b', input: {} }]), {
    reason: 'tool-calls',
    raw: 'end_turn',
  })
})

suite('usage', () => {
  const usageOf = (usage: unknown) => anthropicMessages.readAnswer({ content: [], usage }, { hex: '' })?.usage

  test('adds up to what Anthropic counts', () => {
    const usage = usageOf(recorded.text?.whole.usage)
    assert.deepEqual(usage, {
      input: 25,
      cachedInput: 12,
      cacheWrite5m: 10,
      cacheWrite1h: 20,
      output: 30,
      reasoning: 17,
      webSearches: 1,
    })
    assert.equal(totalInput(usage ?? {}), 25 + 12 + 30)
    assert.equal(totalOutput(usage ?? {}), 47)
  })

  test('cuts a detail to its total, and counts what no lifetime is told of as five minutes', () => {
    const details = {
      cache_creation: { ephemeral_1h_input_tokens: 50 },
      output_tokens_details: { thinking_tokens: 9 },
    }
    assert.deepEqual(
      usageOf({ input_tokens: 1, cache_creation_input_tokens: 20, output_tokens: 4, ...details }),
      {
        input: 1,
        cacheWrite1h: 20,
        reasoning: 4,
      },
    )
    assert.deepEqual(usageOf({ input_tokens: 1, cache_creation_input_tokens: 20, output_tokens: 4 }), {
      input: 1,
      cacheWrite5m: 20,
      output: 4,
    })
    assert.equal(usageOf({ input_tokens: -1, output_tokens: 'many' }), undefined)
    assert.equal(usageOf(null), undefined)
  })

  test('counts what summing up the conversation took, which no total has, but not what an advisor took', () => {
    const iterations = [
      { type: 'compaction', input_tokens: 80_000, output_tokens: 150, cache_read_input_tokens: 500 },
      { type: 'advisor_message', model: 'other', input_tokens: 7, output_tokens: 7 },
      { type: 'message', input_tokens: 20, output_tokens: 9 },
      null,
    ]
    const expected = { input: 80_020, cachedInput: 500, output: 159 }
    assert.deepEqual(usageOf({ input_tokens: 20, output_tokens: 9, iterations }), expected)
    assert.deepEqual(usageOf({ input_tokens: 0, output_tokens: 0, iterations: iterations.slice(0, 1) }), {
      ...expected,
      input: 80_000,
      output: 150,
    })
    const message = { id: 'm', model: 'm', usage: { input_tokens: 20, output_tokens: 1 } }
    const stream =
      event('message_start', { message }) +
      event('message_delta', { delta: {}, usage: { output_tokens: 9, iterations } }) +
      event('message_stop')
    assert.deepEqual(foldEvents(readText(stream)).usage, expected)
    const tap = anthropicMessages.createStreamTap({ showUsage: true })
    tap.push(Buffer.from(stream))
    assert.deepEqual(tap.facts.usage, expected)
  })

  test('of a stream takes later counts for earlier ones, and leaves those that are null', () => {
    const message = {
      id: 'm',
      model: 'm',
      usage: { input_tokens: 0, output_tokens: 0, cache_read_input_tokens: 7 },
    }
    const events = readText(
      event('message_start', { message }) +
        event('message_delta', { delta: {}, usage: { output_tokens: 5 } }) +
        event('message_delta', {
          delta: { stop_reason: 'end_turn' },
          usage: { input_tokens: 11, output_tokens: 9, cache_read_input_tokens: null },
        }) +
        event('message_stop'),
    )
    assert.deepEqual(foldEvents(events).usage, { input: 11, cachedInput: 7, output: 9 })
    assert.equal(events.filter(({ type }) => type === 'finish').length, 1)
  })

  test('of a relayed stream that is cut is what was told at its beginning, and not final', () => {
    const tap = anthropicMessages.createStreamTap({ showUsage: true })
    const [upToStop = ''] = (recorded.text?.stream ?? '').split('event: message_delta')
    tap.push(Buffer.from(upToStop))
    assert.deepEqual(tap.facts.usage, {
      input: 25,
      cachedInput: 12,
      cacheWrite5m: 10,
      cacheWrite1h: 20,
      output: 1,
    })
    assert.equal(tap.facts.counted, false)
    assert.equal(tap.facts.ended, false)
  })
})

suite('a stream that is not as it should be', () => {
  const start = event('message_start', {
    message: { id: 'm', model: 'c', usage: { input_tokens: 1, output_tokens: 1 } },
  })
  const begin = (block: unknown, index = 0) => event('content_block_start', { index, content_block: block })
  const delta = (piece: unknown, index = 0) => event('content_block_delta', { index, delta: piece })
  const stop = event('content_block_stop', { index: 0 })
  const end =
    event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } }) +
    event('message_stop')
  const hello = begin({ type: 'text', text: '' }) + delta({ type: 'text_delta', text: 'Hello' }) + stop
  const partsOf = (stream: string) => foldEvents(readText(stream)).choices[0]?.parts

  test('passes over events and deltas of which nothing is known', () => {
    const reader = anthropicMessages.createReader({ hex: '' })
    const odd =
      event('surprise', { depth: 1 }) + begin({ type: 'text', text: '' }) + delta({ type: 'odd_delta' })
    const events = reader.push(
      Buffer.from(start + odd + delta({ type: 'text_delta', text: 'Hello' }) + stop + end),
    )
    assert.deepEqual(foldEvents(events).choices[0]?.parts, [{ type: 'text', text: 'Hello' }])
    assert.equal(reader.skipped, 2)
  })

  test('counts what stood before bytes that are no event, and nothing after them', () => {
    for (const bad of ['data: {"type": "content_block_delta", \n\n', 'data: 7\n\n', 'data: null\n\n']) {
      const events = readText(start + hello + bad + end)
      assert.equal(events.at(-1)?.type, 'malformed')
      assert.deepEqual(foldEvents(events).choices[0]?.parts, [{ type: 'text', text: 'Hello' }])
      const tap = anthropicMessages.createStreamTap({ showUsage: true })
      assert.equal(tap.push(Buffer.from(start + hello + bad + end)).toString(), start + hello)
      assert.ok(tap.facts.malformed)
      assert.equal(tap.facts.ended, false)
    }
  })

  test('is malformed where a tool’s input has no tool', () => {
    assert.equal(
      readText(start + delta({ type: 'input_json_delta', partial_json: '{}' })).at(-1)?.type,
      'malformed',
    )
  })

  test('keeps arguments that are not JSON as the model wrote them', () => {
    const call = begin({ type: 'tool_use', id: 't', name: 'n', input: {} })
    const broken = delta({ type: 'input_json_delta', partial_json: '{"a": ' })
    assert.deepEqual(partsOf(start + call + broken + stop + end), [
      { type: 'tool-call', id: 't', name: 'n', arguments: '{"a": ' },
    ])
  })

  test('takes the input that a server gives with the block', () => {
    const call = begin({ type: 'tool_use', id: 't', name: 'n', input: { a: 1 } })
    assert.deepEqual(partsOf(start + call + stop + end), [
      { type: 'tool-call', id: 't', name: 'n', arguments: '{"a":1}' },
    ])
  })

  test('mends blocks that were never opened or never closed', () => {
    const unopened = delta({ type: 'text_delta', text: 'Hello' })
    assert.deepEqual(partsOf(start + unopened + end), [{ type: 'text', text: 'Hello' }])
    const unclosed = begin({ type: 'thinking', thinking: 'Hm' }) + hello
    assert.deepEqual(partsOf(start + unclosed + end), [
      { type: 'reasoning', text: 'Hm' },
      { type: 'text', text: 'Hello' },
    ])
    assert.deepEqual(
      readText(hello + end).map(({ type }) => type),
      ['start', 'part-start', 'text-delta', 'part-end', 'usage', 'finish', 'usage', 'end'],
    )
  })

  test('has no end where its end mark is missing, and one where it comes twice', () => {
    assert.ok(!readText(start + hello).some(({ type }) => type === 'end' || type === 'finish'))
    const twice = readText(start + hello + end + end + hello)
    assert.equal(twice.filter(({ type }) => type === 'end').length, 1)
    assert.equal(twice.at(-1)?.type, 'end')
    const tap = anthropicMessages.createStreamTap({ showUsage: true })
    assert.equal(tap.push(Buffer.from(start + hello + end + end)).toString(), start + hello + end)
  })

  test('counts an event that lacks only its empty line, and not half of one', () => {
    assert.equal(readText((start + hello + end).slice(0, -2)).at(-1)?.type, 'end')
    assert.equal(readText((start + hello).slice(0, -9)).at(-1)?.type, 'text-delta')
    const tap = anthropicMessages.createStreamTap({ showUsage: true })
    tap.push(Buffer.from((start + hello + end).slice(0, -2)))
    tap.finish()
    assert.ok(tap.facts.ended)
    assert.equal(tap.facts.malformed, undefined)
  })

  test('ends with the provider’s error, named or not', () => {
    const error = { type: 'overloaded_error', message: 'Overloaded' }
    const expected = { code: undefined, type: 'overloaded_error', param: undefined, message: 'Overloaded' }
    for (const bytes of [
      event('error', { error }),
      `data: ${JSON.stringify({ type: 'error', error })}\n\n`,
    ]) {
      assert.deepEqual(readText(start + hello + bytes + end).at(-1), { type: 'error', error: expected })
      const tap = anthropicMessages.createStreamTap({ showUsage: true })
      assert.equal(tap.push(Buffer.from(start + hello + bytes + end)).toString(), start + hello)
      assert.deepEqual(tap.facts.error, expected)
      assert.equal(tap.facts.ended, false)
    }
  })

  test('has an end without any report of usage', () => {
    const events = readText(event('message_start', { message: {} }) + hello + event('message_stop'))
    assert.deepEqual(foldEvents(events), {
      choices: [{ parts: [{ type: 'text', text: 'Hello' }], finish: { reason: 'stop' } }],
    })
  })

  test('comes through with invalid UTF-8 replaced', () => {
    const bytes = Buffer.from(start + hello + end)
    bytes[bytes.indexOf('Hello')] = 0xff
    assert.deepEqual(foldEvents(read([bytes])).choices[0]?.parts, [{ type: 'text', text: '\ufffdello' }])
  })

  test('is no answer where a whole one is an error, or of another format', () => {
    const error = { type: 'error', error: { type: 'api_error', message: 'x' } }
    assert.equal(anthropicMessages.readAnswer(error, { hex: '' }), undefined)
    assert.equal(anthropicMessages.readFacts(Buffer.from(JSON.stringify(error))), undefined)
    assert.equal(anthropicMessages.readFacts(Buffer.from('<html>')), undefined)
    assert.equal(anthropicMessages.readAnswer({ choices: [] }, { hex: '' }), undefined)
  })
})
