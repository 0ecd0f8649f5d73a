import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { StreamFacts } from '../dialect.ts'
import { readGeminiFacts } from './read-answer.ts'
import { sse, streams } from './recorded.fixture.ts'
import { GeminiStreamTap } from './tap.ts'

function relay(pieces: readonly Buffer[], alt?: string): { bytes: string; facts: StreamFacts } {
  const request = { body: Buffer.from(''), rest: '', query: { alt } }
  const tap = new GeminiStreamTap({ showUsage: true, request })
  const out = [...pieces.map(piece => tap.push(piece)), tap.finish()]
  return { bytes: Buffer.concat(out).toString(), facts: tap.facts }
}

for (const [name, chunks] of Object.entries(streams)) {
  const whole = sse(chunks)

  suite(`a relayed stream of ${name}`, () => {
    test('comes through byte for byte for a caller of events, wherever it is split', () => {
      const expected = relay([whole], 'sse')
      assert.equal(expected.bytes, whole.toString())
      for (const at of whole.keys())
        assert.deepEqual(
          relay([whole.subarray(0, at), whole.subarray(at)], 'sse'),
          expected,
          `split at ${at}`,
        )
    })

    test('is an array of the same answers for a caller who did not ask for events', () => {
      const expected = relay([whole])
      assert.deepEqual(JSON.parse(expected.bytes), chunks)
      assert.deepEqual(relay([...whole].map(byte => Buffer.from([byte]))), expected)
    })

    test('says what it used, and that it has ended when its provider closes', () => {
      const { facts } = relay([whole], 'sse')
      assert.equal(facts.ended, true)
      assert.deepEqual(facts.usage, readGeminiFacts(Buffer.from(JSON.stringify(chunks.at(-1))))?.usage)
    })

    test('has not ended where it was cut before the reason', () => {
      for (const alt of ['sse', undefined]) {
        const cut = relay([sse(chunks.slice(0, -1))], alt)
        assert.deepEqual([cut.facts.ended, cut.facts.malformed], [false, undefined])
        const half = relay([whole.subarray(0, -8)], alt)
        assert.deepEqual([half.facts.ended, half.facts.malformed], [false, undefined])
      }
    })
  })
}

test('an event that lacks only its empty line still counts when the stream is closed', () => {
  const whole = sse(streams.text)
  assert.equal(relay([whole.subarray(0, -4)], 'sse').facts.ended, true)
})

test('an error in the stream is told by its codes, is not handed on, and nothing after it counts', () => {
  const first = sse(streams.text.slice(0, 1))
  const error = sse([{ error: { code: 503, status: 'UNAVAILABLE', message: 'm' } }])
  const { bytes, facts } = relay([first, error, sse(streams.text)], 'sse')
  assert.equal(bytes, first.toString())
  assert.deepEqual(facts.error, { code: '503', type: 'UNAVAILABLE', param: undefined, message: 'm' })
  assert.equal(facts.pieces, 1)
  assert.equal(facts.ended, false)
})

test('what came before a malformed event has been handed on', () => {
  const first = sse(streams.text.slice(0, 1))
  const { bytes, facts } = relay([first, Buffer.from('data: {"candidates": [}\r\n\r\n')], 'sse')
  assert.equal(bytes, first.toString())
  assert.ok(facts.malformed === undefined || facts.malformed instanceof SyntaxError)
  assert.equal(facts.ended, false)
})

test('an array so far, and the error behind it, are one JSON text', () => {
  const { bytes } = relay([sse(streams.text.slice(0, 2))])
  assert.deepEqual(JSON.parse(`${bytes}\n]`), streams.text.slice(0, 2))
})
