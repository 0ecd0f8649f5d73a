import assert from 'node:assert/strict'
import { test } from 'node:test'
import { framesOf, readJson, setStage, until } from './stage.ts'

test('answers with each error status in the OpenAI shape, at no cost', async t => {
  const stage = await setStage(t)
  const expected: [string, number, string | null][] = [
    ['401', 401, 'invalid_api_key'],
    ['404', 404, 'model_not_found'],
    ['429', 429, 'rate_limit_exceeded'],
    ['quota', 429, 'insufficient_quota'],
    ['slow-down', 429, 'slow_down'],
    ['context', 400, 'context_length_exceeded'],
    ['500', 500, 'server_error'],
    ['503', 503, 'server_is_overloaded'],
    ['529', 529, 'overloaded_error'],
    ['418', 418, null],
  ]
  for (const [name, status, code] of expected) {
    const answer = await stage.chat(`sim-1?fail=${name}`)
    assert.equal(answer.status, status)
    const { error } = await readJson(answer)
    assert.deepEqual(Object.keys(error), ['message', 'type', 'param', 'code'])
    assert.equal(error.code, code)
  }
  const { requests, refused, input_tokens } = stage.bill.totals()
  assert.deepEqual([requests, refused, input_tokens], [expected.length, expected.length, 0])
  assert.equal(stage.bill.lines()[3]?.failure, 'quota')
})

test('says when to come back, as scripted', async t => {
  const stage = await setStage(t)
  const retryAfter = async (script: string) =>
    (await stage.chat(`sim-1?${script}`)).headers.get('retry-after')
  assert.equal(await retryAfter('fail=429'), '1')
  assert.equal(await retryAfter('fail=429&retry_after=7'), '7')
  assert.equal(await retryAfter('fail=503&retry_after=1500ms'), '2')
  assert.equal(await retryAfter('fail=429&retry_after=none'), null)
  assert.equal(await retryAfter('fail=quota'), null)
  assert.equal(await retryAfter('fail=429&retry_after=-1'), '-1')
  const date = 'Wed, 21 Oct 2026 07:28:00 GMT'
  assert.equal(await retryAfter(`fail=429&retry_after=${encodeURIComponent(date)}`), date)
})

test('limits requests per minute, tells how many are left, and lets go when time passes', async t => {
  const stage = await setStage(t)
  const ask = async () => await stage.chat('sim-1?limit=2&tokens=1')
  const first = await ask()
  assert.equal(first.headers.get('x-ratelimit-limit-requests'), '2')
  assert.equal(first.headers.get('x-ratelimit-remaining-requests'), '1')
  await ask()
  const refused = await ask()
  assert.equal(refused.status, 429)
  assert.equal(refused.headers.get('retry-after'), '30')
  assert.equal(refused.headers.get('x-ratelimit-reset-requests'), '1m0s')
  stage.clock.advance(30_000)
  assert.equal((await ask()).status, 200)
})

test('resets the connection before the first byte', async t => {
  const stage = await setStage(t)
  await assert.rejects(stage.chat('sim-1?fail=reset'))
  await until(() => stage.bill.totals().cut === 1)
  assert.equal(stage.bill.lines()[0]?.status, 0)
  assert.equal(stage.bill.lines()[0]?.output_tokens, 0)
})

