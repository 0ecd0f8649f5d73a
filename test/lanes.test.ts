import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startSimulator } from './support/simulator.ts'
import { startSluice } from './support/sluice.ts'

const key = 'sk-test-web-0123456789'
const simulator = await startSimulator()
const house = `{ dialect: openai, base_url: "${simulator.url}", api_key: x`
const sluice = await startSluice({
  config: `
providers:
  places: ${house}, limits: { concurrency: 4 } }
  requests: ${house}, limits: { requests_per_minute: 600 } }
  tokens: ${house}, limits: { tokens_per_minute: 60k } }
  models: ${house}, limits: { models: { "sim-1*": { concurrency: 1 } } } }
  one: ${house}, limits: { concurrency: 1, queue: { length: 3 } } }
  alone: ${house}, limits: { concurrency: 1 } }
  unlimited: ${house} }
keys:
  - { name: web, key: ${key}, organization: acme, project: shop }
`,
})

interface Heard {
  status: number
  attempts: string | null
  retryAfter: string | null
  shouldRetry: string | null
  code: string | undefined
}

async function ask(model: string, headers: Record<string, string> = {}): Promise<Heard> {
  const answer = await fetch(`${sluice.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }] }),
  })
  const body = (await answer.json()) as { error?: { code: string } }
  return {
    status: answer.status,
    attempts: answer.headers.get('x-sluice-attempts'),
    retryAfter: answer.headers.get('retry-after'),
    shouldRetry: answer.headers.get('x-should-retry'),
    code: body.error?.code,
  }
}

async function askMany(count: number, model: string): Promise<Heard[]> {
  return await Promise.all(Array.from({ length: count }, () => ask(model)))
}

/** All answered, and none of it at the second attempt: the provider refused nothing. */
function checkSmooth(all: readonly Heard[]): void {
  const seen = all.map(({ status, attempts }) => `${status} ${attempts}`)
  assert.deepEqual([...new Set(seen)], ['200 1'])
}

suite('a provider that takes so much and no more', () => {
  test('never refuses calls that wait for their places', async () => {
    checkSmooth(await askMany(30, 'places/sim-1?concurrency=4&ttft=40ms&tokens=5'))
  })

  test('never refuses requests that come at its rate', async () => {
    checkSmooth(await askMany(65, 'requests/sim-1?limit=600&tokens=5'))
  })

  test('never refuses tokens that come at its rate', async () => {
    checkSmooth(await askMany(20, 'tokens/sim-1?tpm=60000&tokens=200'))
  })

  test('never refuses calls of a model that has limits of its own', async () => {
    checkSmooth(await askMany(8, 'models/sim-1?concurrency=1&ttft=20ms&tokens=5'))
  })

  test('is found out where nobody has said how much it is', async () => {
    const all = await askMany(8, 'unlimited/sim-1?concurrency=2&ttft=50ms&tokens=5&retry_after=1')
    assert.deepEqual([...new Set(all.map(({ status }) => status))], [200])
    assert.ok(all.every(({ attempts }) => Number(attempts) <= 2))
    checkSmooth(await askMany(6, 'unlimited/sim-1?concurrency=2&ttft=50ms&tokens=5&retry_after=1'))
  })
})

suite('calls that do not fit', () => {
  test('are refused, and told when to come back', async () => {
    const all = await askMany(12, 'one/sim-1?concurrency=1&ttft=200ms&tokens=5')
    const served = all.filter(({ status }) => status === 200)
    const refused = all.filter(({ status }) => status !== 200)
    checkSmooth(served)
    assert.equal(served.length, 4)
    for (const { status, code, retryAfter } of refused) {
      assert.deepEqual({ status, code }, { status: 503, code: 'no_target_available' })
      assert.ok(Number(retryAfter) >= 1 && Number(retryAfter) <= 3, String(retryAfter))
    }
  })

  test('wait behind interactive ones if they are batch work', async () => {
    const order: string[] = []
    const note = (what: string) => (): number => order.push(what)
    const model = 'alone/sim-1?ttft=100ms&tokens=5'
    const first = ask(model)
    const batch = [1, 2].map(() => ask(model, { 'x-sluice-class': 'batch' }).then(note('batch')))
    const interactive = [1, 2].map(() => ask(model).then(note('interactive')))
    await Promise.all([first, ...batch, ...interactive])
    assert.equal(order.at(-1), 'batch')
    assert.equal(order.filter(one => one === 'interactive').length, 2)
  })
})
