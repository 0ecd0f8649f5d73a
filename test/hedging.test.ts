import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type Answer, type Attempt, allow, Fault } from '#exchange'
import type { Lanes } from '#providers'
import { doneEvent, finishEvent, roleEvent, streamHead, textEvent, usageEvent } from './support/chat-bytes.ts'
import { settled } from './support/virtual-clock.ts'
import {
  type Asking,
  type AskOptions,
  after,
  answers,
  errs,
  type Line,
  type VirtualAnswer,
  type VirtualAnswers,
  VirtualProviders,
} from './support/virtual-providers.ts'

const provider = (name: string): string =>
  `  ${name}: { dialect: openai, base_url: "http://${name}.test/v1", api_key: k, timeouts: { total: 60s } }`
const config = `
providers:
${provider('one')}
${provider('two')}
${provider('three')}
models:
  plain: { targets: [one/m, two/n] }
  learned: { targets: [one/m, two/n], hedge: { share: 1 } }
  timed: { targets: [one/m, two/n], hedge: { after: 300ms, share: 1 } }
  wide: { targets: [one/m, two/n, three/o], hedge: { after: 300ms, share: 1 } }
  lesser: { targets: [one/m], hedge: { after: 300ms, share: 1 }, degrade: { use: [two/small] } }
  rare: { targets: [one/m, two/n], hedge: { after: 300ms } }
  never: { targets: [one/m, two/n], hedge: { after: 300ms, share: 0 } }
  half: { targets: [one/m, two/n], hedge: { after: 300ms, share: 0.5 } }
`

/** Says who is speaking, and nothing for so long; then its name. */
function slow(ms: number): VirtualAnswer {
  return async line => {
    line.head(200, streamHead)
    line.write(roleEvent)
    await line.wait(ms)
    line.write(textEvent(line.target) + finishEvent + usageEvent + doneEvent)
    line.end()
  }
}

function providersWith(answer: VirtualAnswers, lanes?: Lanes): VirtualProviders {
  return new VirtualProviders({ config, answer, ...(lanes && { lanes }) })
}

/** `end` is `done`, or the code of the fault that it ended with. */
type Told = Record<'text' | 'end', string>

/** Reads an answer to its end. */
async function read({ clock }: VirtualProviders, ended: Answer | Fault): Promise<Told> {
  if (ended instanceof Fault) return { text: '', end: ended.code }
  assert.ok(ended.kind === 'stream', 'it is a stream')
  let text = ''
  const { stream } = ended
  const end = new Promise<string>(resolve =>
    stream.start({
      write(bytes) {
        text += bytes.toString()
        return true
      },
      done: () => resolve('done'),
      fail: ({ code }) => resolve(code),
    }),
  )
  const told = await clock.passUntil(end)
  const said = [...text.matchAll(/"content":"([^"]*)"/g)].map(([, piece]) => piece).join('')
  return { text: said, end: told }
}

async function askAll(
  providers: VirtualProviders,
  options: AskOptions,
): Promise<Asking & Told & { atMs: number }> {
  const fromMs = providers.clock.monotonic()
  const asking = await providers.ask({ stream: true, ...options })
  const atMs = providers.clock.monotonic() - fromMs
  return Object.assign(asking, await read(providers, asking.ended), { atMs })
}

const onRecord = (attempts: readonly Attempt[]): unknown[] =>
  attempts.map(({ target, status, code, lostRace }) => [
    target.provider,
    lostRace ? `${status}, lost` : status,
    code,
  ])
const timesOf = ({ seen }: VirtualProviders): [string, number][] =>
  seen.map(({ target, atMs }) => [target, atMs])
const lineTo = ({ seen }: VirtualProviders, target: string): Line =>
  seen.find(line => line.target === target) ?? assert.fail(`${target} was not asked`)

