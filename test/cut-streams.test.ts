import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type CallOnRecord, callOfFeature } from './support/call-log.ts'
import { eventually } from './support/eventually.ts'
import { startEveryDialect } from './support/every-dialect.ts'
import { type Billed, type ProviderName, providerNames } from './support/scripted-dialects.ts'

/**
 * A stream that is cut is settled all the same, by the provider's last report or by what was seen of it: within 5 %
 * of the simulator's bill, wherever it is cut, by whom, in whatever dialect.
 */

const { sluice, simulator, key } = await startEveryDialect()

/** The key as each dialect's makers have it. */
const headers = {
  'content-type': 'application/json',
  authorization: `Bearer ${key}`,
  'x-api-key': key,
  'x-goog-api-key': key,
}

const question =
  'Our harbour has had a lighthouse since 1854. Tell me, please: how was its light made, and who kept it?'

/** How each dialect asks, and what each piece of text in its streams begins with. */
const callers: Record<ProviderName, { path(model: string): string; body: object; piece: RegExp }> = {
  chat: {
    path: () => '/v1/chat/completions',
    body: { messages: [{ role: 'user', content: question }] },
    piece: /"content":"[^"]/g,
  },
  responses: {
    path: () => '/v1/responses',
    body: { input: question },
    piece: /"response\.output_text\.delta"/g,
  },
  messages: {
    path: () => '/v1/messages',
    body: { max_tokens: 4_000, messages: [{ role: 'user', content: question }] },
    piece: /"text_delta"/g,
  },
  gemini: {
    path: model => `/v1beta/models/${encodeURIComponent(model)}:streamGenerateContent?alt=sse`,
    body: { contents: [{ role: 'user', parts: [{ text: question }] }] },
    piece: /"text":"[^"]/g,
  },
}

/** The last of these is the caller's own doing: it leaves while the provider is silent. */
const cuts = ['eof', 'cut', 'stream-error', 'truncated-json', 'leaves'] as const

interface Case {
  provider: ProviderName
  caller: ProviderName
  cut: (typeof cuts)[number]
  tokens: number
  /** Of them, as many as came. */
  after: number
}

const cases = fc
  .record({
    provider: fc.constantFrom(...providerNames),
    caller: fc.constantFrom(...providerNames),
    cut: fc.constantFrom(...cuts),
    tokens: fc.integer({ min: 2, max: 300 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ share, ...rest }): Case => ({ ...rest, after: Math.max(1, Math.floor((rest.tokens - 1) * share)) }))

let calls = 0

async function ask({ provider, caller, cut, tokens, after }: Case): Promise<CallOnRecord> {
  const { path, body, piece } = callers[caller]
  const model = `${provider}/sim-1?tokens=${tokens}&fail=${cut === 'leaves' ? 'stall' : cut}&after=${after}`
  const feature = `cut-${++calls}`
  const leave = new AbortController()
  const response = await fetch(`${sluice.url}${path(model)}`, {
    method: 'POST',
    headers: {
      ...headers,
      'x-sluice-feature': feature,
    },
    body: JSON.stringify(caller === 'gemini' ? body : { model, stream: true, ...body }),
    signal: leave.signal,
  })
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const bytes of response.body ?? []) {
      text += decoder.decode(bytes, { stream: true })
      if (cut === 'leaves' && (text.match(piece)?.length ?? 0) >= after) leave.abort()
    }
  } catch (error) {
    assert.equal(cut, 'leaves', String(error))
  }
  return await callOfFeature(sluice, feature)
}

async function lastBilled(): Promise<Billed> {
  return await eventually('the last line of the bill is closed', async () => {
    const { requests } = (await (await fetch(new URL('/bill?limit=10000', simulator.url))).json()) as {
      requests: Billed[]
    }
    const last = requests.at(-1)
    return last?.outcome === 'running' ? undefined : last
  })
}

function assertNear(recorded: number | null, billed: number, what: string): void {
  // A call's last piece may have been on its way.
  assert.ok(
    recorded !== null && Math.abs(recorded - billed) <= 1 + billed * 0.05,
    `${what}: on record ${recorded}, billed ${billed}`,
  )
}

test('what a cut stream used is on record within 5 % of the bill, as an estimate', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async one => {
      const { status, usage, attempts } = await ask(one)
      const billed = await lastBilled()
      assert.equal(status, one.cut === 'leaves' ? 'cancelled' : 'failed')
      assert.equal(attempts.length, 1)
      assert.equal(usage.source, 'estimate')
      assertNear(usage.input_tokens, billed.input_tokens, 'input')
      assertNear(usage.output_tokens, billed.output_tokens, 'output')
    }),
    { seed: 1_854, numRuns: 100 },
  )
})

for (const provider of ['chat', 'messages'] as const) {
  test(`a stream of ${provider} that lacks its end mark alone is settled by the provider’s last report`, async () => {
    for (const caller of providerNames) {
      const feature = `no-end-${provider}-${caller}`
      const { path, body } = callers[caller]
      const model = `${provider}/sim-1?tokens=40&cached=5&fail=no-done`
      const response = await fetch(`${sluice.url}${path(model)}`, {
        method: 'POST',
        headers: {
          ...headers,
          'x-sluice-feature': feature,
        },
        body: JSON.stringify(caller === 'gemini' ? body : { model, stream: true, ...body }),
      })
      await response.text()
      const { status, usage } = await callOfFeature(sluice, feature)
      const { input_tokens, output_tokens } = await lastBilled()
      assert.equal(status, 'failed')
      assert.deepEqual(
        [usage.source, usage.input_tokens, usage.output_tokens],
        ['provider', input_tokens, output_tokens],
      )
    }
  })
}
