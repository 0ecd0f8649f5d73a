import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { framesOf, readJson, setStage, until } from './stage.ts'

test('keeps to the time to the first token and to the pace', async t => {
  const stage = await setStage(t)
  const asked = stage.chat('sim-1?ttft=200ms&pace=20ms&tokens=4', { stream: true })
  await stage.clock.awaited()
  assert.equal(stage.bill.totals().output_tokens, 0)
  stage.clock.advance(200)
  const answer = await asked
  for (const produced of [1, 2, 3]) {
    await stage.clock.awaited()
    assert.equal(stage.bill.totals().output_tokens, produced)
    stage.clock.advance(20)
  }
  assert.equal(framesOf(await answer.text()).length, 1 + 4 + 1 + 1)
})

test('takes as long for a plain answer as for its stream, and bills a hang-up for what was made by then', async t => {
  const stage = await setStage(t)
  const patience = new AbortController()
  const asked = fetch(`${stage.url}/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({
      model: 'sim-1?ttft=1s&pace=100ms&tokens=40&reasoning=7',
      messages: [{ role: 'user', content: 'hi' }],
    }),
    signal: patience.signal,
  })
  await stage.clock.awaited()
  stage.clock.advance(1000)
  await stage.clock.awaited()
  stage.clock.advance(250)
  patience.abort()
  await assert.rejects(asked)
  await until(() => stage.bill.totals().cut === 1)
  assert.equal(stage.bill.totals().output_tokens, 7 + 3)
  assert.equal(stage.bill.totals().reasoning_tokens, 7)
})

test('produces no faster than the client reads', async t => {
  const stage = await setStage(t)
  const tokens = 100_000 // some 20 MB as a stream, more than the system buffers for a reader that does not read
  const answer = await stage.chat(`sim-1?tokens=${tokens}`, { stream: true })
  const reader = answer.body!.getReader()
  await reader.read()
  const produced = (): number => stage.bill.totals().output_tokens
  for (let before = -1; before !== produced(); ) {
    before = produced()
    await new Promise(resolve => setTimeout(resolve, 100)) // long enough for the buffers to fill; not a limit
  }
  assert.ok(produced() < tokens / 2, `only what fits the buffers, got ${produced()}`)
  await reader.cancel()
  await until(() => stage.bill.totals().cut === 1)
})

test('sends the recorded headers, on good answers and bad ones', async t => {
  const stage = await setStage(t)
  for (const script of ['tokens=1', 'fail=500']) {
    const { headers } = await stage.chat(`sim-1?${script}`)
    assert.match(headers.get('x-request-id') ?? '', /^req_[0-9a-f]{32}$/)
    assert.match(headers.get('openai-processing-ms') ?? '', /^\d+$/)
    assert.equal(headers.get('openai-version'), '2020-10-01')
    for (const kind of ['requests', 'tokens']) {
      assert.match(headers.get(`x-ratelimit-remaining-${kind}`) ?? '', /^\d+$/)
      assert.match(headers.get(`x-ratelimit-reset-${kind}`) ?? '', /^(\d+m)?[\d.]+m?s$/)
    }
  }
})

test('shows its bill over HTTP: page by page, as totals, and anew after a reset', async t => {
  const stage = await setStage(t, 'abc')
  const bill = async (query = '') => await readJson(fetch(`${stage.root}/bill${query}`))
  const { id } = await readJson(stage.chat('sim-1?tokens=3', {}, { 'x-sim-request': 'first' }))
  await readJson(stage.chat('sim-1?tokens=4', { metadata: { sim_request: 'second' } }))
  const whole = await bill()
  assert.deepEqual([whole.object, whole.seed, whole.has_more, whole.dropped], ['bill', 'abc', false, 0])
  assert.equal(whole.requests[0].id, id)
  assert.deepEqual(
    whole.requests.map((line: { tag: string }) => line.tag),
    ['first', 'second'],
  )
  const page = await bill('?after=0&limit=1')
  assert.deepEqual([page.requests.length, page.has_more], [1, true])
  assert.deepEqual(await bill('?totals'), { object: 'bill', seed: 'abc', totals: whole.totals })
  assert.equal((await fetch(`${stage.root}/bill?limit=0`)).status, 400)
  await fetch(`${stage.root}/bill/reset`, { method: 'POST' })
  assert.equal((await bill()).totals.requests, 0)
})

test('does not bill a request whose body never arrived', async t => {
  const stage = await setStage(t)
  const socket = connect(Number(new URL(stage.url).port), '127.0.0.1')
  socket.end('POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"model":')
  await new Promise(resolve => socket.once('close', resolve).resume())
  assert.equal(stage.bill.totals().requests, 0)
})

test('answers an unknown address with 404', async t => {
  const stage = await setStage(t)
  const answer = await stage.post('/completely/else', {})
  assert.equal(answer.status, 404)
  assert.equal((await readJson(answer)).error.code, 'unknown_url')
})