suite('the second target', () => {
  test('is asked once the first has taken longer than 95 of 100 of its streams', async () => {
    const ms = Array.from({ length: 40 }, (_, n) => 10 * (n + 1))
    const providers = providersWith(line => slow(ms[line.n - 1] ?? 9_999)(line))
    for (const _ of ms) await askAll(providers, { model: 'plain' })
    assert.deepEqual(providers.asked, { 'one/m': 40 })
    await providers.clock.pass(5_000)
    const fromMs = providers.clock.monotonic()
    const { attempts } = await askAll(providers, { model: 'learned' })
    assert.deepEqual(timesOf(providers).slice(-2), [
      ['one/m', fromMs],
      ['two/n', fromMs + 390],
    ])
    assert.equal(attempts.length, 2)
  })

  test('is not asked where nothing is known of the first', async () => {
    const providers = providersWith({ one: slow(5_000) })
    const { text } = await askAll(providers, { model: 'learned' })
    assert.equal(text, 'one/m')
    assert.deepEqual(providers.asked, { 'one/m': 1 })
  })

  test('is asked when the owner said, and not where the first has begun by then', async () => {
    const late = providersWith({ one: slow(9_000) })
    await askAll(late, { model: 'timed' })
    assert.deepEqual(timesOf(late), [
      ['one/m', 0],
      ['two/n', 300],
    ])
    const quick = providersWith({ one: slow(299) })
    const { text, end } = await askAll(quick, { model: 'timed' })
    assert.deepEqual([text, end], ['one/m', 'done'])
    assert.deepEqual(quick.asked, { 'one/m': 1 })
    assert.equal(quick.clock.timers, 1, 'the connection lingers; nobody waits to hedge')
  })

  test('is the next one that may be asked, and only one', async () => {
    const providers = providersWith({ one: answers.hangs, two: errs(401), three: slow(20_000) })
    for (let n = 0; n < 3; n++) await askAll(providers, { model: 'plain', stream: false, patienceMs: 100 })
    const before = { ...providers.asked }
    const { attempts, skips, degraded } = await askAll(providers, { model: 'wide' })
    assert.deepEqual(
      attempts.map(({ target }) => target.provider),
      ['one', 'two'],
    )
    assert.equal(degraded, undefined)
    assert.deepEqual(skips, [])
    assert.equal(providers.asked['one/m'], (before['one/m'] ?? 0) + 1)
  })

  test('is never one that is only better than nothing: slow is not nothing', async () => {
    const providers = providersWith({ one: slow(2_000) })
    const { text, degraded } = await askAll(providers, { model: 'lesser' })
    assert.deepEqual([text, degraded], ['one/m', undefined])
    assert.deepEqual(providers.asked, { 'one/m': 1 })
  })

  test('is not asked where its breaker is open, which is no reason to say that it was passed over', async () => {
    const providers = providersWith({ one: slow(2_000), two: errs(500) })
    for (let n = 0; n < 5; n++) await providers.ask({ model: 'two/n', plan: { retries: 0 } })
    const { text, skips, attempts } = await askAll(providers, { model: 'timed' })
    assert.equal(text, 'one/m')
    assert.deepEqual(skips, [])
    assert.equal(attempts.length, 1)
  })

  test('is not asked for batch work, for whole answers, or where the owner did not ask for it', async () => {
    const providers = providersWith({ one: after(2_000, answers.good) })
    await askAll(providers, { model: 'timed', class: 'batch' })
    assert.equal((await providers.ask({ model: 'timed' })).attempts.length, 1)
    await askAll(providers, { model: 'plain' })
    assert.deepEqual(providers.asked, { 'one/m': 3 })
  })
})

