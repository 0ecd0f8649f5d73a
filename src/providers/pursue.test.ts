import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { allow, Fault, refuse } from '#exchange'
import { settled } from '../../test/support/virtual-clock.ts'
import {
  type AskOptions,
  after,
  answers,
  errs,
  says,
  type VirtualAnswer,
  VirtualProviders,
} from '../../test/support/virtual-providers.ts'
import type { Lanes } from './index.ts'

const provider = (name: string, more = ''): string =>
  `  ${name}: { dialect: openai, base_url: "http://${name}.test/v1", api_key: k, timeouts: { total: 120s } ${more} }`
const config = `
providers:
${provider('one')}
${provider('two')}
models:
  alone: { targets: [one/m] }
  both: { targets: [one/m, two/n] }
  patient: { targets: [one/m, two/n], degrade: { try_again: 45s } }
  small: { targets: [one/m], degrade: { use: [two/small] } }
`
const retryAfter = (value: string, status = 503): VirtualAnswer =>
  errs(status, null, { 'retry-after': value })
const timesOf = ({ seen }: VirtualProviders, target = 'one/m'): number[] =>
  seen.filter(line => line.target === target).map(({ atMs }) => atMs)

function faultOf(ended: unknown): Fault {
  assert.ok(ended instanceof Fault, 'it comes to nothing')
  return ended
}

suite('the wait before another try', () => {
  test('is by chance, and longer each time', async () => {
    const waits: [number, number][] = []
    for (let seed = 1; seed <= 30; seed++) {
      const providers = new VirtualProviders({ config, answer: errs(503), seed })
      await providers.ask({ model: 'alone' })
      const [first = 0, second = 0, third = 0] = timesOf(providers)
      waits.push([second - first, third - second])
    }
    assert.ok(waits.every(([first, second]) => first <= 500 && second <= 1_000))
    assert.ok(new Set(waits.map(([first]) => Math.floor(first / 100))).size === 5, 'all of half a second')
    assert.ok(waits.some(([, second]) => second > 800))
  })

  test('is never shorter than what the provider asked for', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const answer: VirtualAnswer = line => (line.n === 1 ? retryAfter('7')(line) : answers.good(line))
      const providers = new VirtualProviders({ config, answer, seed })
      const { ended } = await providers.ask({ model: 'alone' })
      assert.ok(!(ended instanceof Fault))
      const [, again = 0] = timesOf(providers)
      assert.ok(again >= 7_000 && again <= 8_000, `after ${again} ms`)
    }
  })

  test('is each target’s own: who asked for nothing is asked first, who asked for time gets it', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const answer: VirtualAnswer = line =>
        line.target === 'one/m' ? retryAfter('30')(line) : errs(500)(line)
      const providers = new VirtualProviders({ config, answer, seed })
      await providers.ask({ model: 'both' })
      assert.deepEqual(timesOf(providers), [0])
      assert.deepEqual(providers.asked, { 'one/m': 1, 'two/n': 3 })
      assert.ok((timesOf(providers, 'two/n').at(-1) ?? 0) <= 1_500)
    }
  })

  test('is not begun where the provider asks for more than a minute: the caller is told at once', async () => {
    const providers = new VirtualProviders({ config, answer: retryAfter('61', 429) })
    const fault = faultOf((await providers.ask({ model: 'alone' })).ended)
    assert.equal(providers.clock.monotonic(), 0)
    assert.equal(fault.code, 'rate_limited')
    assert.equal(fault.detail.retryAfterMs, 61_000)
    assert.deepEqual(providers.asked, { 'one/m': 1 })
  })

  test('ends at once when the caller leaves, and nobody is asked any more', async () => {
    const providers = new VirtualProviders({ config, answer: retryAfter('30') })
    const asking = providers.begin({ model: 'alone' })
    await providers.clock.pass(10_000)
    asking.leave()
    await settled()
    assert.equal(faultOf(await asking.outcome).code, 'client_closed')
    assert.equal(providers.clock.monotonic(), 10_000)
    assert.equal(providers.clock.timers, 0)
    assert.deepEqual(providers.asked, { 'one/m': 1 })
  })
})