test('never answers a request that hangs, and notices when the client gives up', async t => {
  const stage = await setStage(t)
  const patience = new AbortController()
  const messages = [{ role: 'user', content: 'hi' }]
  const asked = fetch(`${stage.url}/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'sim-1?fail=hang', messages }),
    signal: patience.signal,
  })
  await until(() => stage.bill.totals().running === 1)
  patience.abort()
  await assert.rejects(asked)
  await until(() => stage.bill.totals().cut === 1)
})

test('answers late, in full', async t => {
  const stage = await setStage(t)
  const asked = stage.chat('sim-1?fail=slow&for=45s&ttft=5s&tokens=4')
  await stage.clock.awaited()
  stage.clock.advance(49_999)
  assert.equal(stage.bill.totals().running, 1)
  stage.clock.advance(1)
  assert.equal((await readJson(asked)).usage.completion_tokens, 4)
})

test('falls silent in the middle of a stream, and goes on after the given time', async t => {
  const stage = await setStage(t)
  const answer = await stage.chat('sim-1?fail=stall&after=2&for=60s&tokens=6', { stream: true })
  await stage.clock.awaited()
  assert.equal(stage.bill.totals().output_tokens, 2)
  stage.clock.advance(60_000)
  assert.equal(framesOf(await answer.text()).length, 1 + 6 + 1 + 1)
  assert.equal(stage.bill.lines()[0]?.outcome, 'ended')
})

test('breaks a stream off: closed, clean end, cut JSON, error inside; what was produced is billed', async t => {
  const stage = await setStage(t)
  const ask = async (fail: string) =>
    await stage.chat(`sim-1?fail=${fail}&after=3&tokens=8`, { stream: true })

  const cut = await ask('cut')
  await assert.rejects(cut.text())

  const eof = framesOf(await (await ask('eof')).text())
  assert.equal(eof.length, 1 + 3)

  const broken = framesOf(await (await ask('truncated-json')).text())
  assert.equal(broken.length, 1 + 3 + 1)
  assert.throws(() => JSON.parse(broken.at(-1) ?? ''))

  const failed = framesOf(await (await ask('stream-error')).text())
  assert.deepEqual(Object.keys(JSON.parse(failed.at(-1) ?? '')), ['error'])

  await until(() => stage.bill.totals().cut === 4)
  assert.deepEqual(
    stage.bill.lines().map(line => line.output_tokens),
    [3, 3, 3, 3],
  )
  assert.deepEqual(
    stage.bill.lines().map(line => line.status),
    [200, 200, 200, 200],
  )
})

test('breaks a stream off after its last token, before it is finished', async t => {
  const stage = await setStage(t)
  const frames = framesOf(
    await (await stage.chat('sim-1?fail=eof&after=99&tokens=3', { stream: true })).text(),
  )
  assert.equal(frames.length, 1 + 3)
})

test('forgets the end mark of a stream, and nothing else', async t => {
  const stage = await setStage(t)
  const frames = framesOf(await (await stage.chat('sim-1?fail=no-done&tokens=3', { stream: true })).text())
  assert.equal(JSON.parse(frames.at(-1) ?? '').choices[0].finish_reason, 'stop')
  assert.equal(stage.bill.totals().ended, 1)
})

test('resets the connection in the middle of an answer', async t => {
  const stage = await setStage(t)
  for (const stream of [true, false]) {
    await assert.rejects(async () => await (await stage.chat('sim-1?fail=reset&after=2', { stream })).text())
  }
  await until(() => stage.bill.totals().cut === 2)
})

test('breaks a plain answer off', async t => {
  const stage = await setStage(t)
  const ask = async (fail: string) => await stage.chat(`sim-1?fail=${fail}&tokens=8`)
  await assert.rejects(async () => await (await ask('cut')).text())
  await assert.rejects(async () => await (await ask('eof')).text())
  const truncated = await (await ask('truncated-json')).text()
  assert.throws(() => JSON.parse(truncated))
  await until(() => stage.bill.totals().cut === 3)
  assert.equal(stage.bill.totals().output_tokens, 24)
})

test('sends something that is no answer, as a proxy in front of the model would, at no cost', async t => {
  const stage = await setStage(t)
  const html = await stage.chat('sim-1?fail=html', { stream: true })
  assert.equal(html.status, 200)
  assert.match(await html.text(), /<!DOCTYPE html>/)
  assert.equal(await (await stage.chat('sim-1?fail=empty')).text(), '')
  assert.equal((await stage.chat('sim-1?fail=redirect')).status, 302)
  const told = await stage.chat('sim-1?fail=stream-error')
  assert.equal(told.status, 200)
  assert.equal((await readJson(told)).error.type, 'server_error')
  assert.equal(stage.bill.totals().refused, 4)
  assert.equal(stage.bill.totals().input_tokens, 0)
})