suite('the first to begin its answer', () => {
  test('has won: of the slow one nothing is read any more, and its cost is known as an estimate', async () => {
    const providers = providersWith({ one: slow(9_000), two: slow(100) })
    const { text, end, atMs, attempts, degraded, skips } = await askAll(providers, { model: 'timed' })
    assert.deepEqual([text, end, atMs], ['two/n', 'done', 400])
    assert.ok(lineTo(providers, 'one/m').aborted)
    assert.deepEqual(onRecord(attempts), [
      ['one', 'cancelled, lost', undefined],
      ['two', 'succeeded', undefined],
    ])
    const [loser] = attempts
    assert.equal((loser?.endedAtMs ?? 0) - (loser?.startedAtMs ?? 0), 400, 'at once')
    assert.ok((loser?.usage?.input ?? 0) > 0)
    assert.equal(loser?.usageSource, 'estimate')
    assert.equal(loser?.failure, undefined)
    assert.equal(degraded, 'fallback; target=two/n; because=slow')
    assert.deepEqual(skips, [])
  })

  test('has won where it is the one that was asked first, and nothing is said of the other', async () => {
    const providers = providersWith({ one: slow(400), two: slow(9_000) })
    const { text, end, attempts, degraded } = await askAll(providers, { model: 'timed' })
    assert.deepEqual([text, end, degraded], ['one/m', 'done', undefined])
    assert.ok(lineTo(providers, 'two/n').aborted)
    assert.deepEqual(onRecord(attempts), [
      ['one', 'succeeded', undefined],
      ['two', 'cancelled, lost', undefined],
    ])
  })

  test('is one, also when both begin at the same moment', async () => {
    const providers = providersWith({ one: slow(400), two: slow(100) })
    const { text, end, attempts, degraded } = await askAll(providers, { model: 'timed' })
    assert.deepEqual([text, end, degraded], ['one/m', 'done', undefined])
    assert.deepEqual(onRecord(attempts), [
      ['one', 'succeeded', undefined],
      ['two', 'succeeded, lost', undefined], // its whole answer was one packet
    ])
  })

  test('leaves the other without any usage where that was not even sent', async () => {
    const providers = providersWith({ one: answers.unreached, two: slow(100) })
    const { text, attempts } = await askAll(providers, { model: 'timed' })
    assert.equal(text, 'two/n')
    assert.deepEqual(onRecord(attempts)[0], ['one', 'cancelled, lost', undefined])
    assert.deepEqual([attempts[0]?.usage, attempts[0]?.usageSource], [{}, undefined])
  })

  test('leaves the other unsent where that is still on its way to the record', async () => {
    const providers = providersWith({ one: slow(400) })
    const { text, attempts } = await askAll(providers, { model: 'timed', openMs: n => (n === 2 ? 5_000 : 0) })
    assert.equal(text, 'one/m')
    await providers.clock.pass(10_000)
    assert.deepEqual(providers.asked, { 'one/m': 1 })
    assert.deepEqual(onRecord(attempts)[1], ['two', 'cancelled, lost', undefined])
  })

  test('leaves behind how slow the other was: else the slowest would be forgotten', async () => {
    const providers = providersWith({ one: slow(9_000), two: slow(100) })
    await askAll(providers, { model: 'timed' })
    await askAll(providers, { model: 'learned' })
    assert.deepEqual(timesOf(providers).at(-1), ['two/n', 800])
  })
})

suite('a failure of one of the two', () => {
  test('is not the call’s, where the other answers', async () => {
    for (const failing of [errs(500), errs(400), errs(401), answers.resets, answers.refuses]) {
      const second = providersWith({ one: slow(900), two: failing })
      const told = await askAll(second, { model: 'timed' })
      assert.deepEqual([told.text, told.end, told.degraded], ['one/m', 'done', undefined])
      assert.deepEqual(
        told.attempts.map(({ status, lostRace }) => [status, lostRace]),
        [
          ['succeeded', undefined],
          ['failed', undefined],
        ],
      )
      const first = providersWith({ one: after(600, failing), two: slow(1_200) })
      const other = await askAll(first, { model: 'timed' })
      assert.deepEqual([other.text, other.end, other.atMs], ['two/n', 'done', 1_500])
      assert.match(other.degraded ?? '', /^fallback; target=two\/n; because=(?!slow)/)
    }
  })

  test('before the second is asked has the second asked at once', async () => {
    const providers = providersWith({ one: after(100, errs(503)) })
    const { attempts } = await askAll(providers, { model: 'timed' })
    assert.equal(timesOf(providers).at(-1)?.[1], 100)
    assert.equal(attempts.length, 2)
    await providers.clock.pass(2_000)
    assert.equal(providers.clock.timers, 0)
  })

  test('and of the other has the third asked', async () => {
    const providers = providersWith({ one: after(600, errs(503)), two: after(500, errs(500)) })
    const { text, end, atMs, degraded } = await askAll(providers, { model: 'wide' })
    assert.deepEqual([text, end, atMs], ['ab', 'done', 800])
    assert.equal(degraded, 'fallback; target=three/o; because=provider_failed')
  })

  test('that nothing helps against is what the caller is told, whichever comes last', async () => {
    for (const [one, two] of [
      [after(600, errs(400)), after(500, errs(503))],
      [after(900, errs(503)), after(500, errs(400))],
    ] as const) {
      const providers = providersWith({ one, two })
      const { end } = await askAll(providers, { model: 'wide' })
      assert.equal(end, 'provider_rejected')
      assert.deepEqual(providers.asked, { 'one/m': 1, 'two/n': 1 })
    }
  })

  test('after it has begun is not mended by the one that lost', async () => {
    const breaks: VirtualAnswer = async line => {
      line.head(200, streamHead)
      line.write(roleEvent + textEvent('a'))
      await line.wait(10)
      line.fail('disconnected')
    }
    const providers = providersWith({ one: slow(9_000), two: breaks })
    const { text, end, attempts } = await askAll(providers, { model: 'timed' })
    assert.deepEqual([text, end], ['a', 'provider_disconnected'])
    assert.deepEqual(onRecord(attempts), [
      ['one', 'cancelled, lost', undefined],
      ['two', 'failed', 'provider_disconnected'],
    ])
  })
})

