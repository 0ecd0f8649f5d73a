import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { readMessagesUsage } from './anthropic-messages/usage.ts'
import { mergeBills, readBill, readDollars } from './bill.ts'
import { dialects } from './dialects.ts'
import { readGeminiUsage } from './gemini/usage.ts'
import { readOpenAiUsage, readResponsesUsage } from './openai/usage.ts'

describe('what the provider itself charges', () => {
  for (const [about, report, picoUsd] of [
    ['xAI, in ticks', { cost_in_usd_ticks: 37_756_000 }, 3_775_600_000n],
    ['OpenRouter, in dollars', { cost: 0.00014 }, 140_000_000n],
    ['OpenRouter, very little', { cost: 1.5e-7 }, 150_000n],
    [
      'OpenRouter, with the caller’s own key',
      { cost: 0.95, is_byok: true, cost_details: { upstream_inference_cost: 19 } },
      19_950_000_000_000n,
    ],
    [
      'OpenRouter, with its own key',
      { cost: 0.95, is_byok: false, cost_details: { upstream_inference_cost: 0.9 } },
      950_000_000_000n,
    ],
    ['Perplexity, itemised', { cost: { request_cost: 0.006, total_cost: 0.00612 } }, 6_120_000_000n],
    ['DeepInfra, estimated', { estimated_cost: 2.1e-6 }, 2_100_000n],
    ['nothing', { cost: 0 }, 0n],
    ['finer than a pico-dollar', { cost: 0.0000000000015 }, 2n],
  ] as const) {
    test(about, () => assert.equal(readBill(report)?.picoUsd, picoUsd))
  }

  for (const cost of [
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '1,5',
    'free',
    null,
    true,
    2e6,
    '1e15',
    1e300,
  ]) {
    test(`not ${cost}`, () => {
      assert.equal(readBill({ cost }), undefined)
      assert.equal(readBill({ cost_in_usd_ticks: cost === 2e6 ? 2e16 : cost }), undefined)
    })
  }

  test('is the decimal that the number was written as', () => {
    fc.assert(
      fc.property(fc.nat(999_999_999), fc.nat(999_999), (whole, micro) => {
        const text = `${whole}.${String(micro).padStart(6, '0')}`
        const picoUsd = BigInt(whole) * 1_000_000_000_000n + BigInt(micro) * 1_000_000n
        assert.equal(readDollars(text), picoUsd)
        assert.equal(readDollars(Number(text)), picoUsd)
      }),
    )
  })
})

describe('the service tier', () => {
  for (const [word, tier] of [
    ['standard', 'default'],
    ['default', 'default'],
    ['PRIORITY', 'priority'],
    ['flex', 'flex'],
    ['scale', 'scale'],
    ['', undefined],
    ['a tier\n', undefined],
    ['x'.repeat(40), undefined],
    [7, undefined],
    [null, undefined],
  ] as const) {
    test(`${JSON.stringify(word)} is ${tier}`, () => assert.equal(readBill(undefined, word)?.tier, tier))
  }
})

describe('a report is not believed', () => {
  for (const [about, report] of [
    ['with a negative count', { prompt_tokens: 5, completion_tokens: -1 }],
    ['with a negative detail', { prompt_tokens: 5, prompt_tokens_details: { cached_tokens: -5 } }],
    ['with half a token', { input_tokens: 1.5, output_tokens: 1 }],
    ['with more than can be counted', { inputTokens: 2 ** 53 }],
    ['with more than any request has', { prompt_tokens: 10, completion_tokens: 2 ** 32 - 1 }],
    ['with a text for a count', { prompt_tokens: 5, completion_tokens: '7' }],
    ['with a negative modality', { promptTokensDetails: [{ modality: 'AUDIO', tokenCount: -3 }] }],
    ['with half a search', { server_tool_use: { web_search_requests: 0.5 } }],
  ] as const) {
    test(about, () => assert.equal(readBill(report)?.doubt, 'refused'))
  }

  test('but what is no count may be what it likes', () => {
    assert.equal(readBill({ prompt_tokens: 5, tokens_per_second: 12.5, completion_tokens: null }), undefined)
  })
})