suite('the time of a call', () => {
  test('law: no attempt begins at its end or later, whoever set it', async () => {
    const answer = fc.constantFrom(errs(503), errs(500), retryAfter('1'), answers.hangs, answers.resets)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(answer, fc.nat({ max: 900 })), { minLength: 1, maxLength: 6 }),
        fc.record({
          seed: fc.nat(),
          patienceMs: fc.integer({ min: 1, max: 6_000 }),
          stream: fc.boolean(),
          asLimit: fc.boolean(),
        }),
        async (script, { seed, patienceMs, stream, asLimit }) => {
          const nth: VirtualAnswer = line => {
            const [step, ms] = script[(line.n - 1) % script.length] ?? [answers.hangs, 0]
            return after(ms, step)(line)
          }
          const providers = new VirtualProviders({ config, answer: nth, seed })
          const { timeouts } = providers.plan('both')
          const limit: Partial<AskOptions> = asLimit
            ? { plan: { timeouts: { ...timeouts, totalMs: patienceMs } } }
            : { patienceMs }
          const { ended } = await providers.ask({ model: 'both', stream, ...limit })
          assert.ok(ended instanceof Fault)
          assert.ok(providers.seen.every(({ atMs }) => atMs < patienceMs))
          assert.ok(providers.clock.monotonic() <= patienceMs + 1, 'and it has ended by then')
        },
      ),
      { numRuns: 60 },
    )
  })

  test('is told in whole milliseconds', async () => {
    const providers = new VirtualProviders({ config, answer: after(0.4, answers.hangs) })
    await providers.clock.pass(0.3)
    const asking = providers.begin({ model: 'alone', patienceMs: 1_000 })
    const fault = faultOf(await providers.clock.passUntil(asking.outcome))
    assert.match(fault.message, /longer than the \d+ ms/)
  })

  test('which a caller sets holds for the beginning of a stream, not for all of it', async () => {
    const answer: VirtualAnswer = async line => {
      line.head(200, { 'content-type': 'text/event-stream' })
      line.write('data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n')
      await line.wait(5_000)
      line.write('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
      line.end()
    }
    const providers = new VirtualProviders({ config, answer })
    const { ended, attempts } = await providers.ask({ model: 'alone', stream: true, patienceMs: 1_000 })
    assert.ok(!(ended instanceof Fault) && ended.kind === 'stream')
    let over = ''
    ended.stream.start({ write: () => true, done: () => (over = 'done'), fail: ({ code }) => (over = code) })
    await providers.clock.pass(6_000)
    assert.equal(over, 'done')
    assert.equal(attempts[0]?.status, 'succeeded')
  })
})

suite('an SDK’s own retries', () => {
  test('are called off whenever there were any of ours', async () => {
    const ways: Record<string, [VirtualAnswer, Partial<AskOptions>]> = {
      'all tries failed': [errs(503), {}],
      'what may be tried once more was': [says(200, '<html>'), {}],
      'there was no time for one more': [
        line => (line.n === 1 ? errs(503)(line) : retryAfter('9')(line)),
        { patienceMs: 5_000 },
      ],
      'the provider asked for too long a wait then': [
        line => (line.n === 1 ? errs(503)(line) : retryAfter('99')(line)),
        {},
      ],
    }
    for (const [what, [answer, options]] of Object.entries(ways)) {
      const providers = new VirtualProviders({ config, answer })
      const { ended, attempts } = await providers.ask({ model: 'alone', ...options })
      assert.ok(attempts.length > 1, what)
      assert.equal(faultOf(ended).detail.retriesSpent, true, what)
    }
  })

  test('are left to it where the owner wants none of ours', async () => {
    const providers = new VirtualProviders({ config, answer: errs(503) })
    const { ended } = await providers.ask({ model: 'alone', plan: { retries: 0 } })
    assert.equal(faultOf(ended).detail.retriesSpent, undefined)
    assert.deepEqual(providers.asked, { 'one/m': 1 })
  })
})

suite('the retry budget', () => {
  test('is spent by who tries again, not by who could have', async () => {
    const providers = new VirtualProviders({
      config,
      answer: errs(503),
      retryBudget: { share: 0, floorPerSecond: 0.1 },
    })
    const { ended } = await providers.ask({ model: 'both' })
    assert.ok(ended instanceof Fault)
    assert.deepEqual(
      Object.values(providers.asked).toSorted(),
      [2, 2],
      'each has one try beside its first, and uses it',
    )
  })

  const outage = async (breakers: boolean): Promise<number> => {
    const providers = new VirtualProviders({ config, answer: after(5, errs(503)), breakers })
    const asked: Promise<unknown>[] = []
    for (let n = 0; n < 120 * 60; n++) {
      asked.push(providers.begin({ model: 'alone' }).outcome)
      await providers.clock.pass(1_000 / 60)
    }
    await providers.clock.pass(30_000)
    await Promise.all(asked)
    return providers.seen.length / asked.length
  }

  test('keeps an outage of two minutes from multiplying, without any breaker', async () => {
    const ratio = await outage(false)
    assert.ok(ratio > 1.05 && ratio <= 1.1, `${ratio} attempts per request`)
  })

  test('and a breaker all but ends it', async () => {
    const ratio = await outage(true)
    assert.ok(ratio < 0.01, `${ratio} attempts per request`)
  })
})

