import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ResponseReader } from './response-reader.ts'
import { MarkCounter, Samples } from './tally.ts'

const sized = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
const empty = 'HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n'
const chunked =
  'HTTP/1.1 429 Slow Down\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0\r\n\r\n56789\r\n0\r\n\r\n'
const answers = Buffer.from(sized + empty + chunked + sized)
const expected = ['200 hello', '204 ', '429 abc0\r\n\r\n56789', '200 hello']

function read(parts: Buffer[]): string[] {
  const found: string[] = []
  let body = ''
  const reader = new ResponseReader({
    body: part => {
      body += part.toString()
    },
    end: status => {
      found.push(`${status} ${body}`)
      body = ''
    },
  })
  for (const part of parts) reader.feed(part)
  return found
}

test('reads the same answers wherever the bytes are split', () => {
  assert.deepEqual(read([answers]), expected)
  for (let at = 1; at < answers.length; at += 1) {
    assert.deepEqual(read([answers.subarray(0, at), answers.subarray(at)]), expected, `split at ${at}`)
  }
  assert.deepEqual(read([...answers].map(byte => Buffer.from([byte]))), expected)
})

test('refuses an answer whose end cannot be known', () => {
  assert.throws(() => read([Buffer.from('HTTP/1.1 200 OK\r\n\r\nhello')]), /without a length/)
  assert.throws(
    () => read([Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n')]),
    /not a chunk size/,
  )
})

test('counts a mark once, wherever it is split', () => {
  const text = 'aba~~ab~~ ab~ab~'
  for (let first = 0; first <= text.length; first += 1) {
    for (let second = first; second <= text.length; second += 1) {
      const counter = new MarkCounter('ab~')
      const parts = [text.slice(0, first), text.slice(first, second), text.slice(second)]
      assert.equal(
        parts.reduce((sum, part) => sum + counter.feed(part), 0),
        3,
        `split at ${first} and ${second}`,
      )
    }
  }
})

test('gives percentiles as values that were measured', () => {
  const samples = new Samples()
  for (let value = 10_000; value >= 1; value -= 1) samples.add(value)
  assert.deepEqual(samples.quantiles(), { count: 10_000, p50: 5001, p90: 9001, p99: 9901, max: 10_000 })
})
