import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { before, describe, it } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { ask, type Heard, type Request } from './budgets.crowd.ts'
import { type Json, type MoneyStage, priceOf, setMoneyStage } from './budgets.stage.ts'
import { eventually } from './support/eventually.ts'

const names = [
  'poor',
  'short',
  'soft',
  'vectors',
  'aimed',
  'unpriced',
  'tokens',
  'places',
  'raised',
  'changed',
  'late',
  'kept',
  'crowded',
  'holding',
  'routed',
  'everybody',
] as const
const keys = Object.fromEntries(names.map(name => [name, `sk-test-${name}-0123456789`])) as Record<
  (typeof names)[number],
  string
>
const messages = [{ role: 'user' as const, content: 'Tell me.' }]
const one: Omit<Request, 'tag'> = { model: 'near/sim-1?tokens=20', maxTokens: 20 }
/** Of `one`, as the simulator counts. */
const price = 9_000_000n + 40_000_000n

/** Not as a literal: an object with `then` looks like a promise. */
function softStep(at: string, action: unknown): Json {
  return Object.fromEntries([
    ['at', at],
    ['then', action],
  ])
}

describe('a budget', () => {
  let stage: MoneyStage

  before(async () => {
    stage = await setMoneyStage({
      keys,
      providers: url => ({
        claude: `{ dialect: anthropic, base_url: ${url}, api_key: k, retries: 0 }`,
        google: `{ dialect: gemini, base_url: ${url}beta, api_key: k, retries: 0 }`,
        nameless: `{ dialect: openai, base_url: ${url}, api_key: k }`,
      }),
      config: () => `
models:
  cheap: { targets: ["far/sim-2?tokens=2"] }
  either: { targets: ["near/sim-1?tokens=20", "far/sim-2?tokens=20"] }
budgets:
  - { name: kept, per: organization, match: { organization: kept }, limit: $0.5, every: total }`,
    })
  })

  const call = async (name: keyof typeof keys, more: Partial<Request> = {}): Promise<Heard> =>
    await ask(stage.sluice.url, keys[name], { ...one, tag: name, ...more })
  const budget = async (name: string, definition: Json = {}): Promise<string> =>
    await stage.makeBudget({
      name,
      per: 'organization',
      match: { organization: name },
      limit: '$1',
      every: 'total',
      ...definition,
    })
  const sent = async (tag: string): Promise<number> => (await stage.bill(tag)).length

  it('refuses before anything is sent, and says which, what is left and when it renews, to every SDK', async () => {
    await budget('poor', { name: 'poor daily', limit: '$0.000001', every: 'day' })
    const { url } = stage.sluice
    const options = { apiKey: keys.poor, maxRetries: 0, defaultHeaders: { 'x-sim-request': 'poor' } }
    const openai = new OpenAI({ ...options, baseURL: `${url}/v1` })
    const said =
      /budget `poor daily` has \$0\.000001 left of \$0\.000001 \(\$0 spent\), and this call may take \$\S+\. It renews at \d{4}-\d\d-\d\dT00:00:00\.000Z/
    const create = { model: one.model, messages, max_tokens: 20 }
    for (const stream of [false, true])
      await assert.rejects(openai.chat.completions.create({ ...create, stream }), {
        status: 429,
        code: 'budget_exceeded',
        type: 'insufficient_quota',
        message: said,
      })
    await assert.rejects(openai.responses.create({ model: one.model, input: 'Tell me.' }), {
      status: 429,
      code: 'budget_exceeded',
    })
    const anthropic = new Anthropic({ ...options, baseURL: url })
    await assert.rejects(anthropic.messages.create({ ...create, model: 'claude/sim-1' }), {
      status: 429,
      message: said,
    })
    const google = new GoogleGenAI({
      apiKey: keys.poor,
      httpOptions: { baseUrl: url, headers: { 'x-sim-request': 'poor' } },
    })
    await assert.rejects(google.models.generateContent({ model: 'google/sim-1', contents: 'Tell me.' }), {
      status: 429,
      message: said,
    })
    const { headers } = await call('poor')
    assert.equal(headers.get('x-should-retry'), 'false')
    assert.equal(await sent('poor'), 0)
  })

  it('that spans organizations tells callers nothing of itself', async () => {
    await stage.makeBudget({
      name: 'secret',
      match: { feature: 'hidden' },
      limit: '$0.000001',
      every: 'total',
    })
    const { code, message } = await call('everybody', { headers: { 'x-sluice-feature': 'hidden' } })
    assert.equal(code, 'budget_exceeded')
    assert.doesNotMatch(message, /secret|\$|0\.00/)
  })

  it('holds for a user that nobody has seen before, whatever it is called', async () => {
    const id = await stage.makeBudget({
      name: 'users',
      per: 'user',
      match: { organization: 'crowded' },
      limit: '$0.00018',
      every: 'day',
    })
    const users = [
      'new',
      'x'.repeat(10_240),
      `${'x'.repeat(10_239)}y`,
      'a\u0000b\u001b[2J',
      'a/b',
      '🦊',
      'constructor',
    ]
    for (const user of users) {
      const heard = [await call('crowded', { extra: { user } }), await call('crowded', { extra: { user } })]
      assert.deepEqual(
        heard.map(({ code, status }) => code ?? status),
        [200, 'budget_exceeded'],
        JSON.stringify(user).slice(0, 40),
      )
    }
    assert.equal((await call('crowded')).status, 200, 'who names nobody does not fall under it')
    const { data } = await stage.administer<{ data: { subject: string; spent: string; held: string }[] }>({
      path: `/budgets/${id}/counters`,
    })
    assert.equal(data.length, users.length)
    assert.ok(data.every(({ subject, held }) => subject.length < 1_000 && held === '0'))
  })

  it('shows whose counters hold something, also of who has spent nothing yet', async () => {
    const match = { organization: 'holding' }
    const ids = {
      budget: await stage.makeBudget({ name: 'holding', per: 'user', match, limit: '$1', every: 'day' }),
      limit: await stage.makeLimit({ name: 'holding', per: 'user', match, concurrent: 2 }),
    }
    const slow = { model: 'near/sim-1?tokens=150&pace=20ms', stream: true, maxTokens: 150 }
    const answering = call('holding', { ...slow, extra: { user: 'first' } })
    const shown = [`/budgets/${ids.budget}/counters`, `/rate_limits/${ids.limit}/counters`].map(path =>
      eventually(`${path} shows it`, async () => {
        const { data } = await stage.administer<{ data: { subject: string; held: string }[] }>({ path })
        return data.length === 1 && data[0]?.subject === 'holding/user/first' && data[0].held !== '0'
      }),
    )
    await Promise.all(shown)
    await answering
  })

  it('of a provider sends calls to another one when it is used up, and refuses them when all are', async () => {
    const of = (provider: string): Promise<string> =>
      stage.makeBudget({ name: provider, match: { organization: 'routed', provider }, limit: '$0.00018' })
    await of('near')
    const heard = async (): Promise<unknown[]> => {
      const { status, code, headers } = await call('routed', { model: 'either' })
      return [status, code, headers.get('x-sluice-target'), headers.get('x-sluice-attempts')]
    }
    assert.deepEqual(await heard(), [200, undefined, 'near/sim-1?tokens=20', '1'])
    assert.deepEqual(await heard(), [200, undefined, 'far/sim-2?tokens=20', '1'])
    const { data } = await stage.administer<{ data: { skips: unknown }[] }>({ path: '/calls?limit=1' })
    assert.deepEqual(data[0]?.skips, [{ target: 'near/sim-1?tokens=20', reason: 'over_budget' }])
    await of('far')
    assert.deepEqual(await heard(), [429, 'budget_exceeded', null, '0'])
  })

  it('cuts what is asked of a provider to what is left, and says so', async () => {
    await budget('short', { limit: '$0.0003' })
    const { headers, text } = await call('short', { model: 'near/sim-1?tokens=500', maxTokens: 400 })
    const { requests } = (await (await fetch(new URL('/bill/asked', stage.simulator.url))).json()) as {
      requests: { body: { max_tokens: number }; headers: Json }[]
    }
    const asked = requests.findLast(request => request.headers['x-sim-request'] === 'short')
    const cap = asked?.body.max_tokens ?? 0
    assert.ok(cap >= 16 && cap < 150, `${cap}`)
    assert.equal(headers.get('x-sluice-degraded'), `output_cap=${cap}; because=short`)
    assert.match(text, /"finish_reason":"length"/)
    assert.ok(priceOf(await stage.bill('short')) <= 300_000_000n)
  })

  it('takes its soft steps one after the other, and says so', async () => {
    await budget('soft', {
      limit: '$1',
      soft: [
        softStep('$0.00001', { output: 10 }),
        softStep('$0.0001', { use: 'cheap' }),
        softStep('$0.00015', { class: 'batch' }),
        softStep('$0.00019', 'confirm'),
      ],
    })
    const told: (string | null | undefined)[] = []
    for (let n = 0; n < 9; n += 1) {
      const heard = await call('soft')
      told.push(heard.code ?? heard.headers.get('x-sluice-degraded'))
      if (heard.code) break
    }
    const output = 'budget; output_cap=10; because=soft'
    const cheaper = `${output}, budget; use=cheap; because=soft`
    assert.deepEqual(
      [...new Set(told)],
      [null, output, cheaper, `${cheaper}, budget; class=batch; because=soft`, 'confirmation_required'],
    )
    assert.equal((await call('soft', { headers: { 'x-sluice-confirm': 'true' } })).status, 200)
  })

  it('takes the steps of a budget of a provider for calls that would go there', async () => {
    await budget('aimed', {
      match: { organization: 'aimed', provider: 'near' },
      soft: softStep('$0.00001', { use: 'cheap' }),
    })
    const told: (string | null)[] = []
    for (let n = 0; n < 3; n += 1) told.push((await call('aimed')).headers.get('x-sluice-degraded'))
    const because = 'budget; use=cheap; because=aimed'
    assert.deepEqual(told, [null, because, because])
    const elsewhere = await call('aimed', { model: 'far/sim-2?tokens=2' })
    assert.equal(elsewhere.headers.get('x-sluice-degraded'), null)
  })

  it('leaves embeddings to the model that was asked for: vectors of another cannot be compared with them', async () => {
    await budget('vectors', { soft: softStep('0%', { use: 'cheap' }) })
    const { url } = stage.sluice
    const client = new OpenAI({ apiKey: keys.vectors, maxRetries: 0, baseURL: `${url}/v1` })
    const { model } = await client.embeddings.create({ model: 'near/sim-1', input: 'a text' })
    assert.equal(model, 'sim-1')
  })

  it('refuses what has no price, with the remedy, unless its owner allows it', async () => {
    const id = await budget('unpriced')
    const model = 'nameless/sim-9'
    const { code, message } = await call('unpriced', { model })
    assert.equal(code, 'unpriced_call')
    assert.match(message, /`nameless\/sim-9`.*`prices`/)
    await stage.administer({ method: 'PATCH', path: `/budgets/${id}`, body: { unpriced: 'allow' } })
    assert.equal((await call('unpriced', { model })).status, 200)
  })

  it('of tokens counts tokens', async () => {
    const id = await budget('tokens', { limit: undefined, tokens: 500 })
    assert.equal((await call('tokens')).status, 200)
    assert.equal((await stage.quiet(id, 'tokens')).spent, 29n)
    const last = await call('tokens', { prompt: 'x '.repeat(600) })
    assert.deepEqual([last.code, (await stage.standing(id, 'tokens')).held], ['budget_exceeded', 0n])
  })

  it('concerns the calls it names: by key, feature, model, tag, environment, provider and target', async () => {
    const matches: [string, Json, Partial<Request>][] = [
      ['key', { key: 'places' }, {}],
      ['feature', { feature: 'sear*' }, { headers: { 'x-sluice-feature': 'search' } }],
      ['model', { model: 'cheap' }, { model: 'cheap' }],
      ['tag', { tag: ['a', 'b'] }, { headers: { 'x-sluice-tags': 'z,b' } }],
      ['environment', { environment: 'prod' }, { headers: { 'x-sluice-environment': 'prod' } }],
      ['provider', { provider: 'far' }, { model: 'cheap' }],
      ['target', { target: 'near/sim-1*' }, {}],
    ]
    for (const [name, match, request] of matches) {
      const id = await budget('places', {
        name,
        match: { organization: 'places', ...match },
        limit: '$0.000001',
      })
      assert.equal((await call('places', request)).code, 'budget_exceeded', name)
      const different = name === 'target' ? { model: 'cheap' } : {}
      if (name !== 'key') assert.equal((await call('places', different)).status, 200, `not ${name}`)
      await stage.administer({ method: 'DELETE', path: `/budgets/${id}` })
    }
  })

  it('is raised for a while', async () => {
    const id = await budget('raised', { limit: '$0.0001' })
    assert.equal((await call('raised')).code, 'budget_exceeded')
    const until = new Date(Date.now() + 1_500).toISOString()
    await stage.administer({
      path: `/budgets/${id}/increases`,
      body: { amount: '$0.0003', until, reason: 'launch' },
      status: 201,
    })
    assert.equal((await call('raised')).status, 200)
    assert.equal((await stage.standing(id, 'raised')).most, 400_000_000n)
    await eventually('it ends', async () => (await stage.standing(id, 'raised')).most === 100_000_000n)
    assert.equal((await call('raised')).code, 'budget_exceeded')
  })

  it('can be shrunk and deleted while calls hold something of it', async () => {
    const id = await budget('changed', { limit: '$0.0003' })
    const slow = { model: 'near/sim-1?tokens=20&pace=20ms', stream: true }
    const first = call('changed', slow)
    await eventually('it holds', async () => (await stage.standing(id, 'changed')).held > 0n)
    await stage.administer({ method: 'PATCH', path: `/budgets/${id}`, body: { limit: '$0.00001' } })
    assert.equal((await call('changed')).code, 'budget_exceeded')
    assert.equal((await first).end, 'whole')
    assert.deepEqual(await stage.quiet(id, 'changed').then(({ spent, left }) => [spent, left]), [price, 0n])
    await stage.administer({ method: 'PATCH', path: `/budgets/${id}`, body: { limit: '$1' } })
    const second = call('changed', slow)
    await eventually('it holds', async () => (await stage.standing(id, 'changed')).held > 0n)
    await stage.administer({ method: 'DELETE', path: `/budgets/${id}` })
    assert.equal((await second).end, 'whole')
    assert.equal((await call('changed')).status, 200)
  })

  it('that is new counts what was spent before it in its window', async () => {
    for (let n = 0; n < 3; n += 1) assert.equal((await call('late')).status, 200)
    await stage.administer({ path: '/calls?limit=1' }) // they are committed by then
    const id = await budget('late')
    assert.equal((await stage.standing(id, 'late')).spent, 3n * price)
  })

  it('stands as it stood after the configuration is read again, after a stop and after kill -9', async () => {
    const { data } = await stage.administer<{ data: { id: string; name: string }[] }>({ path: '/budgets' })
    const id = data.find(({ name }) => name === 'kept')?.id ?? ''
    const { sluice } = stage
    for (const change of ['reload', 'stop', 'kill'] as const) {
      await call('kept')
      const before = await stage.quiet(id, 'kept')
      if (change === 'reload') {
        const text = await readFile(sluice.configFile, 'utf8')
        await writeFile(sluice.configFile, text.replace('limit: $0.5', 'limit: $0.4'))
        await eventually(
          'it is read again',
          async () => (await stage.standing(id, 'kept')).most === 400_000_000_000n,
        )
      } else {
        if (change === 'kill') {
          await stage.administer({ path: '/calls?limit=1' }) // is committed by then
          await sluice.kill()
        }
        await sluice.restart()
      }
      assert.equal((await stage.standing(id, 'kept')).spent, before.spent, change)
    }
    assert.equal((await stage.standing(id, 'kept')).spent, 3n * price)
  })
})
