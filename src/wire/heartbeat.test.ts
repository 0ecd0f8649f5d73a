import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { heartbeatOf, tailAfter } from './heartbeat.ts'
import { SseSplitter } from './sse.ts'

const events = 'text/event-stream; charset=utf-8'
const dialects = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const

const meaning = (pieces: readonly Buffer[]): unknown[] => {
  const splitter = new SseSplitter()
  return pieces
    .flatMap(piece => splitter.push(piece))
    .filter(({ data, type }) => data !== undefined && type !== 'ping')
    .map(({ data, type }) => ({ data, type }))
}

const lineEnd = fc.constantFrom('\n', '\r\n')
const event = fc
  .tuple(
    lineEnd,
    fc.option(fc.constantFrom('delta', 'message')),
    fc.array(fc.stringMatching(/^[ -~]{0,12}$/), { minLength: 1 }),
  )
  .map(([end, type, data]) =>
    [...(type ? [`event: ${type}`] : []), ...data.map(one => `data: ${one}`), '', ''].join(end),
  )

suite('a heartbeat', () => {
  for (const dialect of dialects) {
    test(`of ${dialect} changes no event, wherever the network split them`, () => {
      const heartbeat = heartbeatOf(dialect, events)
      assert(heartbeat)
      const law = fc.property(
        fc.array(event),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (all, cuts) => {
          const bytes = Buffer.from(all.join(''))
          const [plain, beaten]: [Buffer[], Buffer[]] = [[], []]
          let tail = 0
          for (let at = 0, n = 0; at < bytes.length; n += 1) {
            const end = at + (cuts[n % cuts.length] ?? 1)
            if (heartbeat.fits(tail)) beaten.push(heartbeat.bytes)
            const piece = bytes.subarray(at, end)
            plain.push(piece)
            beaten.push(piece)
            tail = tailAfter(tail, piece)
            at = end
          }
          assert.deepEqual(meaning(beaten), meaning(plain))
        },
      )
      fc.assert(law)
    })
  }

  test('waits for the end of an event that is under way', () => {
    const heartbeat = heartbeatOf('openai-chat', events)
    for (const part of ['d', 'data: {}', 'data: {}\n', 'data: {}\r\n', 'data: {}\r', 'a: \n\nb'])
      assert.equal(heartbeat?.fits(tailAfter(0, Buffer.from(part))), false, JSON.stringify(part))
    for (const part of ['\n\n', 'data: {}\n\n', 'data: {}\r\n\r\n', 'data: {}\r\r'])
      assert.equal(heartbeat?.fits(tailAfter(0, Buffer.from(part))), true, JSON.stringify(part))
  })

  test('of an array is blank space between its elements', () => {
    const heartbeat = heartbeatOf('gemini', 'application/json')
    assert(heartbeat?.alone)
    let [text, tail] = ['', 0]
    for (const piece of ['[{"a":"}"}', '\n,\n{"b":[1]}', '\n]']) {
      assert(heartbeat.fits(tail))
      text += heartbeat.bytes.toString() + piece
      tail = tailAfter(tail, Buffer.from(piece))
    }
    assert.deepEqual(JSON.parse(text), [{ a: '}' }, { b: [1] }])
    assert.deepEqual(JSON.parse(`\n\n${heartbeat.alone(Buffer.from('\n,\n{"error":1}\n]'))}`), [{ error: 1 }])
  })

  test('is unknown to what is neither events nor an array', () => {
    assert.equal(heartbeatOf('openai-chat', 'audio/mpeg'), undefined)
    assert.equal(heartbeatOf('anthropic-messages', 'application/x-jsonl'), undefined)
  })
})
