import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { ApiError } from './api-error.ts'
import { readRaw, writeRequest } from './raw.ts'
import { readJson, type Stage, setStage, until } from './stage.ts'
import { Timetable } from './timetable.ts'

function read(text: string): Timetable {
  const timetable = Timetable.read(text)
  assert.ok(!(timetable instanceof ApiError), 'the weather can be read')
  return timetable
}

const setWeather = async (stage: Stage, text: string): Promise<Response> =>
  await fetch(`${stage.root}/weather`, { method: 'PUT', body: text })

const statusOf = async (stage: Stage): Promise<number> => {
  const answer = await stage.chat('sim-1?tokens=1')
  await answer.text()
  return answer.status
}

test('lets an outage come and go by itself, by its own clock', async t => {
  const stage = await setStage(t)
  assert.equal((await setWeather(stage, 'at=30s&until=150s&fail=503')).status, 200)
  const seen: number[] = []
  for (const ms of [29_999, 1, 119_999, 1]) {
    stage.clock.advance(ms)
    seen.push(await statusOf(stage))
  }
  assert.deepEqual(seen, [200, 503, 503, 200])
})

test('lays one spell over another, and repeats those that come again', () => {
  const timetable = read(
    '# a bad hour\nttft=1s\nat=10s&until=20s&again=60s&fail=429\nat=15s&until=25s&fail=503',
  )
  const at = (ms: number) => timetable.scriptAt(ms)
  assert.equal(at(0), 'ttft=1s')
  assert.equal(at(10_000), 'ttft=1s&fail=429')
  assert.equal(at(15_000), 'ttft=1s&fail=429&fail=503')
  assert.equal(at(24_999), 'ttft=1s&fail=503')
  assert.equal(at(25_000), 'ttft=1s')
  assert.equal(at(70_000), 'ttft=1s&fail=429')
  assert.equal(at(80_000), 'ttft=1s')
})

test('knows when its door turns, once or again and again', () => {
  const once = read('at=10s&until=20s&door=shut')
  assert.deepEqual([once.doorAt(9999), once.doorAt(10_000), once.doorAt(20_000)], ['open', 'shut', 'open'])
  assert.deepEqual(
    [once.nextDoorMs(0), once.nextDoorMs(10_000), once.nextDoorMs(20_000)],
    [10_000, 20_000, undefined],
  )
  const again = read('at=10s&until=20s&again=30s&door=reset')
  const turns: number[] = []
  for (let at = 0; turns.length < 5; turns.push(at)) at = again.nextDoorMs(at)!
  assert.deepEqual(turns, [10_000, 20_000, 40_000, 50_000, 70_000])
})

test('says what is wrong with a line, and keeps the weather as it was', async t => {
  const stage = await setStage(t)
  await setWeather(stage, 'fail=503')
  const wrong = [
    'at=soon',
    'at=2s&until=1s',
    'until=9s&again=3s',
    'door=ajar',
    'door=shut',
    'tokens=1\nfail=no',
  ]
  for (const text of wrong) {
    const answer = await setWeather(stage, text)
    assert.equal(answer.status, 400, text)
    assert.equal((await readJson(answer)).error.code, 'invalid_script')
  }
  assert.equal((await stage.chat('sim-1?at=1s')).status, 400, 'a model has no timetable')
  assert.equal(await statusOf(stage), 503)
})

test('tells what was set, and what holds now', async t => {
  const stage = await setStage(t)
  await setWeather(stage, 'at=1s&until=2s&fail=503')
  stage.clock.advance(1500)
  const { script, elapsed_ms, now } = await readJson(fetch(`${stage.root}/weather`))
  assert.deepEqual([script, elapsed_ms, now], ['at=1s&until=2s&fail=503', 1500, 'fail=503'])
})

const connected = async (stage: Stage): Promise<'in' | string> => {
  const socket = connect({ port: Number(new URL(stage.url).port), host: '127.0.0.1' })
  return await new Promise(resolve => {
    socket.once('connect', () => resolve('in'))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
  }).then(said => {
    socket.destroy()
    return String(said)
  })
}

test('shuts its door: the system refuses connections; opens it again; who was inside is served', async t => {
  const stage = await setStage(t)
  const inside = readRaw(writeRequest(stage, 'chat', 'ttft=5s&tokens=1'))
  await until(() => stage.bill.totals().running === 1)
  await setWeather(stage, 'until=10s&door=shut')
  assert.equal(await connected(stage), 'ECONNREFUSED')
  stage.clock.advance(5000)
  assert.match((await inside).body, /\[DONE\]/)
  stage.clock.advance(5000)
  assert.equal(await connected(stage), 'in')
  assert.equal(await statusOf(stage), 200)
})

test('resets new connections, or closes them at their first bytes', async t => {
  const stage = await setStage(t)
  await setWeather(stage, 'until=10s&door=reset\nat=10s&until=20s&door=cut')
  assert.equal((await readRaw(writeRequest(stage, 'chat', ''))).bytes.length, 0)
  stage.clock.advance(10_000)
  const cut = await readRaw(writeRequest(stage, 'chat', ''))
  assert.equal(cut.bytes.length, 0)
  stage.clock.advance(10_000)
  assert.equal(await statusOf(stage), 200)
  assert.equal(stage.bill.totals().requests, 1)
})

test('accepts a connection and leaves it alone', async t => {
  const stage = await setStage(t)
  await setWeather(stage, 'until=10s&door=silent')
  const socket = writeRequest(stage, 'chat', 'tokens=1')
  await new Promise(resolve => socket.once('connect', resolve))
  stage.clock.advance(10_000)
  assert.equal(await statusOf(stage), 200) // a round trip later
  assert.equal(socket.bytesRead, 0)
  assert.equal(stage.bill.totals().requests, 1)
  socket.destroy()
})
