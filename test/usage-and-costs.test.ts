import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import OpenAI from 'openai'
import { parseUsd } from '#exchange'
import { type Sluice, startSluice } from './support/sluice.ts'

const config = `
providers: { sim: {} }
prices: { sim/*: { input: 1, output: 2 } }
markup: { "*": "1.5" }
budgets: [{ name: acme, per: organization, limit: $100, every: total }]
keys:
  - { name: web, key: sk-web-of-the-test, organization: acme, project: shop }
  - { name: app, key: sk-app-of-the-test, organization: globex, project: app }
`

interface Answer {
  data: Record<string, unknown>[]
  total: Record<string, unknown>
}

describe('what calls cost', () => {
  let sluice: Sluice
  let usage: OpenAI.Completions.CompletionUsage
  let callId: string
  const admin = async (path: string, body?: object, key = sluice.adminKey): Promise<Response> =>
    await fetch(`${sluice.url}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })

  const read = async (path: string, key?: string): Promise<Answer> =>
    (await (await admin(path, undefined, key)).json()) as Answer

  const spentOfBudget = async (): Promise<bigint> => {
    const answer = await admin('/sluice/v1/budgets')
    const { data } = (await answer.json()) as {
      data: { counters: { data: { subject: string; spent: string }[] } }[]
    }
    return parseUsd(data[0]?.counters.data.find(({ subject }) => subject === 'acme')?.spent ?? '0')
  }

  before(async () => {
    sluice = await startSluice({ config })
    const web = new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: 'sk-web-of-the-test', maxRetries: 0 })
    const { data, response } = await web.chat.completions
      .create(
        { model: 'sim/sim-1', messages: [{ role: 'user', content: 'Hello' }], user: 'u-1' },
        { headers: { 'x-sluice-tags': 'a,b' } },
      )
      .withResponse()
    usage = data.usage ?? assert.fail('no usage')
    callId = response.headers.get('x-sluice-call') ?? ''
  })

  const costPicoUsd = (): bigint =>
    BigInt(usage.prompt_tokens) * 1_000_000n + BigInt(usage.completion_tokens) * 2_000_000n
  const dollars = (picoUsd: bigint): string => (Number(picoUsd) / 1e12).toFixed(12).replace(/\.?0+$/, '')

  it('is in the costs once the answer is there, with what the tenant is charged', async () => {
    const answer = await read('/sluice/v1/costs?group_by=organization,user,tag')
    const cost = dollars(costPicoUsd())
    assert.deepEqual(
      answer.data.map(row => [row.organization, row.user, row.tag, row.cost_usd]),
      [
        ['acme', 'u-1', 'a', cost],
        ['acme', 'u-1', 'b', cost],
      ],
    )
    assert.equal(answer.total.cost_usd, cost)
    assert.equal(answer.total.charge_usd, dollars((costPicoUsd() * 3n) / 2n))
  })

  it('is read by an SDK as usage and costs of OpenAI', async () => {
    const client = new OpenAI({ baseURL: `${sluice.url}/v1`, adminAPIKey: sluice.adminKey, maxRetries: 0 })
    const start_time = Math.floor(Date.now() / 1000) - 86_400
    const { usage: shown } = client.admin.organization
    const { data } = await shown.completions({ start_time, group_by: ['project_id', 'model'], limit: 2 })
    const results = data.flatMap(bucket => bucket.results)
    const [result] = results
    assert.equal(results.length, 1)
    assert.ok(result?.object === 'organization.usage.completions.result')
    assert.deepEqual(
      [result.project_id, result.model, result.input_tokens, result.num_model_requests],
      ['acme/shop', 'sim/sim-1', usage.prompt_tokens, 1],
    )
    const costs = await shown.costs({ start_time, limit: 2 })
    const [cost] = costs.data.flatMap(bucket => bucket.results)
    assert.ok(cost?.object === 'organization.costs.result')
    assert.equal(cost.amount?.value, Number(costPicoUsd()) / 1e12)
  })

  it('is nobody else’s to see', async () => {
    const own = await read('/sluice/v1/costs', 'sk-app-of-the-test')
    assert.equal(own.total.attempts, 0)
    const paths = [
      '/sluice/v1/costs?organization=acme',
      '/sluice/v1/usage?organization=acme',
      '/sluice/v1/ledger',
    ]
    for (const path of [...paths, '/sluice/v1/ledger/export', '/v1/organization/costs?start_time=0'])
      assert.equal((await admin(path, undefined, 'sk-app-of-the-test')).status, 403, path)
  })

  it('is exported as CSV, with a line of names', async () => {
    const response = await admin('/sluice/v1/ledger/export?format=csv')
    assert.match(response.headers.get('content-type') ?? '', /^text\/csv/)
    assert.match(await response.text(), /^seq,call_id,attempt,/)
  })

  it('is corrected by an entry, and outlives a crash', async () => {
    const body = { id: 'credit-1', call: callId, attempt: 1, amount_usd: '-0.000001', reason: 'credit note' }
    const before = await spentOfBudget()
    assert.equal((await admin('/sluice/v1/ledger/adjustments', body)).status, 200)
    assert.equal(before - (await spentOfBudget()), 1_000_000n, 'the budget has it again')
    await sluice.kill()
    await sluice.restart()
    assert.equal(before - (await spentOfBudget()), 1_000_000n)
    assert.equal((await admin('/sluice/v1/ledger/adjustments', body)).status, 200)
    const { data } = await read(`/sluice/v1/ledger?call=${callId}`)
    assert.deepEqual(
      data.map(({ kind }) => kind),
      ['adjust', 'post', 'hold'],
    )
    const { total } = await read('/sluice/v1/costs')
    assert.equal(total.cost_usd, dollars(costPicoUsd() - 1_000_000n))
  })
})
