import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Attempt } from '#exchange'
import type { Alert } from './alert.ts'
import { CallWatch } from './watch-calls.ts'

const hourMs = 3_600_000
const startMs = Date.UTC(2026, 2, 14)

function watch() {
  const raised: Alert[] = []
  const seen = new CallWatch(alert => raised.push(alert))
  const observe = (more: Partial<Attempt> = {}): void =>
    seen.observe({
      attempts: [
        {
          n: 1,
          target: { provider: 'openai', model: 'gpt-5' },
          startedAtMs: startMs,
          status: 'succeeded',
          usageSource: 'provider',
          price: 'openai/gpt-5@2026-01-01',
          ...more,
        },
      ],
    })
  return { raised, observe, keys: () => raised.map(({ key }) => key) }
}

describe('calls that ended', () => {
  it('as they should are no news', () => {
    const { raised, observe } = watch()
    for (let n = 0; n < 100; n++) observe()
    observe({ status: 'failed', failure: 'overloaded', code: 'provider_overloaded' })
    observe({ status: 'failed', failure: 'forbidden', code: 'provider_credential_rejected' })
    assert.deepEqual(raised, [])
  })

  it('without a price are told of once a day for each target, and what to do about it', () => {
    const { raised, observe, keys } = watch()
    const unpriced = { price: 'unpriced', target: { provider: 'house', model: 'llama' } }
    for (let hour = 0; hour < 25; hour++) observe({ ...unpriced, startedAtMs: startMs + hour * hourMs })
    observe({ ...unpriced, target: { provider: 'house', model: 'other' } })
    assert.deepEqual(
      [...new Set(keys())],
      [
        'unpriced_calls/house/llama/2026-03-14',
        'unpriced_calls/house/llama/2026-03-15',
        'unpriced_calls/house/other/2026-03-15',
      ],
    )
    assert.match(raised[0]?.title ?? '', /Add it under `prices`\.$/)
  })

  it('at a provider without credit, or that rejects the credential, are told of once an hour', () => {
    const { raised, observe, keys } = watch()
    const refused = { status: 'failed', failure: 'account' } as const
    for (const minutes of [0, 1, 59, 60]) {
      const startedAtMs = startMs + minutes * 60_000
      observe({ ...refused, code: 'provider_quota_exhausted', startedAtMs })
      observe({ ...refused, code: 'provider_credential_rejected', startedAtMs })
    }
    assert.deepEqual([...new Set(keys())].toSorted(), [
      'provider_spend_limit/openai/provider_credential_rejected/2026-03-14T00',
      'provider_spend_limit/openai/provider_credential_rejected/2026-03-14T01',
      'provider_spend_limit/openai/provider_quota_exhausted/2026-03-14T00',
      'provider_spend_limit/openai/provider_quota_exhausted/2026-03-14T01',
    ])
    assert.equal(raised[0]?.severity, 'critical')
  })

  it('by estimate are told of when they are many, and a large part', () => {
    const few = watch()
    for (let n = 0; n < 19; n++) few.observe({ usageSource: 'estimate' })
    assert.deepEqual(few.raised, [])
    const small = watch()
    for (let n = 0; n < 1_000; n++) small.observe(n % 10 === 0 ? { usageSource: 'unknown' } : {})
    assert.deepEqual(small.raised, [])
    const many = watch()
    for (let n = 0; n < 100; n++) many.observe(n % 2 === 0 ? { usageSource: 'estimate' } : {})
    assert.deepEqual(many.keys(), ['estimates/openai/gpt-5/2026-03-14'])
    assert.match(many.raised[0]?.title ?? '', /^20 of 39 attempts at openai\/gpt-5/)
  })

  it('at ever new models do not fill the memory: past a few hundred they count together', () => {
    const { observe, keys } = watch()
    for (let n = 0; n < 10_000; n++) observe({ price: 'unpriced', target: { provider: 'p', model: `m${n}` } })
    assert.ok(new Set(keys()).size <= 202, String(keys().length))
  })
})
