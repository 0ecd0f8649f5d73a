import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createDice } from './dice.ts'
import { speak } from './prose.ts'
import { tokenize } from './tokens.ts'

test('cuts text into words with their space, single marks and white space', () => {
  assert.deepEqual(tokenize('Hi there, Ada!\n\n  ok'), ['Hi', ' there', ',', ' Ada', '!', '\n\n  ', 'ok'])
  assert.deepEqual(tokenize('internationalization'), ['internationaliza', 'tion'])
})

test('loses nothing, and never makes more tokens than bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      const tokens = tokenize(text)
      assert.equal(tokens.join(''), text)
      assert.ok(tokens.length <= Buffer.byteLength(text))
    }),
  )
})

test('speaks exactly as many tokens as asked, and they are counted the same when read again', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 400 }), fc.string(), (seed, length, lastText) => {
      const tokens = speak({ lastText, afterTool: false }, createDice(seed), length)
      assert.equal(tokens.length, length)
      assert.deepEqual(tokenize(tokens.join('')), tokens)
    }),
  )
})
