import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Item, type Kept, ResponseStore } from './store.ts'

function response(id: string, chars = 0): Kept {
  const output: Item[] = [
    { id: `rs_${id}`, type: 'reasoning' },
    { id: `msg_${id}`, type: 'message' },
  ]
  return { id, text: 'x'.repeat(chars), input: [{ id: `msg_in_${id}`, type: 'message' }], output }
}

test('keeps the latest thousand responses, and lets the items of the others go with them', () => {
  const store = new ResponseStore()
  for (let n = 0; n <= 1000; n += 1) store.keep(response(String(n)))
  assert.equal(store.find('0'), undefined)
  assert.equal(store.findItem('msg_0'), undefined)
  assert.equal(store.find('1')?.id, '1')
  assert.equal(store.findItem('msg_in_1000')?.type, 'message')
})

test('keeps no more text than it may, and not at all what alone is larger than that', () => {
  const store = new ResponseStore()
  const large = 30 * 1024 * 1024
  for (const id of ['a', 'b', 'c']) store.keep(response(id, large))
  assert.deepEqual(
    ['a', 'b', 'c'].map(id => store.find(id) !== undefined),
    [false, true, true],
  )
  store.keep(response('huge', 3 * large))
  assert.equal(store.find('huge'), undefined)
  assert.equal(store.find('c')?.id, 'c')
})

test('keeps the last state of a response, and knows with which reasoning an item came', () => {
  const store = new ResponseStore()
  store.keep(response('a', 1))
  store.keep(response('a', 2))
  assert.equal(store.find('a')?.text, 'xx')
  assert.equal(store.reasoningOf('msg_a'), 'rs_a')
  assert.equal(store.reasoningOf('rs_a'), undefined)
  assert.equal(store.reasoningOf('msg_in_a'), undefined)
  assert.equal(store.drop('a'), true)
  assert.equal(store.drop('a'), false)
  assert.equal(store.reasoningOf('msg_a'), undefined)
})