suite('hedging in all', () => {
  const hedgesOf = ({ asked }: VirtualProviders): number => asked['two/n'] ?? 0

  test('is for at most the configured share of the calls, however many are slow', async () => {
    for (const everyMs of [1, 200, 30_000]) {
      const providers = providersWith({ one: slow(400), two: slow(9_000) })
      const count = everyMs === 1 ? 1_000 : 200
      for (let n = 1; n <= count; n++) {
        const { outcome } = providers.begin({ model: 'rare', stream: true })
        void outcome.then(
          answer => !(answer instanceof Fault) && answer.kind === 'stream' && answer.stream.cancel(),
        )
        await providers.clock.pass(everyMs)
        assert.ok(
          hedgesOf(providers) <= n * 0.05,
          `${hedgesOf(providers)} of ${n} calls, one in ${everyMs} ms`,
        )
      }
      await providers.clock.pass(2_000)
      assert.ok(hedgesOf(providers) >= count * 0.04, `only ${hedgesOf(providers)} of ${count}`)
    }
  })

  test('is for none where the share is nought', async () => {
    const providers = providersWith({ one: slow(400) })
    for (let n = 0; n < 30; n++) await askAll(providers, { model: 'never' })
    assert.equal(hedgesOf(providers), 0)
  })

  test('does not save up for a day when all is slow', async () => {
    let ms = 1
    const providers = providersWith(line => (line.target === 'one/m' ? slow(ms)(line) : slow(9_000)(line)))
    for (let n = 0; n < 500; n++) await askAll(providers, { model: 'half' })
    ms = 400
    for (let n = 0; n < 60; n++) await askAll(providers, { model: 'half' })
    assert.ok(hedgesOf(providers) <= 30 + 10, `${hedgesOf(providers)} of 60`)
  })

  test('counts each model and each organization for itself', async () => {
    const providers = providersWith({ one: slow(400) })
    for (let n = 0; n < 50; n++) await askAll(providers, { model: 'timed', organization: 'globex' })
    const before = hedgesOf(providers)
    for (let n = 0; n < 19; n++) await askAll(providers, { model: 'rare', organization: 'globex' })
    for (let n = 0; n < 19; n++) await askAll(providers, { model: 'rare' })
    assert.equal(hedgesOf(providers), before)
  })

  test('takes nothing of its share where nobody is there to be asked', async () => {
    let isDown = true
    const providers = providersWith(line =>
      (line.target === 'two/n' && isDown ? errs(500) : slow(line.target === 'one/m' ? 900 : 100))(line),
    )
    for (let n = 0; n < 5; n++) await providers.ask({ model: 'two/n', plan: { retries: 0 } })
    for (let n = 0; n < 20; n++) void providers.begin({ model: 'rare', stream: true }).outcome
    await providers.clock.pass(1_000)
    assert.equal(hedgesOf(providers), 5)
    isDown = false
    await providers.clock.pass(60_000)
    await askAll(providers, { model: 'rare' })
    assert.equal(hedgesOf(providers), 6)
  })
})

