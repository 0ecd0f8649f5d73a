import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Ajv } from 'ajv'
import { callOnRecord } from './support/call-log.ts'
import { errorBody, wholeAnswer } from './support/chat-bytes.ts'
import { eventually } from './support/eventually.ts'
import { startSluice } from './support/sluice.ts'
import { startUpstream } from './support/upstream.ts'

const webKey = 'sk-test-web-0123456789'
const providerKey = 'sk-test-provider-secret'
const headerSecret = 'a-secret-of-the-proxy'

/** What the provider does with a model that is not here: it answers. */
const failing = new Map<string, number>()
/** Resolves when `held` may be answered. */
const held = Promise.withResolvers<void>()
const upstream = await startUpstream(async ({ body }, response) => {
  const { model } = JSON.parse(body) as { model: string }
  if (model === 'held') await held.promise
  const status = failing.get(model) ?? 200
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(status === 200 ? wholeAnswer : errorBody({ type: 'some_error', code: 'some_code' }))
})

const provider = `{ dialect: openai, base_url: "${upstream.url}", api_key: ${providerKey}, retries: 0, breaker: { failures: 1, cooldown: 1h, longest_cooldown: 1h } }`
const sluice = await startSluice({
  config: `
providers:
  first: ${provider}
  second: ${provider}
  locked: ${provider.replace('retries', `headers: { x-proxy-token: ${headerSecret} }, retries`)}
  narrow: ${provider.replace('retries', 'limits: { requests_per_minute: 6000, concurrency: 1 }, retries')}
  openai: { api_key: ${providerKey} }
models:
  smart: { targets: [first/big, second/small], retries: 0 }
keys:
  - { name: web, key: ${webKey}, organization: acme }
`,
})

interface Api {
  paths: Record<
    string,
    Record<string, { responses: { 200: { content: { 'application/json': { schema: object } } } } }>
  >
}

const ajv = new Ajv()
const api = (await (await send('/sluice/v1/openapi.json')).json()) as Api

interface Breaker {
  state: string
  open_until: string | null
}

interface LaneAnswer {
  waiting: { interactive: number; batch: number }
  under_way: number
  limits: object
}

interface ProviderAnswer {
  name: string
  vendor: string | null
  dialects: string[]
  origin: string
  credential: { breaker: Breaker }
  targets: {
    target: string
    breaker: Breaker
    under_way: number
    first_token_ms: { p50: number | null; p95: number | null }
    last_failure: { failure: string; at: string } | null
  }[]
  lane: LaneAnswer | null
}

interface RecordAnswer {
  id: string
  skips: object[]
  degraded: string | null
  attempts: { target: string; reason: string | null; failure: string | null }[]
}

async function send(path: string, { method = 'GET', key = sluice.adminKey, body = '' } = {}) {
  return await fetch(sluice.url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body }),
  })
}

async function read<Answer>(path: string, method = 'GET'): Promise<Answer> {
  const answer = await send(path, { method })
  const text = await answer.text()
  assert.equal(answer.status, 200, text)
  for (const secret of [providerKey, headerSecret]) assert.ok(!text.includes(secret), 'tells no secret')
  const answered: unknown = JSON.parse(text)
  const [pathname = ''] = path.split('?')
  const described = Object.entries(api.paths).find(([known]) =>
    new RegExp(`^${known.replace(/\{\w+\}/, '[^/]+')}$`).test(pathname),
  )
  const schema = described?.[1][method.toLowerCase()]?.responses['200'].content['application/json'].schema
  assert.ok(schema, `${path} is described`)
  assert.ok(ajv.validate(schema, answered), ajv.errorsText())
  return answered as Answer
}

async function ask(model: string): Promise<Response> {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }] })
  const answer = await send('/v1/chat/completions', { method: 'POST', key: webKey, body })
  await answer.text()
  return answer
}

/** The call of an answer, once it has ended. */
async function recordOf(answer: Response): Promise<RecordAnswer> {
  const { id } = await callOnRecord(sluice, answer.headers.get('x-sluice-call'))
  return await read<RecordAnswer>(`/sluice/v1/calls/${id}`)
}

async function metric(series: string): Promise<number | undefined> {
  const text = await (await fetch(`${sluice.url}/metrics`)).text()
  const line = text.split('\n').find(line => line.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length))
}

const byName = (name: string) => read<ProviderAnswer>(`/sluice/v1/providers/${name}`)

