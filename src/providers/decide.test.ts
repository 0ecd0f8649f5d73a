import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type FailureClass, Fault } from '#exchange'
import {
  answers,
  errs,
  says,
  type VirtualAnswer,
  VirtualProviders,
} from '../../test/support/virtual-providers.ts'

const config = `
providers:
  one: { dialect: openai, base_url: http://one.test/v1, api_key: k }
  two: { dialect: openai, base_url: http://two.test/v1, api_key: k }
models:
  alone: { targets: [one/m] }
  both: { targets: [one/m, two/n] }
  blocked: { targets: [one/m, two/n], on_content_block: fail_over }
  wide: { targets: [one/m, two/wide] }
  narrow: { targets: [one/m, two/narrow] }
contexts: { one/m: 1000, two/wide: 2000, two/narrow: 500 }
`

interface Case {
  answer: VirtualAnswer
  failure: FailureClass
  code: string
  /** How often a target is asked that has no other beside it. */
  alone: number
  failsOver: boolean
}

/** What a provider does, and what is done about it. */
const cases: Record<string, Case> = {
  'a refused connection': {
    answer: answers.refuses,
    failure: 'not_sent',
    code: 'provider_unreachable',
    alone: 3,
    failsOver: true,
  },
  'a rate limit': {
    answer: errs(429, 'rate_limit_exceeded'),
    failure: 'rate_limited',
    code: 'rate_limited',
    alone: 3,
    failsOver: true,
  },
  'an overload (503)': {
    answer: errs(503),
    failure: 'overloaded',
    code: 'provider_overloaded',
    alone: 3,
    failsOver: true,
  },
  'an overload (529)': {
    answer: errs(529),
    failure: 'overloaded',
    code: 'provider_overloaded',
    alone: 3,
    failsOver: true,
  },
  'a wrong key': {
    answer: errs(401, 'invalid_api_key'),
    failure: 'account',
    code: 'provider_credential_rejected',
    alone: 1,
    failsOver: true,
  },
  'a bill that is not paid': {
    answer: errs(402),
    failure: 'account',
    code: 'provider_quota_exhausted',
    alone: 1,
    failsOver: true,
  },
  'a forbidden region': {
    answer: errs(403),
    failure: 'forbidden',
    code: 'provider_credential_rejected',
    alone: 1,
    failsOver: true,
  },
  'a spent quota': {
    answer: errs(429, 'insufficient_quota'),
    failure: 'account',
    code: 'provider_quota_exhausted',
    alone: 1,
    failsOver: true,
  },
  'a bad request': {
    answer: errs(400, 'invalid_value'),
    failure: 'bad_request',
    code: 'provider_rejected',
    alone: 1,
    failsOver: false,
  },
  'a request that it cannot process': {
    answer: errs(422),
    failure: 'bad_request',
    code: 'provider_rejected',
    alone: 1,
    failsOver: false,
  },
  'a model that it does not have': {
    answer: errs(404, 'model_not_found'),
    failure: 'not_served',
    code: 'model_not_found',
    alone: 1,
    failsOver: true,
  },
  'blocked content': {
    answer: errs(400, 'content_filter'),
    failure: 'content_blocked',
    code: 'content_blocked',
    alone: 1,
    failsOver: false,
  },
  'an error of its own': {
    answer: errs(500),
    failure: 'outcome_unknown',
    code: 'provider_failed',
    alone: 3,
    failsOver: true,
  },
  'a gateway that gave up': {
    answer: errs(504),
    failure: 'outcome_unknown',
    code: 'upstream_timeout',
    alone: 3,
    failsOver: true,
  },
  'a lost connection': {
    answer: answers.resets,
    failure: 'outcome_unknown',
    code: 'provider_disconnected',
    alone: 3,
    failsOver: true,
  },
  'a page instead of an answer': {
    answer: says(200, '<html>'),
    failure: 'malformed',
    code: 'provider_malformed',
    alone: 2,
    failsOver: true,
  },
}

for (const [what, { answer, failure, code, alone, failsOver }] of Object.entries(cases)) {
  suite(what, () => {
    for (const stream of [false, true]) {
      const how = stream ? 'streamed' : 'whole'
      test(`${how}, with no other target: ${alone} tries, then ${code}`, async () => {
        const providers = new VirtualProviders({ config, answer })
        const { ended, attempts } = await providers.ask({ model: 'alone', stream })
        assert.ok(ended instanceof Fault, 'it comes to nothing')
        assert.equal(ended.code, code)
        assert.deepEqual(providers.asked, { 'one/m': alone })
        assert.deepEqual(new Set(attempts.map(attempt => attempt.failure)), new Set([failure]))
        assert.equal(ended.detail.retriesSpent ?? false, alone > 1, 'who has tried again says so')
      })

      test(`${how}, with a fallback: ${failsOver ? 'goes there at once' : 'stays away from it'}`, async () => {
        const providers = new VirtualProviders({ config, answer: onlyAt('one', answer) })
        const asking = await providers.ask({ model: 'both', stream })
        assert.deepEqual(providers.asked, { 'one/m': 1, ...(failsOver && { 'two/n': 1 }) })
        assert.equal(asking.ended instanceof Fault, !failsOver)
        assert.equal(asking.degraded, failsOver ? `fallback; target=two/n; because=${code}` : undefined)
        assert.equal(providers.clock.monotonic(), 0, 'without a wait')
      })
    }
  })
}

function onlyAt(provider: string, answer: VirtualAnswer): VirtualAnswer {
  return line => (line.target.startsWith(`${provider}/`) ? answer(line) : answers.good(line))
}

test('blocked content goes to the next target where the owner said so', async () => {
  const providers = new VirtualProviders({ config, answer: onlyAt('one', errs(400, 'content_filter')) })
  const { degraded } = await providers.ask({ model: 'blocked' })
  assert.deepEqual(providers.asked, { 'one/m': 1, 'two/n': 1 })
  assert.equal(degraded, 'fallback; target=two/n; because=content_blocked')
})

suite('an input that is too long', () => {
  const answer = onlyAt('one', errs(400, 'context_length_exceeded'))
  const asked: Record<string, Record<string, number>> = {
    alone: { 'one/m': 1 },
    wide: { 'one/m': 1, 'two/wide': 1 },
    both: { 'one/m': 1, 'two/n': 1 },
    narrow: { 'one/m': 1 },
  }
  for (const [model, expected] of Object.entries(asked)) {
    test(`goes to ${Object.keys(expected).join(', then ')} of ${model}`, async () => {
      const providers = new VirtualProviders({ config, answer })
      const { ended } = await providers.ask({ model })
      assert.deepEqual(providers.asked, expected)
      if (Object.keys(expected).length === 1) {
        assert.ok(ended instanceof Fault)
        assert.equal(ended.code, 'context_too_long')
        assert.equal(ended.detail.retriesSpent, undefined)
      }
    })
  }
})

test('what fails twice in different ways is given up as the last of them says', async () => {
  const providers = new VirtualProviders({
    config,
    answer: line => (line.n === 1 ? errs(503)(line) : errs(400, 'invalid_value')(line)),
  })
  const { ended } = await providers.ask({ model: 'alone' })
  assert.ok(ended instanceof Fault)
  assert.equal(ended.code, 'provider_rejected')
  assert.deepEqual(providers.asked, { 'one/m': 2 })
})
