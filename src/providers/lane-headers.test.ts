import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readReset, usedUp } from './lane-headers.ts'

const nowMs = Date.parse('2026-11-21T12:00:00Z')
const need = { tokens: 1 }

suite('headers of rate limits', () => {
  const cases: Record<string, [Record<string, string>, ReturnType<typeof usedUp>]> = {
    'of OpenAI, with something left': [
      { 'x-ratelimit-remaining-requests': '59', 'x-ratelimit-reset-requests': '1s' },
      undefined,
    ],
    'of OpenAI, with nothing left': [
      {
        'x-ratelimit-limit-requests': '60',
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '6m0s',
      },
      { of: 'requests', limit: 60, remaining: 0, resetMs: 360_000 },
    ],
    'of Anthropic': [
      {
        'anthropic-ratelimit-input-tokens-limit': '50000',
        'anthropic-ratelimit-input-tokens-remaining': '0',
        'anthropic-ratelimit-input-tokens-reset': '2026-11-21T12:00:30Z',
      },
      { of: 'tokens', limit: 50_000, remaining: 0, resetMs: 30_000 },
    ],
    'of an early draft of the IETF': [
      { 'ratelimit-remaining': '0', 'ratelimit-reset': '50' },
      { of: 'requests', limit: undefined, remaining: 0, resetMs: 50_000 },
    ],
    'of a later one': [
      { ratelimit: '"burst";r=0;t=12' },
      { of: 'requests', limit: undefined, remaining: 0, resetMs: 12_000 },
    ],
    'with the longest of several': [
      {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '12ms',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '1.5s',
      },
      { of: 'tokens', limit: undefined, remaining: 0, resetMs: 1_500 },
    ],
    'that say nothing of when': [{ 'x-ratelimit-remaining-requests': '0' }, undefined],
    'that are no numbers': [
      { 'x-ratelimit-remaining-requests': 'none', 'x-ratelimit-reset-requests': '1s' },
      undefined,
    ],
    'with a reset that has passed': [
      { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '0s' },
      undefined,
    ],
  }
  for (const [what, [headers, expected]] of Object.entries(cases))
    test(what, () => assert.deepEqual(usedUp(headers, need, nowMs), expected))

  test('resets in all their forms', () => {
    const forms = {
      '6m0s': 360_000,
      '12ms': 12,
      '8.64s': 8_640,
      '1h2m3s': 3_723_000,
      '7': 7_000,
      '1d': 86_400_000,
    }
    for (const [text, ms] of Object.entries(forms)) assert.equal(readReset(text, nowMs), ms, text)
    for (const text of ['', 'soon', '-5', '1s later', '1764000000'])
      assert.equal(readReset(text, nowMs), undefined, text)
    assert.equal(readReset('2026-11-21T12:00:10Z', nowMs), 10_000)
    assert.equal(readReset('2020-01-01T00:00:00Z', nowMs), 0)
    assert.equal(readReset('9000d', nowMs), 86_400_000)
  })
})
