import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { callOnRecord } from './support/call-log.ts'
import { wholeAnswer } from './support/chat-bytes.ts'
import { eventually } from './support/eventually.ts'
import { startSluice } from './support/sluice.ts'
import { startUpstream } from './support/upstream.ts'

const key = 'sk-test-web-0123456789'
const json = { 'content-type': 'application/json' }

/** Answers by the model that is asked for, and by the key that is shown. */
const upstream = await startUpstream(({ body, headers }, response) => {
  const { model } = JSON.parse(body) as { model: string }
  const status = headers.authorization === 'Bearer wrong' ? 401 : model === 'down' ? 503 : 200
  response.writeHead(status, json).end(status === 200 ? wholeAnswer : '{"error":{"message":"no"}}')
})
const seen = (model: string): number =>
  upstream.requests.filter(({ body }) => (JSON.parse(body) as { model: string }).model === model).length

const configOf = (apiKey: string, connections = 100): string => `
providers:
  up: { dialect: openai, base_url: "${upstream.url}", api_key: k, retries: 0, breaker: { cooldown: 1h, longest_cooldown: 1h } }
  locked: { dialect: openai, base_url: "${upstream.url}", api_key: ${apiKey}, retries: 0 }
  third: { dialect: openai, base_url: "${upstream.url}", api_key: k, connections: ${connections} }
models:
  both: { targets: [up/down, up/fine] }
  shared: { balance: [{ use: up/down, weight: 1 }, { use: up/shared, weight: 1 }] }
keys:
  - { name: web, key: ${key}, organization: acme, project: shop }
`
const sluice = await startSluice({ config: configOf('wrong') })

async function ask(model: string): Promise<Response> {
  const answer = await fetch(`${sluice.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { ...json, authorization: `Bearer ${key}` },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }] }),
  })
  await answer.arrayBuffer()
  return answer
}

async function reload(config: string, times: number): Promise<void> {
  await writeFile(sluice.configFile, config)
  await eventually(
    'the configuration is reloaded',
    () => sluice.stderr().split('was reloaded').length > times,
  )
}

suite('a model that is down', () => {
  test('is asked five times; after that callers are refused at once, and told when to come back', async () => {
    for (let n = 0; n < 5; n++) assert.equal((await ask('up/down')).status, 503)
    const refused = await ask('up/down')
    assert.equal(refused.status, 503)
    assert.equal(refused.headers.get('x-sluice-attempts'), '0')
    assert.ok(Number(refused.headers.get('retry-after')) >= 1)
    assert.equal(seen('down'), 5)
    const call = await callOnRecord(sluice, refused.headers.get('x-sluice-call'))
    assert.equal(call.code, 'no_target_available')
    assert.deepEqual(call.attempts, [])
    assert.equal(call.cost.state, 'free')
  })

  test('is passed over for a fallback, and no other model of its provider suffers', async () => {
    const answer = await ask('both')
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('x-sluice-attempts'), '1')
    assert.equal(answer.headers.get('x-sluice-degraded'), 'fallback; target=up/fine; because=breaker_open')
    assert.equal(seen('down'), 5)
  })

  test('has its share of the calls taken by the others, which is no degraded answer', async () => {
    for (let n = 0; n < 8; n++) {
      const answer = await ask('shared')
      assert.equal(answer.status, 200)
      assert.equal(answer.headers.get('x-sluice-degraded'), null)
    }
    assert.equal(seen('shared'), 8)
    assert.equal(seen('down'), 5)
  })

  test('stays so over a configuration that changes another provider', async () => {
    await reload(configOf('wrong', 50), 1)
    await ask('up/down')
    assert.equal(seen('down'), 5)
  })
})

test('a refused credential closes all models of its provider, until it is another one', async () => {
  for (let n = 0; n < 3; n++) assert.equal((await ask(`locked/a${n}`)).status, 502)
  const refused = await ask('locked/fourth')
  assert.equal(refused.status, 503)
  assert.equal(
    refused.headers.get('x-should-retry'),
    'false',
    'no SDK sleeps for what only an operator can mend',
  )
  const { code, skips } = await callOnRecord(sluice, refused.headers.get('x-sluice-call'))
  assert.deepEqual(
    [code, skips],
    ['no_target_available', [{ target: 'locked/fourth', reason: 'credential_refused' }]],
  )
  assert.equal(seen('fourth'), 0)
  await reload(configOf('right', 50), 2)
  assert.equal((await ask('locked/fourth')).status, 200)
})
