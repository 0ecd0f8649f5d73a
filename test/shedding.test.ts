import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from './support/eventually.ts'
import { startSluice } from './support/sluice.ts'

const key = 'sk-test-web-0123456789'
const mostUnderWay = 5

const sluice = await startSluice({
  config: `
providers: { sim: {} }
keys:
  - { name: web, key: ${key}, organization: acme, project: shop }
requests: { most_under_way: ${mostUnderWay} }
`,
})

const messages = [{ role: 'user', content: 'Hello!' }]

async function post(
  path: string,
  headers: Record<string, string>,
  body: object = {},
  signal?: AbortSignal,
): Promise<Response> {
  return await fetch(sluice.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'sim/sim-1', messages, max_tokens: 9, ...body }),
    ...(signal && { signal }),
  })
}

async function metrics(): Promise<string> {
  return await (await fetch(`${sluice.url}/metrics`)).text()
}

test('refuses calls beyond those that may be under way, batch work first, in the words of each dialect', async () => {
  const leave = new AbortController()
  const hanging: Promise<unknown>[] = []
  const fill = async (count: number): Promise<void> => {
    while (hanging.length < count)
      hanging.push(
        post('/v1/chat/completions', { 'x-sim-script': 'fail=hang' }, {}, leave.signal).catch(
          () => undefined,
        ),
      )
    await eventually(`${count} calls are under way`, async () =>
      (await metrics()).includes(`sluice_calls_under_way ${count}\n`),
    )
  }

  await fill(4)
  const byHeader = await post('/v1/chat/completions', { 'x-sluice-class': 'batch' })
  const byBody = await post('/v1/chat/completions', {}, { service_tier: 'flex' })
  for (const refused of [byHeader, byBody]) {
    assert.equal(refused.status, 503)
    assert.partialDeepStrictEqual(await refused.json(), {
      error: { code: 'overloaded', type: 'server_error' },
    })
  }
  assert.equal((await post('/v1/chat/completions', {})).status, 200, 'interactive calls still come in')

  await fill(mostUnderWay)
  const refused = await post('/v1/chat/completions', {})
  assert.equal(refused.status, 503)
  assert.equal(refused.headers.get('x-should-retry'), null)
  assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/)
  assert.match(refused.headers.get('x-request-id') ?? '', /^req_/)
  const anthropic = await post('/v1/messages', {})
  assert.partialDeepStrictEqual(await anthropic.json(), {
    type: 'error',
    error: { type: 'overloaded_error' },
  })
  const gemini = await post('/v1beta/models/sim-1:generateContent', {})
  assert.partialDeepStrictEqual(await gemini.json(), { error: { code: 503, status: 'UNAVAILABLE' } })

  assert.equal((await fetch(`${sluice.url}/readyz`)).status, 200)
  const headers = { authorization: `Bearer ${sluice.adminKey}` }
  const calls = await fetch(`${sluice.url}/sluice/v1/calls`, { headers })
  assert.equal(calls.status, 200, 'our own API stays open')
  const { data } = (await calls.json()) as { data: { code: string | null }[] }
  assert.equal(
    data.filter(({ code }) => code === 'overloaded').length,
    0,
    'what is shed is counted, not recorded',
  )
  const text = await metrics()
  assert.match(text, /^sluice_shed_total\{class="batch",reason="calls"\} 2$/m)
  assert.match(text, /^sluice_shed_total\{class="interactive",reason="calls"\} 3$/m)
  assert.equal(sluice.stderr().includes('overloaded'), false)

  leave.abort()
  await Promise.all(hanging)
  await eventually('there is room again', async () => (await post('/v1/chat/completions', {})).status === 200)
})
