import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readJson, type Stage, setStage, until } from './stage.ts'

const anthropic = { 'anthropic-version': '2023-06-01' }
const messages = [{ role: 'user', content: 'hi' }]

const asMessages = async (stage: Stage, script: string): Promise<Response> =>
  await stage.post(`/messages`, { model: `sim-1?${script}`, max_tokens: 100, messages }, anthropic)

const asGemini = async (stage: Stage, script: string): Promise<Response> =>
  await fetch(`${stage.root}/v1beta/models/sim-1:generateContent`, {
    method: 'POST',
    headers: { 'x-sim-script': script },
    body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'hi' }] }] }),
  })

test('tells each vendor’s own words for money, a blocked prompt and too long a prompt', async t => {
  const stage = await setStage(t)
  const openai = async (fail: string) => await readJson(stage.chat(`sim-1?fail=${fail}`))
  for (const [fail, code] of [
    ['credit', 'credit_balance_exhausted'],
    ['spend-limit', 'organization_spend_limit_exceeded'],
    ['own-limit', 'project_spend_limit_exceeded'],
    ['usage-limit', 'organization_usage_limit_exceeded'],
  ] as const) {
    const { error } = await openai(fail)
    assert.deepEqual([error.type, error.code], ['insufficient_quota', code])
  }
  const azure = (await openai('azure-filter')).error
  assert.equal(azure.innererror.code, 'ResponsibleAIPolicyViolation')
  assert.equal(azure.innererror.content_filter_result.violence.filtered, true)

  for (const [fail, status, type, details] of [
    ['spend-limit', 429, 'rate_limit_error', { error_code: 'enforced_spend_limit_reached' }],
    ['own-limit', 400, 'invalid_request_error', undefined],
    ['credit', 400, 'invalid_request_error', undefined],
    ['billing', 402, 'billing_error', undefined],
    ['context', 400, 'invalid_request_error', undefined],
  ] as const) {
    const answer = await asMessages(stage, `fail=${fail}`)
    assert.equal(answer.status, status, fail)
    assert.equal(answer.headers.get('retry-after'), null)
    const { error } = await readJson(answer)
    assert.deepEqual([error.type, error.details], [type, details])
  }

  const quotas: string[] = []
  for (const fail of ['429', 'daily', 'quota', 'credit']) {
    const { error } = await readJson(asGemini(stage, `fail=${fail}`))
    assert.equal(error.status, 'RESOURCE_EXHAUSTED')
    quotas.push(error.details[0].violations[0].quotaId.match(/Per(Minute|Day)/)[1])
  }
  assert.deepEqual(quotas, ['Minute', 'Day', 'Day', 'Day'])
  const blocked = await readJson(asGemini(stage, 'refusal'))
  assert.equal(blocked.promptFeedback.blockReason, 'PROHIBITED_CONTENT')
})

test('tells when to come back in every form: a date, the past, much too late, milliseconds, vendor headers', async t => {
  const stage = await setStage(t)
  const said = async (script: string, header = 'retry-after') =>
    (await stage.chat(`sim-1?fail=429&${script}`)).headers.get(header)
  assert.equal(await said('retry_after=date:30s'), 'Sat, 14 Mar 2026 00:00:30 GMT')
  assert.equal(await said('retry_after=date:-30s'), 'Fri, 13 Mar 2026 23:59:30 GMT')
  assert.equal(await said('retry_after=-5'), '-5')
  assert.equal(await said('retry_after=99999999999'), '99999999999')
  assert.equal(await said('retry_after_ms=1500', 'retry-after-ms'), '1500')
  assert.equal(await said('should_retry=false', 'x-should-retry'), 'false')
  assert.equal(await said('retry_after=none&reset=6m', 'x-ratelimit-reset-requests'), '6m0s')
  assert.equal(await said('retry_after=none&reset=6m', 'x-ratelimit-remaining-requests'), '0')
  assert.equal(await said('retry_after=none&reset=6m'), null)
  const { headers } = await asMessages(stage, 'fail=429&retry_after=none&reset=6m')
  assert.equal(headers.get('anthropic-ratelimit-requests-reset'), '2026-03-14T00:06:00Z')
})