suite('a fallback', () => {
  const busy: Lanes = {
    enter: ({ name }, { mayWait }) => {
      const slot = { heard: () => undefined, leave: () => undefined }
      return name === 'two' && !mayWait ? refuse('overloaded', 'Busy.', { retryAfterMs: 100 }) : allow(slot)
    },
    describe: () => [],
  }

  test('that is busy is waited for when nothing else can be done', async () => {
    const providers = new VirtualProviders({ config, answer: answerOf({ one: errs(401) }), lanes: busy })
    const { ended, skips } = await providers.ask({ model: 'both' })
    assert.ok(!(ended instanceof Fault))
    assert.deepEqual(providers.asked, { 'one/m': 1, 'two/n': 1 })
    assert.deepEqual(skips, [], 'nobody was passed over')
  })

  test('of lesser quality is told apart', async () => {
    const providers = new VirtualProviders({ config, answer: answerOf({ one: errs(503) }) })
    const { degraded } = await providers.ask({ model: 'small' })
    assert.equal(degraded, 'degrade; target=two/small; because=provider_overloaded')
    assert.equal((await providers.ask({ model: 'alone' })).degraded, undefined)
  })

  test('is not needed where the first can do it', async () => {
    const providers = new VirtualProviders({ config, answer: answers.good })
    assert.equal((await providers.ask({ model: 'both' })).degraded, undefined)
    assert.deepEqual(providers.asked, { 'one/m': 1 })
  })
})

suite('on record as passed over', () => {
  /** By provider: who has no room at once, and who has none after a wait either. */
  const lanesWith = (atOnce: readonly string[], later: readonly string[]): Lanes => ({
    enter({ name }, { mayWait }) {
      const isFull = (mayWait ? later : atOnce).includes(name)
      const slot = { heard: () => undefined, leave: () => undefined }
      return isFull ? refuse('overloaded', 'Busy.', { retryAfterMs: 100 }) : allow(slot)
    },
    describe: () => [],
  })
  const skipsOf = async (
    lanes: Lanes,
    { model = 'both', answer = answers.good as VirtualAnswer } = {},
  ): Promise<[skips: string[], degraded: string | undefined]> => {
    const { skips, degraded } = await new VirtualProviders({ config, answer, lanes }).ask({ model })
    return [skips, degraded]
  }
  const because = (why: string): string => `fallback; target=two/n; because=${why}`

  test('is not one that was waited for, and then answered', async () => {
    assert.deepEqual(await skipsOf(lanesWith(['one'], []), { model: 'alone' }), [[], undefined])
    assert.deepEqual(await skipsOf(lanesWith(['one', 'two'], [])), [[], undefined])
  })

  test('is one in whose place another was asked', async () => {
    assert.deepEqual(await skipsOf(lanesWith(['one'], [])), [['one/m busy'], because('busy')])
    assert.deepEqual(await skipsOf(lanesWith(['one', 'two'], ['one'])), [['one/m busy'], because('busy')])
  })

  test('is one that was never asked because the call came to nothing', async () => {
    const [skips] = await skipsOf(lanesWith(['one', 'two'], ['one', 'two']))
    assert.deepEqual(skips, ['one/m busy', 'two/n busy'])
    const [after] = await skipsOf(lanesWith(['two'], ['two']), { answer: errs(401) })
    assert.deepEqual(after, ['two/n busy'])
  })
})

test('who gets no answer at all is told to come back when the owner said, where no provider knows better', async () => {
  const down = new VirtualProviders({ config, answer: errs(503) })
  assert.equal(faultOf((await down.ask({ model: 'patient' })).ended).detail.retryAfterMs, 45_000)
  const knowing = new VirtualProviders({ config, answer: retryAfter('99') })
  assert.equal(faultOf((await knowing.ask({ model: 'patient' })).ended).detail.retryAfterMs, 99_000)
  const wrong = new VirtualProviders({ config, answer: errs(400) })
  assert.equal(faultOf((await wrong.ask({ model: 'patient' })).ended).detail.retryAfterMs, undefined)
})

function answerOf(byProvider: Record<string, VirtualAnswer>): VirtualAnswer {
  return line => (byProvider[line.target.split('/')[0] ?? ''] ?? answers.good)(line)
}