test('a report of nothing at all is none: a server that does not count makes no call free', () => {
  assert.equal(readOpenAiUsage({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }), undefined)
  assert.equal(readResponsesUsage({ input_tokens: 0, output_tokens: 0 }), undefined)
  assert.equal(readMessagesUsage({ input_tokens: 0, output_tokens: 0 }), undefined)
  assert.equal(readGeminiUsage({ promptTokenCount: 0, totalTokenCount: 0 }), undefined)
  assert.deepEqual(readOpenAiUsage({ prompt_tokens: 3, completion_tokens: 0 }), { input: 3 })
  assert.deepEqual(readOpenAiUsage({ prompt_tokens: 0, completion_tokens: 2 }), { output: 2 })
})

describe('a report contradicts itself', () => {
  for (const [about, report] of [
    ['more cached than there is', { prompt_tokens: 5, prompt_tokens_details: { cached_tokens: 6 } }],
    [
      'more reasoning than output',
      { input_tokens: 1, output_tokens: 5, output_tokens_details: { reasoning_tokens: 6 } },
    ],
    ['a total of less than its parts', { prompt_tokens: 5, completion_tokens: 5, total_tokens: 9 }],
    ['more cached content than prompt', { promptTokenCount: 5, cachedContentTokenCount: 6 }],
  ] as const) {
    test(about, () => assert.equal(readBill(report)?.doubt, 'contradicts'))
  }

  test('but not where only the total has the reasoning, as of xAI', () => {
    const report = {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 115,
      completion_tokens_details: { reasoning_tokens: 100 },
    }
    assert.equal(readBill(report), undefined)
  })
})

test('what a stream says later stands, what it does not say again stays', () => {
  assert.deepEqual(mergeBills({ tier: 'flex' }, { picoUsd: 3n }), { tier: 'flex', picoUsd: 3n })
  assert.deepEqual(mergeBills({ tier: 'auto' }, { tier: 'flex' }), { tier: 'flex' })
  assert.equal(mergeBills(undefined, undefined), undefined)
})

describe('a request asks for a tier', () => {
  const incoming = (json: object, rest = '') => ({
    body: Buffer.from(JSON.stringify(json)),
    rest,
    query: {},
  })
  const user = { role: 'user', content: 'Hi' }
  const chat = { model: 'm', messages: [user] }
  const messages = { ...chat, max_tokens: 9 }
  const contents = { contents: [{ parts: [{ text: 'Hi' }] }] }

  for (const [dialect, asked, tier] of [
    ['openai-chat', incoming({ ...chat, service_tier: 'flex' }), 'flex'],
    ['openai-chat', incoming({ ...chat, service_tier: 'auto' }), undefined],
    ['openai-chat', incoming(chat), undefined],
    ['openai-responses', incoming({ model: 'm', input: 'Hi', service_tier: 'priority' }), 'priority'],
    ['anthropic-messages', incoming({ ...messages, speed: 'fast' }), 'fast'],
    ['anthropic-messages', incoming({ ...messages, speed: 'fast', inference_geo: 'us' }), 'fast+us'],
    ['anthropic-messages', incoming({ ...messages, service_tier: 'auto' }), undefined],
    [
      'gemini',
      incoming({ ...contents, serviceTier: 'SERVICE_TIER_PRIORITY' }, 'm:generateContent'),
      'priority',
    ],
    ['gemini', incoming({ ...contents, service_tier: 'standard' }, 'm:generateContent'), 'default'],
  ] as const) {
    test(`${dialect}: ${tier}`, () => {
      const parsed = dialects[dialect].parseRequest(asked)
      assert(parsed.ok)
      assert.equal(parsed.value.tier, tier)
    })
  }
})
