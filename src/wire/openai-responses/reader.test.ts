import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type ChatEvent, totalInput, totalOutput } from '#exchange'
import { foldEvents } from '../fold.ts'
import { answers, bytesOf, eventsOf, type Manner, usage } from './answers.fixture.ts'
import { readResponse } from './read-answer.ts'
import { ResponsesReader } from './reader.ts'

type Json = Record<string, unknown>

function readAll(...chunks: Buffer[]): ChatEvent[] {
  const reader = new ResponsesReader()
  return [...chunks.flatMap(chunk => reader.push(chunk)), ...reader.finish()]
}

const end = (response: Json = {}): Json => ({
  type: 'response.completed',
  response: { id: 'resp_1', status: 'completed', output: [], ...response },
})

suite('a stream of Responses', () => {
  test('may end by the word of xAI', () => {
    for (const answer of Object.values(answers)) {
      const last = { type: 'response.done', response: answer }
      const events = eventsOf(answer).map((event: Json) =>
        event.type === 'response.completed' || event.type === 'response.incomplete' ? last : event,
      )
      assert.deepEqual(foldEvents(readAll(bytesOf(events))), readResponse(answer))
    }
  })

  const manners: Record<string, Manner> = {
    'as OpenAI sends it': {},
    'without pieces': { deltas: false },
    'without ends of parts': { parts: false },
    'without ends of items': { done: false },
    'with finished items alone': { deltas: false, parts: false },
    'with nothing but its last event': { items: false },
  }
  for (const [name, answer] of Object.entries(answers)) {
    const whole = readResponse(answer)
    for (const [manner, how] of Object.entries(manners)) {
      test(`${manner} folds into the whole answer: ${name}`, () => {
        const events = readAll(bytesOf(eventsOf(answer, how)))
        assert.deepEqual(foldEvents(events), whole)
        assert.equal(events.at(-1)?.type, 'end')
        assertSequence(events)
      })
    }

    test(`says the same wherever its bytes are split: ${name}`, () => {
      const bytes = bytesOf(eventsOf(answer))
      const expected = readAll(bytes)
      for (let at = 0; at <= bytes.length; at += bytes.length > 4_000 ? 7 : 1)
        assert.deepEqual(readAll(bytes.subarray(0, at), bytes.subarray(at)), expected)
    })
  }

  test('puts items that a server mixes in order', () => {
    const answer = answers['thoughts in two parts, sealed, then parallel calls'] ?? {}
    const events = eventsOf(answer)
    const of = (index: number): Json[] => events.filter(({ output_index }) => output_index === index)
    const mixed: Json[] = []
    const [first, second] = [of(1), of(2)]
    while (first.length + second.length > 0) mixed.push(...second.splice(0, 1), ...first.splice(0, 1))
    const stream = [...events.slice(0, 2), ...of(0), ...mixed, ...events.slice(-1)]
    const read = readAll(bytesOf(stream))
    assertSequence(read)
    const names = foldEvents(read).choices[0]?.parts.flatMap(part =>
      part.type === 'tool-call' ? part.name : [],
    )
    assert.deepEqual(names, ['count', 'find'])
  })

  test('tells items apart to which a server gives the same number', () => {
    const answer = answers['thoughts in two parts, sealed, then parallel calls'] ?? {}
    const events = eventsOf(answer).map(event =>
      'output_index' in event ? { ...event, output_index: 0 } : event,
    )
    assert.deepEqual(foldEvents(readAll(bytesOf(events))), readResponse(answer))
  })

  test('has usage in kinds that add up to the totals, however they contradict each other', () => {
    for (const report of [usage(75, 8, 40, 4), usage(5, 9, 3, 7), usage(0, 0, 0, 0)]) {
      const counts = readResponse({ ...(end().response as Json), usage: report })?.usage ?? {}
      assert.equal(totalInput(counts), report.input_tokens)
      assert.equal(totalOutput(counts), report.output_tokens)
    }
  })
})

