import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { accept, totalInput, totalOutput } from '#exchange'
import type { StreamFacts } from '../dialect.ts'
import { answers, bytesOf, eventsOf } from './answers.fixture.ts'
import { type Json, parse } from './asking.fixture.ts'
import { ResponsesStreamTap, ResponseWatch } from './tap.ts'

function relay(...chunks: Buffer[]): { bytes: string; facts: StreamFacts } {
  const tap = new ResponsesStreamTap({ showUsage: true })
  const bytes = Buffer.concat([...chunks.map(chunk => tap.push(chunk)), tap.finish()])
  return { bytes: bytes.toString(), facts: tap.facts }
}

suite('a stream of Responses that goes through', () => {
  for (const [name, answer] of Object.entries(answers)) {
    const whole = bytesOf(eventsOf(answer))

    test(`keeps every byte, and tells what it cost: ${name}`, () => {
      const { bytes, facts } = relay(whole)
      assert.equal(bytes, whole.toString())
      assert.ok(facts.ended)
      assert.equal(totalInput(facts.usage ?? {}), 75)
      assert.equal(totalOutput(facts.usage ?? {}), 40)
    })

    test(`is the same wherever it is split: ${name}`, () => {
      const expected = relay(whole)
      for (let at = 0; at <= whole.length; at += whole.length > 4_000 ? 7 : 1)
        assert.deepEqual(relay(whole.subarray(0, at), whole.subarray(at)), expected)
    })

    test(`is heard whole by who keeps it: ${name}`, () => {
      const watch = new ResponseWatch(true)
      for (let at = 0; at < whole.length; at += 11) {
        assert.equal(watch.answer(), undefined)
        watch.hear(whole.subarray(at, at + 11))
      }
      assert.deepEqual(watch.answer(), JSON.parse(JSON.stringify(answer)))
    })
  }

  test('counts the pieces that a model produced', () => {
    const { facts } = relay(bytesOf(eventsOf(answers['a refusal'] ?? {})))
    assert.equal(facts.characters, 'I cannot help with that.'.length)
    assert.equal(facts.pieces, 6)
  })

  test('gives nothing that comes behind its last event', () => {
    const whole = bytesOf(eventsOf(answers['a refusal'] ?? {}))
    const more = Buffer.concat([whole, Buffer.from('data: {"type":"error"}\n\ndata: [DONE]\n\n')])
    assert.equal(relay(more).bytes, whole.toString())
  })

  const failures: Record<string, Json> = {
    'an error': { type: 'error', code: 'server_error', message: 'Oh.', param: null },
    'a response that failed': { type: 'response.failed', response: { error: { code: 'server_error' } } },
    'a response that failed and is called completed': {
      type: 'response.completed',
      response: { status: 'failed', error: { code: 'server_error' } },
    },
  }
  for (const [name, event] of Object.entries(failures)) {
    test(`leaves the telling of it to us: ${name}`, () => {
      const begun = eventsOf(answers['a refusal'] ?? {}).slice(0, 6)
      const { bytes, facts } = relay(bytesOf([...begun, event, { type: 'response.completed', response: {} }]))
      assert.equal(bytes, bytesOf(begun).toString())
      assert.equal(facts.error?.code, 'server_error')
      assert.ok(!facts.ended)
    })
  }

  test('is no stream of Responses where it is no JSON, and is one cut short where half an event is left', () => {
    assert.ok(relay(Buffer.from('data: oh\n\ndata: oh\n\n')).facts.malformed)
    const half = relay(Buffer.from('data: {"type":"resp')).facts
    assert.ok(!half.malformed && !half.ended)
  })
})

test('a whole body is heard as it is, and an error is no answer', () => {
  const watch = accept(parse({ model: 'm', input: 'Hi' })).conversation?.watch()
  const body = Buffer.from(JSON.stringify(answers['a refusal']))
  watch?.hear(body.subarray(0, 99))
  assert.equal(watch?.answer(), undefined)
  watch?.hear(body.subarray(99))
  assert.deepEqual(watch?.answer(), JSON.parse(body.toString()))
  const other = new ResponseWatch(false)
  other.hear(Buffer.from('{"error":{"message":"Oh."}}'))
  assert.equal(other.answer(), undefined)
})
