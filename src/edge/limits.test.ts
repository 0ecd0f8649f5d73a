import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { ApiError, GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import type { Exchange } from '#events'
import { type Call, type CallerDialect, Fault, type FaultCode, type LimitStanding } from '#exchange'
import { HttpClientOfCall } from './client.ts'

const startedAtMs = Date.UTC(2026, 0, 15, 12)
const limits: LimitStanding[] = [
  { kind: 'requests', most: 100, left: 90, resetMs: 500 },
  { kind: 'requests', most: 20, left: 3, resetMs: 360_000 },
  { kind: 'tokens', most: 40_000, left: -12, resetMs: 61_500.4 },
  { kind: 'input_tokens', most: 2 ** 60, left: 2 ** 60, resetMs: 0 },
]

/** What the server does with the next request. */
let answer: (client: HttpClientOfCall) => void
let asked = 0

const dialectOf: Readonly<Record<string, CallerDialect>> = {
  '/v1/chat/completions': 'openai-chat',
  '/v1/responses': 'openai-responses',
  '/v1/messages': 'anthropic-messages',
}

/** As much of a server as answers a request as a call would be. */
const server = createServer((request, response) => {
  asked += 1
  const dialect = dialectOf[request.url ?? ''] ?? 'gemini'
  const call = { dialect, requestId: `req_${asked}`, id: `call_${asked}`, startedAtMs, asked: { ok: false } }
  request.resume().on('end', () => answer(new HttpClientOfCall(response, call as Call, () => undefined)))
})

function exchange(standing: Exchange['limits'] = limits): Exchange {
  return { attempts: [], durationMs: 250, limits: standing } as unknown as Exchange
}

describe('limits of ours', () => {
  let url: string
  before(async () => {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => server.close())
  beforeEach(() => (asked = 0))

  async function headersOf(path: string): Promise<Record<string, string>> {
    const { headers } = await fetch(`${url}${path}`, { method: 'POST' })
    return Object.fromEntries([...headers].filter(([name]) => name.includes('ratelimit')))
  }

  const provided = {
    'x-ratelimit-limit-requests': '9',
    'anthropic-ratelimit-tokens-reset': 'x',
    'openai-version': '1',
  }
  const inOpenAisManner = {
    'x-ratelimit-limit-requests': '20',
    'x-ratelimit-remaining-requests': '3',
    'x-ratelimit-reset-requests': '6m0s',
    'x-ratelimit-limit-tokens': '40000',
    'x-ratelimit-remaining-tokens': '0',
    'x-ratelimit-reset-tokens': '1m1.501s',
    'x-ratelimit-limit-input-tokens': '9007199254740991',
    'x-ratelimit-remaining-input-tokens': '9007199254740991',
    'x-ratelimit-reset-input-tokens': '0ms',
  }

  for (const path of ['/v1/chat/completions', '/v1/responses', '/v1beta/models/m:generateContent']) {
    it(`stand in the headers of every answer in OpenAI's manner, in the place of a provider's (${path})`, async () => {
      for (const way of ways) {
        answer = client => way(client, exchange())
        assert.deepEqual(await headersOf(path), inOpenAisManner)
      }
    })
  }

  it("stand in the headers of every answer in Anthropic's manner", async () => {
    for (const way of ways) {
      answer = client => way(client, exchange())
      assert.deepEqual(await headersOf('/v1/messages'), {
        'anthropic-ratelimit-requests-limit': '20',
        'anthropic-ratelimit-requests-remaining': '3',
        'anthropic-ratelimit-requests-reset': '2026-01-15T12:06:01Z',
        'anthropic-ratelimit-tokens-limit': '40000',
        'anthropic-ratelimit-tokens-remaining': '0',
        'anthropic-ratelimit-tokens-reset': '2026-01-15T12:01:02Z',
        'anthropic-ratelimit-input-tokens-limit': '9007199254740991',
        'anthropic-ratelimit-input-tokens-remaining': '9007199254740991',
        'anthropic-ratelimit-input-tokens-reset': '2026-01-15T12:00:01Z',
      })
    }
  })

  it("leave a provider's headers as they are where there are none of ours", async () => {
    for (const none of [{ ...exchange(), limits: undefined }, exchange([])]) {
      answer = client =>
        client.send({ status: 200, headers: provided, body: Buffer.from('{}') }, none as Exchange)
      const { 'openai-version': _version, ...theirs } = provided
      assert.deepEqual(await headersOf('/v1/chat/completions'), theirs)
    }
  })

  const ways: ((client: HttpClientOfCall, of: Exchange) => void)[] = [
    (client, of) => client.send({ status: 200, headers: provided, body: Buffer.from('{}') }, of),
    (client, of) => {
      client.begin(provided, of)
      client.end()
    },
    (client, of) => client.fail(new Fault('rate_limited', 'Wait.', { retryAfterMs: 1_500 }), of),
  ]

  /** How each official SDK is refused: by the class it throws. */
  const sdks: Record<string, (retries: number) => Promise<unknown>> = {
    'openai (chat)': async maxRetries =>
      await new OpenAI({ baseURL: `${url}/v1`, apiKey: 'k', maxRetries }).chat.completions.create({
        model: 'm',
        messages: [],
      }),
    'openai (responses)': async maxRetries =>
      await new OpenAI({ baseURL: `${url}/v1`, apiKey: 'k', maxRetries }).responses.create({
        model: 'm',
        input: 'x',
      }),
    '@anthropic-ai/sdk': async maxRetries =>
      await new Anthropic({ baseURL: url, apiKey: 'k', maxRetries }).messages.create({
        model: 'm',
        max_tokens: 9,
        messages: [],
      }),
    '@google/genai': async () =>
      await new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: url } }).models.generateContent({
        model: 'm',
        contents: 'x',
      }),
  }

  function refuse(code: FaultCode, detail: { retryAfterMs?: number }): void {
    answer = client =>
      client.fail(new Fault(code, 'The budget `b` is spent.', { ...detail, ours: true }), exchange())
  }

  for (const [name, ask] of Object.entries(sdks)) {
    it(`are its rate-limit error to ${name}: a spent budget, one that is held, too many requests`, async () => {
      for (const code of ['budget_exceeded', 'budget_held', 'rate_limited'] as const) {
        refuse(code, { retryAfterMs: 2_500 })
        const error = await ask(0).then(() => assert.fail('it was served'), isLimit)
        assert.match(error.message, /The budget `b` is spent\./)
        if (error instanceof OpenAI.RateLimitError) {
          assert.equal(error.code, code)
          assert.equal(error.type, code === 'budget_exceeded' ? 'insufficient_quota' : 'rate_limit_error')
          assert.equal(error.headers.get('retry-after'), '3')
          assert.equal(error.headers.get('retry-after-ms'), '2500')
        }
        if (error instanceof Anthropic.RateLimitError) assert.equal(error.type, 'rate_limit_error')
        if (error instanceof ApiError) {
          const { status, details } = JSON.parse(error.message).error
          assert.equal(status, 'RESOURCE_EXHAUSTED')
          const kinds = details.map((detail: Record<string, string>) => detail['@type']?.split('.').at(-1))
          assert.deepEqual(kinds, ['ErrorInfo', 'QuotaFailure', 'RetryInfo'])
          assert.deepEqual([details[1].violations[0].quotaId, details[2].retryDelay], [code, '2.5s'])
        }
      }
    })
  }

  for (const name of ['openai (chat)', '@anthropic-ai/sdk']) {
    it(`that time alone does not mend are not asked again by ${name}; those of a moment are`, async () => {
      refuse('budget_exceeded', {})
      await assert.rejects(sdks[name]?.(2) ?? assert.fail())
      assert.equal(asked, 1)
      refuse('budget_held', { retryAfterMs: 1 })
      await assert.rejects(sdks[name]?.(2) ?? assert.fail())
      assert.equal(asked, 4)
    })
  }
})

function isLimit(error: unknown): Error {
  const isOne =
    error instanceof OpenAI.RateLimitError ||
    error instanceof Anthropic.RateLimitError ||
    (error instanceof ApiError && error.status === 429)
  assert.ok(isOne, String(error))
  return error
}