suite('a stream that is not what it should be', () => {
  const types = (text: string): string[] => readAll(Buffer.from(text)).map(({ type }) => type)
  const data = (...events: unknown[]): string =>
    events.map(event => `data: ${JSON.stringify(event)}\n\n`).join('')

  const flat = { type: 'error', code: 'server_error', message: 'Oh.', param: null, sequence_number: 3 }
  const nested = {
    type: 'error',
    error: { type: 'server_error', code: 'server_error', message: 'Oh.', param: null },
  }
  const failed = {
    type: 'response.failed',
    response: { status: 'failed', error: { code: 'server_error', message: 'Oh.' } },
  }
  const errors: Record<string, unknown[]> = {
    'flat, then the failed response': [flat, failed],
    'nested, then the failed response': [nested, failed],
    'the failed response, then the error': [failed, nested],
    'the failed response alone': [failed],
    'the failed response, as a completed one': [{ ...failed, type: 'response.completed' }],
    'the bare object of a server in between': [{ error: { code: 'server_error', message: 'Oh.' } }],
  }
  for (const [name, said] of Object.entries(errors)) {
    test(`is one error: ${name}`, () => {
      const events = readAll(Buffer.from(data(...said)))
      assert.equal(events.length, 1)
      const [event] = events
      assert.ok(event?.type === 'error')
      assert.equal(event.error.code, 'server_error')
      assert.equal(event.error.message, 'Oh.')
    })
  }

  const table: Record<string, [text: string, types: string[]]> = {
    'an end mark alone': ['data: [DONE]\n\n', ['malformed']],
    'a last event without its response': [data({ type: 'response.completed' }), ['malformed']],
    'two last events': [data(end(), end()), ['start', 'finish', 'end']],
    'an end mark behind the last event': [`${data(end())}data: [DONE]\n\n`, ['start', 'finish', 'end']],
    'no JSON': ['data: {oh\n\n', ['malformed']],
    'no object': ['data: 7\n\n', ['malformed']],
    'invalid UTF-8 in a name': [`data: {"type":"\ufffd"}\n\n${data(end())}`, ['start', 'finish', 'end']],
    'half an event at the close': ['data: {"type":"response.comp', []],
    'a last event without its empty line': [data(end()).trimEnd(), ['start', 'finish', 'end']],
    'keepalives and comments': [
      `: ping\n\n${data({ type: 'keepalive', sequence_number: 1 }, end())}`,
      ['start', 'finish', 'end'],
    ],
    'a cancelled response': [data({ type: 'response.cancelled', response: {} }), ['error']],
    'pieces of a call that has no name': [
      data({ type: 'response.function_call_arguments.delta', output_index: 0, delta: '{' }, end()),
      ['start', 'finish', 'end'],
    ],
    'pieces without a beginning': [
      data({ type: 'response.output_text.delta', output_index: 0, delta: 'Hi' }, end()),
      ['start', 'part-start', 'text-delta', 'part-end', 'finish', 'end'],
    ],
    'types of values that are none': [
      data(
        { type: 'response.output_text.delta', output_index: 'x', delta: 7 },
        { type: 'response.output_item.added', output_index: 0, item: 7 },
        end({ output: [null, 7, { type: 'message', content: 'x' }], usage: 'much' }),
      ),
      ['start', 'finish', 'end'],
    ],
  }
  for (const [name, [text, expected]] of Object.entries(table))
    test(`is read as far as it goes: ${name}`, () => assert.deepEqual(types(text), expected))

  test('counts what it passes over', () => {
    const reader = new ResponsesReader()
    reader.push(Buffer.from(data({ type: 'response.tomorrow', output_index: 0 }, { type: 'weather' })))
    assert.equal(reader.skipped, 2)
  })
})

/** Parts one after the other, `start` first, `end` last. */
function assertSequence(events: readonly ChatEvent[]): void {
  let open = false
  for (const [index, event] of events.entries()) {
    assert.equal(event.type === 'start', index === 0)
    if (event.type === 'part-start' || event.type === 'finish') assert.ok(!open, `${index}: ${event.type}`)
    if (event.type.endsWith('delta') || event.type === 'part-end') assert.ok(open, `${index}: ${event.type}`)
    if (event.type === 'part-start') open = true
    if (event.type === 'part-end') open = false
  }
}