suite('a caller who leaves', () => {
  test('has both given up at once, and neither is said to have lost', async () => {
    const providers = providersWith({ one: slow(9_000), two: slow(9_000) })
    const asking = providers.begin({ model: 'timed', stream: true })
    await providers.clock.pass(1_000)
    asking.leave()
    await settled()
    const ended = await asking.outcome
    assert.ok(ended instanceof Fault && ended.code === 'client_closed')
    assert.ok(providers.seen.every(({ aborted }) => aborted))
    assert.deepEqual(onRecord(asking.attempts), [
      ['one', 'cancelled', 'client_closed'],
      ['two', 'cancelled', 'client_closed'],
    ])
    await providers.clock.pass(10_000)
    assert.equal(providers.clock.timers, 0)
  })

  test('before the second was asked has it not asked', async () => {
    const providers = providersWith({ one: slow(9_000) })
    const asking = providers.begin({ model: 'timed', stream: true })
    await providers.clock.pass(200)
    asking.leave()
    await providers.clock.pass(10_000)
    assert.deepEqual(providers.asked, { 'one/m': 1 })
    assert.equal(providers.clock.timers, 0)
  })

  test('while the first is on its way to the record has nobody asked at all', async () => {
    const providers = providersWith(answers.good)
    const asking = providers.begin({ model: 'timed', stream: true, openMs: () => 1_000 })
    await providers.clock.pass(100)
    asking.leave()
    await providers.clock.pass(5_000)
    const ended = await asking.outcome
    assert.ok(ended instanceof Fault && ended.code === 'client_closed')
    assert.deepEqual(providers.asked, {})
    assert.equal(asking.attempts.length, 1)
    assert.deepEqual(asking.attempts[0]?.usage, {})
  })

  test('after one has won has that one given up', async () => {
    const talks: VirtualAnswer = async line => {
      line.head(200, streamHead)
      line.write(roleEvent + textEvent('a'))
      await line.wait(5_000)
      line.write(textEvent('b'))
    }
    const providers = providersWith({ one: slow(9_000), two: talks })
    const { ended, attempts } = await providers.ask({ model: 'timed', stream: true })
    assert.ok(!(ended instanceof Fault) && ended.kind === 'stream')
    ended.stream.cancel()
    assert.deepEqual(onRecord(attempts), [
      ['one', 'cancelled, lost', undefined],
      ['two', 'cancelled', 'client_closed'],
    ])
    await providers.clock.pass(10_000)
    assert.equal(providers.clock.timers, 0)
  })
})

/** Lanes in which nothing is ever refused, and that count who is in them. */
function countingLanes(): Lanes & { inside: number } {
  const lanes = {
    inside: 0,
    enter() {
      lanes.inside += 1
      const leave = (): void => {
        lanes.inside -= 1
      }
      return allow({ heard: () => undefined, leave })
    },
    describe: () => [],
  }
  return lanes
}

test('law: whatever both do, every place is given back, one answer is given, and all that was asked is on record', async () => {
  const way = fc.oneof(
    fc.nat({ max: 700 }).map(slow),
    fc
      .tuple(
        fc.nat({ max: 700 }),
        fc.constantFrom<VirtualAnswer>(errs(500), errs(400), errs(401), answers.resets),
      )
      .map(([ms, answer]) => after(ms, answer)),
    fc.constantFrom<VirtualAnswer>(answers.refuses, answers.unreached, answers.hangs),
  )
  const call = fc.record({
    one: way,
    two: way,
    three: way,
    leavesMs: fc.option(fc.nat({ max: 1_500 })),
    openMs: fc.tuple(fc.constantFrom(0, 0, 50, 400), fc.constantFrom(0, 0, 50, 400)),
    patienceMs: fc.constantFrom(undefined, 500, 5_000),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 5 }), async calls => {
      const lanes = countingLanes()
      const providers = providersWith(answers.good, lanes)
      for (const { one, two, three, leavesMs, openMs, patienceMs } of calls) {
        providers.answer = { one, two, three }
        const asking = providers.begin({
          model: 'wide',
          stream: true,
          openMs: n => openMs[(n - 1) % 2] ?? 0,
          ...(patienceMs !== undefined && { patienceMs }),
        })
        if (leavesMs !== null) providers.clock.after(leavesMs, () => asking.leave())
        const ended = await providers.clock.passUntil(asking.outcome)
        const { text, end } = await read(providers, ended)
        await providers.clock.pass(70_000)
        const { attempts } = asking
        assert.ok(
          end !== 'done' || attempts.some(({ target }) => text === `${target.provider}/${target.model}`),
        )
        assert.ok(attempts.every(({ status, endedAtMs }) => status !== 'running' && endedAtMs !== undefined))
        assert.ok(attempts.filter(({ lostRace, status }) => status === 'succeeded' && !lostRace).length <= 1)
        assert.ok(
          attempts.every(
            ({ lostRace, status }) => !lostRace || status === 'cancelled' || status === 'succeeded',
          ),
        )
      }
      assert.equal(lanes.inside, 0)
      assert.ok(providers.standings().every(({ underWay = 0 }) => underWay === 0))
      assert.equal(providers.clock.timers, 0)
      providers.answer = answers.good
      const { end } = await askAll(providers, { model: 'wide' })
      assert.equal(end, 'done', 'no probe is held by anybody who has gone')
    }),
    { numRuns: 150 },
  )
})
