import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatAnswer } from '#exchange'
import { unfoldAnswer } from '../fold.ts'
import { openAiChat } from './index.ts'

test('says in every delta of a call what kind of call it is, which strict clients insist on', () => {
  const signature = { dialect: 'gemini' as const, kind: 'seal' as const, value: 'c2VhbA==' }
  const call = { type: 'tool-call' as const, id: 'call_1', name: 'find', arguments: '{}', signature }
  const answer: ChatAnswer = { choices: [{ parts: [call], finish: { reason: 'tool-calls' } }] }
  const writer = openAiChat.createWriter({
    hex: '0123456789abcdef0123456789abcdef',
    createdAtMs: 1_700_000_000_000,
    model: 'm',
    estimatedInputTokens: 7,
    showUsage: false,
    request: { body: Buffer.from('{}'), rest: '', query: {} },
  })
  const bytes = [...unfoldAnswer(answer)].map(event => writer.write(event)).join('')
  const calls = bytes.split('\n\n').filter(event => event.includes('"tool_calls":['))
  assert.ok(calls.some(event => event.includes('thought_signature')))
  for (const event of calls) assert.match(event, /"function":\{/)
})