test('limits tokens per minute, on good answers and bad ones, in each vendor’s headers', async t => {
  const stage = await setStage(t)
  const ask = async () => await stage.chat('sim-1?tpm=100&tokens=50')
  const good = await ask()
  const { usage } = await readJson(good)
  const left = 100 - usage.total_tokens
  assert.equal(good.headers.get('x-ratelimit-limit-tokens'), '100')
  assert.equal(good.headers.get('x-ratelimit-remaining-tokens'), String(left))
  const refused = await ask()
  assert.equal(refused.status, 429)
  const waitS = Number(refused.headers.get('retry-after'))
  assert.equal(waitS, Math.ceil(((usage.total_tokens - left) * 60) / 100))
  assert.deepEqual((await readJson(refused)).error.type, 'tokens')
  stage.clock.advance(waitS * 1000)
  assert.equal((await ask()).status, 200)
  const large = await stage.chat('sim-1?tpm=100&tokens=200')
  assert.deepEqual([large.status, large.headers.get('retry-after')], [429, null])
  assert.deepEqual(
    stage.bill.lines().map(line => line.failure),
    [null, 'tpm', null, 'tpm'],
  )
  const told = (await asMessages(stage, 'tpm=100&tokens=10')).headers
  assert.equal(told.get('anthropic-ratelimit-tokens-limit'), '100')
  assert.notEqual(
    told.get('anthropic-ratelimit-tokens-reset'),
    told.get('anthropic-ratelimit-requests-reset'),
  )
})

test('refuses more than so many requests at once, and counts those that left', async t => {
  const stage = await setStage(t)
  const patience = new AbortController()
  const model = 'sim-1?concurrency=2&ttft=10s&tokens=1'
  const body = JSON.stringify({ model, messages })
  const ask = (signal?: AbortSignal) =>
    fetch(`${stage.url}/chat/completions`, { method: 'POST', body, signal: signal ?? null })
  const leaving = assert.rejects(ask(patience.signal))
  const staying = ask()
  await until(() => stage.bill.totals().running === 2)
  const refused = await ask()
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '1'])
  patience.abort()
  await leaving
  await until(() => stage.bill.totals().cut === 1)
  const another = ask()
  await until(() => stage.bill.totals().running === 2)
  stage.clock.advance(10_000)
  assert.deepEqual([(await staying).status, (await another).status], [200, 200])
  assert.equal(stage.bill.totals().most_running, 3)
})

test('lets those beyond its slots wait in line, in the order of coming, and forgets who left it', async t => {
  const stage = await setStage(t)
  const ended: number[] = []
  const patience = new AbortController()
  const ask = async (n: number, signal?: AbortSignal): Promise<void> => {
    const before = stage.bill.totals().requests
    const asked = fetch(`${stage.url}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'sim-1?slots=1&ttft=1s&tokens=1', messages }),
      signal: signal ?? null,
    }).then(async answer => {
      await answer.text()
      ended.push(n)
    })
    asked.catch(() => ended.push(-n))
    await until(() => stage.bill.totals().requests === before + 1)
  }
  await ask(1)
  await ask(2, patience.signal)
  await ask(3)
  await ask(4)
  patience.abort()
  await until(() => stage.bill.totals().cut === 1)
  for (const done of [2, 3, 4]) {
    await stage.clock.awaited()
    stage.clock.advance(1000)
    await until(() => ended.length === done)
  }
  assert.deepEqual(ended, [-2, 1, 3, 4])
  const [first, , third, fourth] = stage.bill.lines()
  assert.deepEqual(
    [first, third, fourth].map(line => line!.ended_at! - line!.at),
    [1000, 2000, 3000],
  )
})
