import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '#exchange'
import { readGeminiError, renderGeminiError } from './error.ts'

const retryInfo = (retryDelay: unknown): unknown => ({
  error: {
    code: 429,
    message: 'Quota exceeded.',
    status: 'RESOURCE_EXHAUSTED',
    details: [
      { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [{ quotaId: 'PerMinute' }] },
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay },
    ],
  },
})

test('the time to wait is read from the details, where Google says it', () => {
  assert.equal(readGeminiError(retryInfo('34.4s'))?.retryAfterMs, 34_400)
  assert.equal(readGeminiError([retryInfo('7s')])?.retryAfterMs, 7000)
  for (const odd of ['', '7', 's', '-1s', 7, null, {}])
    assert.equal(readGeminiError(retryInfo(odd))?.retryAfterMs, undefined, String(odd))
})

test('the time to wait that is written is read as the same', () => {
  const fault = new Fault('rate_limited', 'Slow down.', { retryAfterMs: 1500 })
  assert.equal(readGeminiError(renderGeminiError(fault, 'req_1'))?.retryAfterMs, 1500)
})
