import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '#exchange'
import { renderMessagesError } from './error.ts'

test('a thread that no other provider has is refused in the words by which the SDK goes on without', () => {
  const refused = (param: string): unknown =>
    renderMessagesError(new Fault('unsupported_parameter', 'It cannot be taken.', { param }), 'req_1').error
  const plain = { type: 'invalid_request_error', message: 'It cannot be taken.' }
  assert.deepEqual(refused('thread'), {
    ...plain,
    details: { error_code: 'thread_unsupported_request', unsupported: ['thread'] },
  })
  assert.deepEqual(refused('container'), plain)
})