suite('GET /sluice/v1/providers', () => {
  test('lists what is configured, called or not, with no secret', async () => {
    const { data } = await read<{ data: ProviderAnswer[] }>('/sluice/v1/providers')
    assert.deepEqual(
      data.map(({ name, vendor, origin }) => [name, vendor, origin]),
      [
        ['first', null, new URL(upstream.url).origin],
        ['second', null, new URL(upstream.url).origin],
        ['locked', null, new URL(upstream.url).origin],
        ['narrow', null, new URL(upstream.url).origin],
        ['openai', 'openai', 'https://api.openai.com'],
      ],
    )
    const openai = data.at(-1)
    assert.ok(openai?.dialects.includes('openai-chat'))
    assert.deepEqual(
      [openai?.credential, openai?.targets],
      [{ breaker: { state: 'closed', open_until: null } }, []],
    )
    assert.deepEqual(await byName('openai'), openai)
  })

  test('is for admins alone, and knows no other names', async () => {
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/first'],
      ['POST', '/first/reset'],
    ] as const) {
      const refused = await send(`/sluice/v1/providers${path}`, { method, key: webKey })
      const { status } = await send('/sluice/v1/calls', { key: webKey })
      assert.equal(refused.status, status, path)
    }
    assert.equal((await send('/sluice/v1/providers/nobody')).status, 404)
    assert.equal((await send('/sluice/v1/providers/nobody/reset', { method: 'POST' })).status, 404)
  })

  test('shows an open breaker and why, and a reset has the target called again', async () => {
    failing.set('big', 503)
    const failedOver = await ask('smart')
    assert.equal(failedOver.status, 200)
    const { targets } = await byName('first')
    const [big] = targets
    assert.deepEqual([targets.length, big?.target, big?.breaker.state], [1, 'first/big', 'open'])
    assert.ok(Date.parse(big?.breaker.open_until ?? '') > Date.parse(big?.last_failure?.at ?? ''))
    assert.deepEqual([big?.last_failure?.failure, big?.under_way], ['overloaded', 0])
    assert.equal(await metric('sluice_breaker_state{target="first/big"}'), 2)
    assert.equal(await metric('sluice_breaker_state{target="first"}'), 0)

    failing.delete('big')
    assert.equal((await ask('smart')).headers.get('x-sluice-target'), 'second/small')
    const reset = await read<ProviderAnswer>('/sluice/v1/providers/first/reset', 'POST')
    assert.deepEqual(reset.targets[0]?.breaker, { state: 'closed', open_until: null })
    assert.equal((await ask('smart')).headers.get('x-sluice-target'), 'first/big')
    assert.equal(await metric('sluice_breaker_state{target="first/big"}'), 0)
  })

  test('shows the breaker of a credential that is rejected, which keeps all its models away', async () => {
    failing.set('any', 401)
    for (let n = 0; n < 20; n += 1) await ask('locked/any')
    const { credential, targets } = await byName('locked')
    assert.equal(credential.breaker.state, 'open')
    assert.deepEqual(
      targets.map(({ breaker, last_failure }) => [breaker.state, last_failure?.failure]),
      [['closed', 'account']],
    )
    assert.equal(await metric('sluice_breaker_state{target="locked"}'), 2)
    assert.equal((await ask('locked/other')).status, 503)
    await read('/sluice/v1/providers/locked/reset', 'POST')
    assert.equal((await ask('locked/other')).status, 200)
  })
})

suite('the lane of a provider', () => {
  test('shows its limits, who is under way and who waits', async () => {
    assert.equal((await byName('narrow')).lane, null)
    const asked = [ask('narrow/held'), ask('narrow/held')]
    const lane = await eventually('one waits for the other', async () => {
      const { lane } = await byName('narrow')
      return lane?.waiting.interactive === 1 && lane.under_way === 1 ? lane : undefined
    })
    assert.deepEqual(lane.limits, { requests_per_minute: 6000, tokens_per_minute: null, concurrency: 1 })
    assert.equal(await metric('sluice_lane_waiting{provider="narrow",class="interactive"}'), 1)
    assert.equal(await metric('sluice_lane_waiting{provider="narrow",class="batch"}'), 0)
    assert.equal(await metric('sluice_target_under_way{target="narrow/held"}'), 1)
    held.resolve()
    for (const { status } of await Promise.all(asked)) assert.equal(status, 200)
    assert.equal(await metric('sluice_lane_waiting{provider="narrow",class="interactive"}'), 0)
  })
})

suite('the call log and the metrics', () => {
  test('tell what was passed over, what failed and how, and that the answer is a lesser one', async () => {
    await read('/sluice/v1/providers/first/reset', 'POST')
    failing.set('big', 503)
    const before = await metric('sluice_attempt_failures_total{target="first/big",failure="overloaded"}')
    const failed = await recordOf(await ask('smart'))
    assert.deepEqual(failed.skips, [])
    assert.deepEqual(
      failed.attempts.map(({ target, reason, failure }) => [target, reason, failure]),
      [
        ['first/big', 'first', 'overloaded'],
        ['second/small', 'fail_over', null],
      ],
    )
    assert.equal(
      await metric('sluice_attempt_failures_total{target="first/big",failure="overloaded"}'),
      (before ?? 0) + 1,
    )

    const skips = await metric('sluice_skips_total{target="first/big",reason="breaker_open"}')
    const degraded = await metric('sluice_degraded_calls_total{target="second/small"}')
    const answer = await ask('smart')
    const passed = await recordOf(answer)
    assert.deepEqual(passed.skips, [{ target: 'first/big', reason: 'breaker_open' }])
    assert.match(passed.degraded ?? '', /^fallback; target=second\/small; because=/)
    assert.equal(passed.degraded, answer.headers.get('x-sluice-degraded'))
    assert.equal(
      await metric('sluice_skips_total{target="first/big",reason="breaker_open"}'),
      (skips ?? 0) + 1,
    )
    assert.equal(await metric('sluice_degraded_calls_total{target="second/small"}'), (degraded ?? 0) + 1)
    assert.equal(await metric('sluice_target_under_way{target="second/small"}'), 0)

    const { data } = await read<{ data: RecordAnswer[] }>('/sluice/v1/calls?degraded=true&limit=2')
    assert.deepEqual(
      data.map(({ id }) => id),
      [passed.id, failed.id],
    )
  })
})
