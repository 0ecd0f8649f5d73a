import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { type Sluice, startSluice } from './support/sluice.ts'
import { startUpstream } from './support/upstream.ts'

type Json = Record<string, unknown>

/** One answer of Messages: 10,000 tokens read from the cache, 2,000 written for five minutes and 500 for an hour. */
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-haiku-4-5',
  content: [{ type: 'text', text: 'Sorted.' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: {
    input_tokens: 100,
    cache_read_input_tokens: 10_000,
    cache_creation_input_tokens: 2_500,
    cache_creation: { ephemeral_5m_input_tokens: 2_000, ephemeral_1h_input_tokens: 500 },
    output_tokens: 50,
  },
}
/** 10,000 × ($1 − $0.10) − 2,000 × ($1.25 − $1) − 500 × ($2 − $1), per million tokens. */
const savedUsd = '0.008'
/** 100 × $1 + 10,000 × $0.10 + 2,000 × $1.25 + 500 × $2 + 50 × $5, likewise. */
const costUsd = '0.00485'

describe('what the prompt cache of a provider spares', () => {
  let sluice: Sluice

  before(async () => {
    const upstream = await startUpstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(message))
    })
    sluice = await startSluice({
      config: `
providers:
  claude: { dialect: anthropic, base_url: ${upstream.url}, api_key: k }
prices: { claude/*: { input: 1, cached_input: 0.1, cache_write_5m: 1.25, cache_write_1h: 2, output: 5 } }
models: { task/sort: { targets: [claude/claude-haiku-4-5] } }
`,
    })
  })

  const headers = (): Record<string, string> => ({
    authorization: `Bearer ${sluice.adminKey}`,
    'content-type': 'application/json',
  })
  const read = async (path: string): Promise<{ data: Json[]; total: Json }> =>
    (await (await fetch(`${sluice.url}${path}`, { headers: headers() })).json()) as never

  async function call(model: string): Promise<void> {
    const body = JSON.stringify({ model, max_tokens: 9, messages: [{ role: 'user', content: 'Sort.' }] })
    const answer = await fetch(`${sluice.url}/v1/messages`, { method: 'POST', headers: headers(), body })
    assert.equal(answer.status, 200, await answer.text())
  }

  it('is in the costs by task, in their total and in the ledger', async () => {
    await call('task/sort')
    await call('claude/claude-haiku-4-5')
    const { data, total } = await read('/sluice/v1/costs?group_by=task')
    assert.deepEqual(new Set(data.map(({ task }) => task)), new Set(['sort', null]))
    for (const row of data)
      assert.deepEqual([row.attempts, row.cost_usd, row.cache_saved_usd], [1, costUsd, savedUsd])
    assert.deepEqual([total.cost_usd, total.cache_saved_usd], ['0.0097', '0.016'])
    const ledger = await read('/sluice/v1/ledger?kind=post')
    assert.deepEqual(
      ledger.data.map(({ cache_saved_usd }) => cache_saved_usd),
      [savedUsd, savedUsd],
    )
  })
})
