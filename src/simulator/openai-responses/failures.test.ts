import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failures } from '../failures.ts'
import { readJson, type Stage, setStage, until } from '../stage.ts'
import { readEvents } from './event-lines.ts'

const ask = async (stage: Stage, model: string, stream = false) =>
  await stage.post('/responses', { model, input: 'Tell me about lighthouses.', stream })

test('answers with each error status in the OpenAI shape, with its headers, at no cost', async t => {
  const stage = await setStage(t)
  const errors = [...failures.values()].filter(failure => failure.kind === 'error')
  for (const { name, status, code, retryAfter } of errors) {
    const answer = await ask(stage, `sim-1?fail=${name}`, true)
    assert.equal(answer.status, status)
    assert.equal(answer.headers.get('retry-after'), retryAfter ?? null)
    assert.match(answer.headers.get('x-ratelimit-remaining-requests') ?? '', /^\d+$/)
    const { error } = await readJson(answer)
    const azures = name === 'azure-filter' ? ['status', 'innererror'] : []
    assert.deepEqual(Object.keys(error), ['message', 'type', 'param', 'code', ...azures])
    assert.equal(error.code, code)
  }
  const { refused, input_tokens } = stage.bill.totals()
  assert.deepEqual([refused, input_tokens], [errors.length, 0])
})

test('limits requests per minute, and tells how many are left', async t => {
  const stage = await setStage(t)
  const first = await ask(stage, 'sim-1?limit=1&tokens=1')
  assert.equal(first.headers.get('x-ratelimit-limit-requests'), '1')
  assert.equal(first.headers.get('x-ratelimit-remaining-requests'), '0')
  assert.equal((await ask(stage, 'sim-1?limit=1&tokens=1')).status, 429)
})

test('tells an error in the middle, in both forms, then fails; numbers stay without a gap', async t => {
  const stage = await setStage(t)
  for (const after of [0, 1, 3, 8]) {
    const model = `sim-1?fail=stream-error&tokens=8&after=${after}`
    const events = readEvents(await (await ask(stage, model, true)).text())
    assert.deepEqual(
      events.map(event => event.data.sequence_number),
      events.map((_, index) => index),
    )
    const deltas = events.filter(event => event.name === 'response.output_text.delta')
    assert.equal(deltas.length, after)
    const [error, failed] = events.slice(-2)
    assert.deepEqual([error?.name, failed?.name], ['error', 'response.failed'])
    assert.equal(error?.data.code, 'server_error')
    assert.deepEqual(Object.keys(error?.data.error), ['type', 'code', 'message', 'param'])
    const { id, status, error: told } = failed?.data.response ?? {}
    assert.deepEqual([status, told.code], ['failed', 'server_error'])
    const kept = await readJson(fetch(`${stage.url}/responses/${id}`))
    assert.deepEqual(kept, failed?.data.response)
  }
  const { cut, output_tokens } = stage.bill.totals()
  assert.deepEqual([cut, output_tokens], [4, 0 + 1 + 3 + 8])
})

test('breaks a stream off without its end: closed, ended clean, with its JSON cut off', async t => {
  const stage = await setStage(t)
  const told = async (fail: string, after: number) =>
    await (await ask(stage, `sim-1?fail=${fail}&after=${after}&tokens=8`, true)).text()
  await assert.rejects(told('cut', 3))
  await assert.rejects(told('reset', 3))
  for (const after of [3, 8]) {
    const events = readEvents(await told('eof', after))
    assert.equal(events.at(-1)?.name, 'response.output_text.delta')
    const { id } = events[0]?.data.response ?? {}
    if (after === 3) assert.equal((await fetch(`${stage.url}/responses/${id}`)).status, 404)
  }
  const cutOff = (await told('truncated-json', 3)).split('\n\n').at(-2) ?? ''
  assert.match(cutOff, /^event: response\.output_text\.delta\n/)
  assert.throws(() => JSON.parse(cutOff.replace(/^.*\ndata: /, '')))
  await until(() => stage.bill.totals().running === 0)
  assert.deepEqual(
    stage.bill.lines().map(line => [line.outcome, line.output_tokens]),
    [3, 3, 3, 8, 3].map(tokens => ['cut', tokens]),
  )
})

test('has no end mark to forget: the last event is the end', async t => {
  const stage = await setStage(t)
  for (const fail of ['', '&fail=no-done']) {
    const text = await (await ask(stage, `sim-1?tokens=2${fail}`, true)).text()
    assert.ok(!text.includes('[DONE]'))
    assert.equal(readEvents(text).at(-1)?.name, 'response.completed')
  }
})

test('falls silent in the middle, and goes on', async t => {
  const stage = await setStage(t)
  const answer = await ask(stage, 'sim-1?fail=stall&after=2&for=60s&tokens=6', true)
  await stage.clock.awaited()
  assert.equal(stage.bill.totals().output_tokens, 2)
  stage.clock.advance(60_000)
  assert.equal(readEvents(await answer.text()).at(-1)?.name, 'response.completed')
})

test('keeps to the pace, reasoning that is shown included, and tells when it was completed', async t => {
  const stage = await setStage(t)
  const asked = stage.post('/responses', {
    model: 'sim-1?ttft=2s&pace=1s&tokens=2&reasoning=2',
    input: 'hi',
    reasoning: { summary: 'auto' },
    stream: true,
  })
  await stage.clock.awaited()
  stage.clock.advance(2000)
  const answer = await asked
  for (const produced of [1, 2, 3]) {
    await stage.clock.awaited()
    assert.equal(stage.bill.totals().output_tokens, produced)
    stage.clock.advance(1000)
  }
  const { created_at, completed_at } = readEvents(await answer.text()).at(-1)?.data.response ?? {}
  assert.equal(completed_at - created_at, 5)
})

test('sends something that is no answer, as with every dialect', async t => {
  const stage = await setStage(t)
  assert.match(await (await ask(stage, 'sim-1?fail=html', true)).text(), /<!DOCTYPE html>/)
  assert.equal(await (await ask(stage, 'sim-1?fail=empty')).text(), '')
  assert.equal((await ask(stage, 'sim-1?fail=redirect')).status, 302)
  assert.equal((await readJson(ask(stage, 'sim-1?fail=stream-error'))).error.code, 'server_error')
  const truncated = await (await ask(stage, 'sim-1?fail=truncated-json')).text()
  assert.throws(() => JSON.parse(truncated))
})
