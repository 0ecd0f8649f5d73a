import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dialects } from './dialects.ts'
import { fieldOf } from './policy.ts'

const { fields } = dialects['openai-responses'] as { fields: Parameters<typeof fieldOf>[1]['fields'] }
const named = (json: object): string =>
  fieldOf('logprobs', { fields, body: Buffer.from(JSON.stringify(json)) })

test('a feature with several names is called by the one that the caller used', () => {
  assert.equal(named({ top_logprobs: 2 }), 'top_logprobs')
  assert.equal(named({ include: ['message.output_text.logprobs'] }), 'include[message.output_text.logprobs]')
})

test('a feature is called by its first name where none is to be seen, and by its own where there is none', () => {
  assert.equal(named({}), 'include[message.output_text.logprobs]')
  assert.equal(fieldOf('logprobs', { fields }), 'include[message.output_text.logprobs]')
  assert.equal(fieldOf('top_k', { fields }), 'top_k')
})
