import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { allDisturbances } from './disturbances.ts'
import { askRaw, asks, readRaw, writeRequest } from './raw.ts'
import { type Stage, setStage, until } from './stage.ts'

const dialects = Object.keys(asks)

/** How each dialect's events look: content, the finish, the end mark, an error, the first frame of all, a ping. */
const marks: Readonly<
  Record<string, Record<'content' | 'finish' | 'done' | 'error' | 'first' | 'ping', RegExp>>
> = {
  chat: {
    content: /"delta":\{"content":"[^"]/,
    finish: /"finish_reason":"stop"/,
    done: /^data: \[DONE\]/,
    error: /^data: \{"error":/,
    first: /"role":"assistant"/,
    ping: /^: keep-alive/,
  },
  responses: {
    content: /^event: response\.output_text\.delta/,
    finish: /^event: response\.completed/,
    done: /^event: response\.completed/,
    error: /^event: error/,
    first: /^event: response\.created/,
    ping: /^: keep-alive/,
  },
  messages: {
    content: /"text_delta"/,
    finish: /^event: message_delta/,
    done: /^event: message_stop/,
    error: /^event: error/,
    first: /^event: message_start/,
    ping: /^event: ping/,
  },
  gemini: {
    content: /"text":"[^"]/,
    finish: /"finishReason":"STOP"/,
    done: /"finishReason":"STOP"/,
    error: /^data: \{"error":/,
    first: /^data: /,
    ping: /^: keep-alive/,
  },
}

const eventsOf = (body: string): string[] => body.split(/\r?\n\r?\n/).filter(event => event !== '')

function payloads(body: string): string[] {
  return eventsOf(body).flatMap(event => event.match(/^data: (.*)$/m)?.[1] ?? [])
}

const isJson = (text: string): boolean => {
  try {
    return text === '[DONE]' || typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}

/** What the last request came to: its outcome and its tokens. */
async function settled(stage: Stage): Promise<[string, number]> {
  await until(() => stage.bill.totals().running === 0)
  const { outcome, output_tokens, ended_at } = stage.bill.lines().at(-1)!
  assert.notEqual(ended_at, null)
  return [outcome, output_tokens]
}

for (const dialect of dialects) {
  const { content, finish, done, error, first, ping } = marks[dialect]!
  const count = (body: string, mark: RegExp): number =>
    eventsOf(body).filter(event => mark.test(event)).length

  test(`${dialect}: tells an error before the first content, of any kind, and after content`, async t => {
    const stage = await setStage(t)
    for (const after of [0, 3]) {
      const { body } = await askRaw(stage, dialect, `fail=stream-error&after=${after}&tokens=6&error=529`)
      assert.equal(count(body, content), after)
      assert.ok(after > 0 || dialect === 'gemini' || count(body, first) > 0, 'it has begun')
      assert.equal(count(body, error), 1)
      assert.match(body, /overloaded/i)
      assert.equal(count(body, finish), 0)
      assert.deepEqual(await settled(stage), ['cut', after])
    }
  })

  test(`${dialect}: answers 200 and then nothing but an error, at no cost`, async t => {
    const stage = await setStage(t)
    const { body, head } = await askRaw(stage, dialect, 'fail=bare-error')
    assert.match(head, /^HTTP\/1\.1 200/)
    assert.match(eventsOf(body)[0] ?? '', error)
    assert.deepEqual(await settled(stage), ['refused', 0])
  })

  test(`${dialect}: breaks off without its end before and after content, by every way to break off`, async t => {
    const stage = await setStage(t)
    const ends = {
      eof: 'closed',
      cut: 'closed',
      reset: 'reset',
      'bad-framing': 'closed',
      'truncated-json': 'closed',
    }
    for (const [fail, end] of Object.entries(ends)) {
      for (const after of [0, 3]) {
        const answer = await askRaw(stage, dialect, `fail=${fail}&after=${after}&tokens=6`)
        assert.equal(count(answer.body, done), 0, `${fail} ${after}`)
        assert.deepEqual(await settled(stage), ['cut', after])
        if (end === 'reset') continue // what was on its way may be lost
        assert.equal(answer.end, end)
        assert.equal(payloads(answer.body).every(isJson), fail !== 'truncated-json', fail)
        const isWhole = answer.bytes.toString('latin1').endsWith('\r\n0\r\n\r\n')
        assert.equal(isWhole, fail === 'eof' || fail === 'truncated-json', fail)
      }
    }
  })

  test(`${dialect}: has an event of broken JSON among good ones`, async t => {
    const stage = await setStage(t)
    const { body } = await askRaw(stage, dialect, 'fail=bad-event&after=2&tokens=6')
    assert.equal(payloads(body).filter(text => !isJson(text)).length, 1)
    assert.equal(count(body, done), 1)
    assert.deepEqual(await settled(stage), ['ended', 6])
  })

  test(`${dialect}: finishes without its end mark; has its end mark without a finish`, async t => {
    const stage = await setStage(t)
    const marked = dialect === 'chat' || dialect === 'messages'
    const unmarked = await askRaw(stage, dialect, 'fail=no-done&tokens=3')
    assert.deepEqual([count(unmarked.body, finish), count(unmarked.body, done)], [1, marked ? 0 : 1])
    assert.deepEqual(await settled(stage), ['ended', 3])
    const early = await askRaw(stage, dialect, 'fail=early-done&after=2&tokens=6')
    assert.deepEqual([count(early.body, finish), count(early.body, done)], [0, marked ? 1 : 0])
    assert.deepEqual(await settled(stage), ['cut', 2])
  })

  test(`${dialect}: mixes its events up, and tells its usage twice, once on the bill`, async t => {
    const stage = await setStage(t)
    const { body } = await askRaw(stage, dialect, 'fail=disorder&tokens=4')
    const events = eventsOf(body)
    const last = events.findLastIndex(event => content.test(event))
    assert.ok(events.findIndex(event => finish.test(event)) < last, 'the finish comes before the last token')
    const early = eventsOf((await askRaw(stage, dialect, 'fail=disorder&after=0&tokens=4')).body)
    const begins = early.findIndex(event => first.test(event))
    assert.ok(dialect === 'gemini' || early.slice(0, begins).some(event => content.test(event)))
    const twice = await askRaw(stage, dialect, 'fail=double-usage&tokens=4')
    assert.equal(count(twice.body, finish), 2)
    assert.deepEqual(await settled(stage), ['ended', 4])
  })

  test(`${dialect}: succeeds with nothing to say`, async t => {
    const stage = await setStage(t)
    const { body } = await askRaw(stage, dialect, 'tokens=0')
    assert.deepEqual([count(body, content), count(body, finish)], [0, 1])
    assert.deepEqual(await settled(stage), ['ended', 0])
  })

  test(`${dialect}: goes on and on until the client leaves, at the client's pace`, async t => {
    const stage = await setStage(t)
    const socket = writeRequest(stage, dialect, 'fail=endless&after=2&tokens=6&pace=1s')
    const reading = readRaw(socket)
    for (let second = 0; second < 20; second += 1) {
      await stage.clock.awaited()
      stage.clock.advance(1000)
    }
    await stage.clock.awaited()
    socket.destroy()
    assert.equal((await settled(stage))[0], 'cut')
    const { body } = await reading
    assert.ok(stage.bill.totals().output_tokens >= 20)
    assert.ok(payloads(body).every(isJson))
    assert.equal(count(body, finish), 0)
  })

  test(`${dialect}: lives without progress: pings in the middle, and before the first content`, async t => {
    const stage = await setStage(t)
    for (const fail of ['stall&after=0', 'stall&after=2', 'slow-body']) {
      const reading = askRaw(stage, dialect, `fail=${fail}&ping=5s&for=40s&tokens=4`)
      for (let pings = 0; pings < 8; pings += 1) {
        await stage.clock.awaited()
        stage.clock.advance(5000)
      }
      const { body } = await reading
      const usual = dialect === 'messages' ? 1 : 0
      assert.equal(count(body, ping) - usual, 7, fail)
      assert.equal(count(body, done), 1)
      assert.deepEqual(await settled(stage), ['ended', 4])
    }
  })

  test(`${dialect}: tells the right thing as the wrong type, and whole where a stream was asked for`, async t => {
    const stage = await setStage(t)
    const wrong = await askRaw(stage, dialect, 'fail=wrong-type&tokens=2')
    assert.match(wrong.head, /^content-type: text\/plain/im)
    assert.equal(count(wrong.body, done), 1)
    const whole = await askRaw(stage, dialect, 'fail=not-streamed&tokens=2')
    assert.match(whole.head, /^content-type: application\/json/im)
    assert.equal(typeof JSON.parse(whole.body), 'object')
    assert.deepEqual(await settled(stage), ['ended', 2])
  })

  test(`${dialect}: leaves usage out, and bills it`, async t => {
    const stage = await setStage(t)
    const { body } = await askRaw(stage, dialect, 'nousage&tokens=5')
    assert.doesNotMatch(body, /"(usage|usageMetadata)":\{/)
    assert.deepEqual(await settled(stage), ['ended', 5])
  })

  test(`${dialect}: sends what is no answer at all, at no cost`, async t => {
    const stage = await setStage(t)
    const script = async (text: string) => await askRaw(stage, dialect, `fail=${text}`)
    assert.match((await script('html')).body, /<!DOCTYPE html>/)
    assert.equal((await script('empty')).body, '')
    assert.match((await script('redirect')).head, /^HTTP\/1\.1 302/)
    const bomb = await script('gzip-bomb&size=8m')
    assert.match(bomb.head, /^content-encoding: gzip/im)
    assert.ok(bomb.bytes.length < 64 * 1024)
    assert.equal(gunzipSync(Buffer.concat(bomb.chunks)).length, 8 * 1024 ** 2)
    assert.ok((await script('big-header')).head.length > 64 * 1024)
    assert.doesNotMatch((await script('garbage')).bytes.toString('latin1'), /^HTTP/)
    await until(() => stage.bill.totals().refused === 6)
    const { input_tokens, output_tokens } = stage.bill.totals()
    assert.deepEqual([input_tokens, output_tokens], [0, 0])
  })
}

test('ends, whatever fails, with a line on the bill that is closed and names the failure', async t => {
  const stage = await setStage(t)
  for (const stream of [true, false]) {
    for (const { name } of allDisturbances.filter(one => !['hang', 'endless', 'stall'].includes(one.name))) {
      const script = `fail=${name}&size=64k&for=0&tokens=4`
      await askRaw(stage, 'chat', script, stream ? {} : { stream, stream_options: undefined })
      await settled(stage)
      assert.equal(stage.bill.lines().at(-1)?.failure, name)
    }
  }
})

test('tells status and headers at once, where only the body is late', async t => {
  const stage = await setStage(t)
  for (const stream of [true, false]) {
    const answer = await stage.chat('sim-1?fail=slow-body&for=20s&tokens=2', { stream })
    assert.equal(answer.status, 200)
    await stage.clock.awaited()
    stage.clock.advance(20_000)
    assert.notEqual(await answer.text(), '')
  }
})
