import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SseSplitter } from './sse.ts'

/** Cuts the text into chunks of so many bytes; gives the data of each event, and what is left. */
function split(text: string, size: number): { data: (string | undefined)[]; bytes: string; rest: string } {
  const splitter = new SseSplitter()
  const whole = Buffer.from(text)
  const events = []
  for (let from = 0; from < whole.length; from += size)
    events.push(...splitter.push(whole.subarray(from, from + size)))
  return {
    data: events.map(({ data }) => data),
    bytes: events.map(({ bytes }) => bytes.toString()).join(''),
    rest: splitter.rest.toString(),
  }
}

const picture = 'A'.repeat(200_000)

for (const lineEnd of ['\n', '\r\n', '\r']) {
  test(`cuts large events the same in chunks of any size, with lines that end in ${JSON.stringify(lineEnd)}`, () => {
    const event = `event: x${lineEnd}data: ${picture}${lineEnd}data: b${lineEnd}${lineEnd}`
    const text = `${event}data: c${lineEnd}${lineEnd}data: ${picture}`
    for (const size of [997, 1400, 65_536, 1_000_000]) {
      const { data, bytes, rest } = split(text, size)
      assert.deepEqual(data, [`${picture}\nb`, 'c'])
      assert.equal(bytes + rest, text)
    }
  })
}

test('refuses an event past its bound however it comes', () => {
  assert.throws(() => split(`data: ${'A'.repeat(17 * 1024 * 1024)}`, 50_000), RangeError)
})
