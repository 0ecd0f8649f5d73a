import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Dialect, type FailureClass, type Fault, type FaultCode, faults } from '#exchange'
import { providerDialects } from '#wire'
import { rows } from './classify.fixture.ts'
import { classify, type ErrorAnswer } from './classify.ts'
import { failureClassOf, type Stage } from './decide.ts'
import { statusWithin } from './error-words.ts'
import { chat, filtered, google, openai, type Refusal, wait } from './refusals.fixture.ts'

const nowMs = Date.UTC(2026, 10, 21, 12, 0, 0)

function answerOf(dialect: Dialect, { status, body, headers = {} }: Refusal): ErrorAnswer {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body ?? ''))
  return {
    provider: 'up',
    model: 'm',
    status,
    headers,
    body: bytes,
    error: typeof body === 'string' ? undefined : providerDialects[dialect].readError(body),
    translated: false,
    repeatsSecret: false,
    nowMs,
  }
}

suite('what a provider’s refusal means', () => {
  for (const [what, dialect, refusal, code, failure] of rows) {
    test(`${what} (${refusal.status})`, () => {
      const fault = classify(answerOf(dialect, refusal))
      assert.equal(fault.code, code)
      assert.equal(failureClassOf(fault, 'sent'), failure)
      if (failure === 'account') {
        assert.equal(faults[fault.code].retry, false)
        assert.equal(fault.detail.retryAfterMs, undefined, 'nobody is told to come back')
        assert.equal(fault.detail.providerAnswer, undefined, 'it is none of the caller’s business')
      }
    })
  }

  test('an error of the caller’s own request is passed on as it is', () => {
    for (const body of [filtered, openai({ code: 'context_length_exceeded' }), openai({ code: 'x' })]) {
      const { detail } = classify(answerOf(chat, { status: 400, body }))
      assert.deepEqual(detail.providerAnswer, { status: 400, body: Buffer.from(JSON.stringify(body)) })
    }
  })

  test('an error that repeats a secret is passed on in no part', () => {
    const body = openai({ message: 'the key sk-1', param: 'sk-1', code: 'sk-1', type: 'sk-1' })
    for (const translated of [true, false]) {
      const fault = classify({ ...answerOf(chat, { status: 400, body }), translated, repeatsSecret: true })
      assert.equal(fault.code, 'provider_rejected')
      assert.ok(!JSON.stringify([fault.message, fault.detail]).includes('sk-1'))
    }
  })
})

suite('when a provider may be asked again', () => {
  const waitOf = (refusal: Refusal, dialect: Dialect = chat): number | undefined =>
    classify(answerOf(dialect, refusal)).detail.retryAfterMs

  test('is read from the header, the body, and the limits, in this order', () => {
    const limits = { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '6s' }
    const body = google(429, 'RESOURCE_EXHAUSTED', [wait('34.5s')])
    assert.equal(waitOf({ status: 429, body, headers: { ...limits, 'retry-after': '2' } }, 'gemini'), 2_000)
    assert.equal(waitOf({ status: 429, body, headers: limits }, 'gemini'), 34_500)
    assert.equal(waitOf({ status: 429, headers: limits }), 6_000)
  })

  test('is not read from limits where they are not why it refuses', () => {
    const headers = { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '6s' }
    assert.equal(waitOf({ status: 500, headers }), undefined)
    assert.equal(waitOf({ status: 503, headers: { ...headers, 'retry-after': '1' } }), 1_000)
  })
})

/** An error inside of a stream or a 200, by what it says of itself. */
function within(code: string | undefined, type: string | undefined): Fault {
  const error = { code, type, param: undefined, message: 'Some words.' }
  const body = Buffer.alloc(0)
  return classify({ ...answerOf(chat, { status: statusWithin(error) }), body, error })
}

suite('what an error in the middle of a stream means', () => {
  const cases: [code: string | undefined, type: string | undefined, FaultCode, FailureClass][] = [
    ['429', undefined, 'rate_limited', 'broken_before_content'],
    ['rate_limit_exceeded', undefined, 'rate_limited', 'broken_before_content'],
    ['server_error', undefined, 'provider_failed', 'broken_before_content'],
    [undefined, 'server_error', 'provider_failed', 'broken_before_content'],
    ['insufficient_quota', undefined, 'provider_quota_exhausted', 'account'],
    ['invalid_prompt', undefined, 'content_blocked', 'content_blocked'],
    ['bio_policy', undefined, 'content_blocked', 'content_blocked'],
    ['image_content_policy_violation', undefined, 'content_blocked', 'content_blocked'],
    ['context_length_exceeded', 'invalid_request_error', 'context_too_long', 'context_too_long'],
    ['invalid_image_url', undefined, 'provider_rejected', 'bad_request'],
    ['vector_store_timeout', undefined, 'upstream_timeout', 'broken_before_content'],
    ['failed', undefined, 'provider_failed', 'broken_before_content'],
    [undefined, 'overloaded_error', 'provider_overloaded', 'broken_before_content'],
    [undefined, 'api_error', 'provider_failed', 'broken_before_content'],
    [undefined, 'rate_limit_error', 'rate_limited', 'broken_before_content'],
    [undefined, 'timeout_error', 'upstream_timeout', 'broken_before_content'],
    [undefined, 'authentication_error', 'provider_credential_rejected', 'account'],
    [undefined, 'invalid_request_error', 'provider_rejected', 'bad_request'],
    ['503', 'UNAVAILABLE', 'provider_overloaded', 'broken_before_content'],
    [undefined, 'RESOURCE_EXHAUSTED', 'rate_limited', 'broken_before_content'],
    ['quota_exceeded', 'RESOURCE_EXHAUSTED', 'provider_quota_exhausted', 'account'],
    ['throttlingException', 'rate_limit_error', 'rate_limited', 'broken_before_content'],
    ['modelStreamErrorException', 'api_error', 'provider_failed', 'broken_before_content'],
    ['insufficient_system_resource', undefined, 'provider_overloaded', 'broken_before_content'],
    ['toString', 'constructor', 'provider_failed', 'broken_before_content'],
    [undefined, undefined, 'provider_failed', 'broken_before_content'],
  ]
  for (const [code, type, expected, failure] of cases) {
    test(`${code ?? 'no code'}, ${type ?? 'no type'}`, () => {
      const fault = within(code, type)
      assert.equal(fault.code, expected)
      assert.equal(failureClassOf(fault, 'begun'), failure)
      assert.equal(failureClassOf(fault, 'delivered'), 'broken_after_content')
    })
  }

  test('the provider’s words on the caller’s own request are in ours', () => {
    assert.match(within('invalid_image_url', undefined).message, /Some words\.$/)
    assert.doesNotMatch(within('server_error', undefined).message, /Some words/)
  })
})

test('no stage makes a money or credential failure one that is tried again', () => {
  for (const stage of ['unsent', 'sent', 'begun'] satisfies Stage[])
    assert.equal(failureClassOf(within('insufficient_quota', undefined), stage), 'account')
})
