import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { type Sluice, startSluice } from './support/sluice.ts'
import { startUpstream, type Upstream } from './support/upstream.ts'

type Json = Record<string, unknown>

interface Logged {
  user: string | null
  feature: string | null
  tags: string[]
  environment: string | null
}

const messages = [{ role: 'user', content: 'Where?' }]
const labels = { tags: 'a, b,a', environment: 'staging', feature: 'chat' }

describe('what a call is for', () => {
  let sluice: Sluice
  let upstream: Upstream

  before(async () => {
    upstream = await startUpstream((_request, response) => {
      response.writeHead(400, { 'content-type': 'application/json' })
      response.end(
        '{"error":{"message":"no","type":"invalid_request_error","code":400,"status":"INVALID_ARGUMENT"}}',
      )
    })
    const at = upstream.url.replace('/v1', '')
    sluice = await startSluice({
      config: `
providers:
  chat: { dialect: openai, base_url: ${upstream.url}, api_key: k }
  claude: { dialect: anthropic, base_url: ${upstream.url}, api_key: k }
  google: { dialect: gemini, base_url: ${at}/v1beta, api_key: k }
models: { task/sort: { targets: [chat/m] } }
`,
    })
  })

  async function call(path: string, body: Json, headers: Record<string, string> = {}): Promise<Logged> {
    const answer = await fetch(`${sluice.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${sluice.adminKey}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    assert.equal(answer.status, 400, await answer.text())
    return await get(`/sluice/v1/calls/${answer.headers.get('x-sluice-call')}`)
  }

  async function get<T>(path: string): Promise<T> {
    const headers = { authorization: `Bearer ${sluice.adminKey}` }
    return (await (await fetch(`${sluice.url}${path}`, { headers })).json()) as T
  }

  const told = (): Json => JSON.parse(upstream.requests.at(-1)?.body ?? '')

  const ways: Record<string, { path: string; body: Json; sent?: unknown }> = {
    'Chat Completions': {
      path: '/v1/chat/completions',
      body: { model: 'chat/m', messages, metadata: labels },
      sent: labels,
    },
    'Chat Completions, as a list': {
      path: '/v1/chat/completions',
      body: { model: 'chat/m', messages, metadata: { ...labels, tags: ['a', 'b', 'a'] } },
      sent: { ...labels, tags: 'a,b,a' },
    },
    'Responses, as a list': {
      path: '/v1/responses',
      body: { model: 'chat/m', input: 'x', metadata: { ...labels, tags: ['a', 'b', 'a'] } },
    },
    Messages: {
      path: '/v1/messages',
      body: { model: 'claude/m', max_tokens: 9, messages, metadata: { user_id: 'u', ...labels } },
      sent: { user_id: 'u' },
    },
    Embeddings: { path: '/v1/embeddings', body: { model: 'chat/m', input: 'x', metadata: labels } },
    Gemini: {
      path: '/v1beta/models/google/m:generateContent',
      body: { contents: [{ parts: [{ text: 'x' }] }], labels },
    },
  }

  for (const [name, { path, body, sent }] of Object.entries(ways)) {
    it(`is told in the body (${name}), as far as its provider may know`, async () => {
      const logged = await call(path, body)
      assert.deepEqual([logged.tags, logged.environment, logged.feature], [['a', 'b'], 'staging', 'chat'])
      if (sent) assert.deepEqual(told().metadata, sent)
    })
  }

  it('is told in headers, which come before the body', async () => {
    const headers = { 'x-sluice-tags': 'x,  y ,,x', 'x-sluice-environment': ' production ' }
    const logged = await call(
      '/v1/chat/completions',
      { model: 'chat/m', messages, metadata: labels },
      headers,
    )
    assert.deepEqual([logged.tags, logged.environment], [['x', 'y'], 'production'])
    const found = await get<{ data: Logged[] }>('/sluice/v1/calls?tag=y&environment=production')
    assert.equal(found.data.length, 1)
  })

  it('is told by a model that is a task, and stands in usage and costs', async () => {
    await call('/v1/chat/completions', { model: 'task/sort', messages })
    for (const [address, count] of [
      ['usage', 'calls'],
      ['costs', 'attempts'],
    ] as const) {
      const { data } = await get<{ data: Json[] }>(`/sluice/v1/${address}?group_by=task,target&task=sort`)
      assert.deepEqual(
        data.map(row => [row.task, row.target, row[count]]),
        [['sort', 'chat/m', 1]],
      )
      const all = await get<{ data: Json[] }>(`/sluice/v1/${address}?group_by=task`)
      assert.deepEqual(new Set(all.data.map(row => row.task)), new Set([null, 'sort']))
    }
  })

  it('is kept in few and short names; what is left out is counted', async () => {
    const before = await dropped()
    const many = Array.from({ length: 50 }, (_, n) => `t${n}`)
    const metadata = {
      tags: ['x'.repeat(65), 'a\u0000b', '\ud800', 7, null, {}, ...many],
      environment: 'e'.repeat(10_240),
    }
    const logged = await call('/v1/chat/completions', { model: 'chat/m', messages, metadata })
    assert.deepEqual([logged.tags, logged.environment], [many.slice(0, 8), null])
    assert.equal((await dropped()) - before, 42 + 6 + 1)
  })

  it('keeps users of endless names apart, each by one name', async () => {
    const [one, other, again] = await Promise.all(
      ['a', 'b', 'a'].map(end =>
        call('/v1/chat/completions', {
          model: 'chat/m',
          messages,
          user: `${'u'.repeat(10_240)}\u0007${end}`,
        }),
      ),
    )
    assert.equal(one?.user, again?.user)
    assert.notEqual(one?.user, other?.user)
    assert.ok(one?.user && one.user.length <= 256)
  })

  async function dropped(): Promise<number> {
    const text = await (await fetch(`${sluice.url}/metrics`)).text()
    return Number(/^sluice_attribution_dropped_total (\d+)$/m.exec(text)?.[1])
  }
})
