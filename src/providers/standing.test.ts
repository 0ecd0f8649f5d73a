import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '#exchange'
import { seededChance } from '../../test/support/virtual-clock.ts'
import {
  type Asking,
  after,
  answers,
  errs,
  type VirtualAnswer,
  VirtualProviders,
} from '../../test/support/virtual-providers.ts'

const configOf = (key: string, more = ''): string => `
providers:
  one: { dialect: openai, base_url: "http://one.test/v1", api_key: ${key}, retries: 0 }
  two: { dialect: openai, base_url: "http://two.test/v1", api_key: k, retries: 0 ${more} }
models:
  alone: { targets: [one/m] }
  other: { targets: [one/other] }
  both: { targets: [one/m, two/n] }
`
const config = configOf('first')

async function askTimes(providers: VirtualProviders, times: number, model = 'alone'): Promise<void> {
  for (let n = 0; n < times; n++) await providers.ask({ model })
}

function stateOf(providers: VirtualProviders, target: string): string | undefined {
  return providers.standings().find(standing => standing.target === target)?.state
}

async function codesOf(asked: readonly Asking[]): Promise<Record<string, number>> {
  const codes = await Promise.all(
    asked.map(async ({ outcome }) => {
      const ended = await outcome
      return ended instanceof Fault ? ended.code : 'answered'
    }),
  )
  const counts: Record<string, number> = {}
  for (const code of codes) counts[code] = (counts[code] ?? 0) + 1
  return counts
}

suite('a target that is down', () => {
  test('is asked five times and then left alone; callers hear when to come back', async () => {
    const providers = new VirtualProviders({ config, answer: errs(503) })
    await askTimes(providers, 5)
    await providers.clock.pass(1_000)
    const { ended, skips } = await providers.ask({ model: 'alone' })
    assert.deepEqual(providers.asked, { 'one/m': 5 })
    assert.ok(ended instanceof Fault)
    assert.equal(ended.code, 'no_target_available')
    assert.equal(ended.detail.retryAfterMs, 4_000)
    assert.equal(ended.detail.retriesSpent, undefined, 'nothing was tried')
    assert.equal(skips[0], 'one/m breaker_open')
  })

  test('gets one probe, however many callers come at once', async () => {
    const providers = new VirtualProviders({ config, answer: errs(503) })
    await askTimes(providers, 5)
    providers.answer = after(200, errs(503))
    await providers.clock.pass(5_000)
    const asked = Array.from({ length: 40 }, () => providers.begin({ model: 'alone' }))
    await providers.clock.pass(300)
    assert.deepEqual(providers.asked, { 'one/m': 6 })
    assert.deepEqual(await codesOf(asked), { no_target_available: 39, provider_overloaded: 1 })
    await providers.clock.pass(9_000)
    await askTimes(providers, 3)
    assert.deepEqual(providers.asked, { 'one/m': 6 }, 'the next one comes after twice the time')
  })

  test('says to those who come while it is probed that it takes a moment', async () => {
    const providers = new VirtualProviders({ config, answer: errs(503) })
    await askTimes(providers, 5)
    providers.answer = after(200, answers.good)
    await providers.clock.pass(5_000)
    providers.begin({ model: 'alone' })
    const { ended } = await providers.ask({ model: 'alone' })
    assert.ok(ended instanceof Fault)
    assert.equal(ended.detail.retryAfterMs, 1_000)
  })

  test('serves all again once the probe has been answered', async () => {
    const providers = new VirtualProviders({ config, answer: errs(503) })
    await askTimes(providers, 5)
    providers.answer = answers.good
    await providers.clock.pass(5_000)
    await askTimes(providers, 1)
    const asked = Array.from({ length: 40 }, () => providers.begin({ model: 'alone' }))
    await providers.clock.pass(10)
    assert.deepEqual(await codesOf(asked), { answered: 40 })
    assert.equal(stateOf(providers, 'one/m'), 'closed')
  })

  test('serves all again once a stream that probes it has begun, however long that lasts', async () => {
    const providers = new VirtualProviders({ config, answer: errs(503) })
    await askTimes(providers, 5)
    providers.answer = line => {
      line.head(200, { 'content-type': 'text/event-stream' })
      line.write('data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n')
    }
    await providers.clock.pass(5_000)
    const asked = Array.from({ length: 3 }, () => providers.begin({ model: 'alone', stream: true }))
    await providers.clock.pass(10)
    asked.push(...Array.from({ length: 20 }, () => providers.begin({ model: 'alone', stream: true })))
    await providers.clock.pass(10)
    assert.deepEqual(await codesOf(asked), { answered: 21, no_target_available: 2 })
  })

  test('gets another probe when the caller of the first one has left', async () => {
    const providers = new VirtualProviders({ config, answer: errs(503) })
    await askTimes(providers, 5)
    providers.answer = answers.hangs
    await providers.clock.pass(5_000)
    const first = providers.begin({ model: 'alone' })
    await providers.clock.pass(10)
    assert.equal(stateOf(providers, 'one/m'), 'half_open')
    first.leave()
    providers.answer = answers.good
    assert.ok(!((await providers.ask({ model: 'alone' })).ended instanceof Fault))
    assert.equal(stateOf(providers, 'one/m'), 'closed')
  })

  test('costs nobody who has a fallback any time', async () => {
    const providers = new VirtualProviders({ config, answer: answerOf({ one: errs(503) }) })
    await askTimes(providers, 20, 'both')
    assert.deepEqual(providers.asked, { 'one/m': 5, 'two/n': 20 })
    assert.equal(
      (await providers.ask({ model: 'both' })).degraded,
      'fallback; target=two/n; because=breaker_open',
    )
    assert.equal(providers.clock.monotonic(), 0)
  })

  test('leaves the other models of its provider alone', async () => {
    const providers = new VirtualProviders({
      config,
      answer: line => (line.target === 'one/m' ? errs(503)(line) : answers.good(line)),
    })
    await askTimes(providers, 8)
    assert.ok(!((await providers.ask({ model: 'other' })).ended instanceof Fault))
    assert.deepEqual(providers.asked, { 'one/m': 5, 'one/other': 1 })
  })

  test('is not asked because its credential is merely in doubt', async () => {
    const providers = new VirtualProviders({ config, answer: errs(503) })
    await askTimes(providers, 5)
    providers.answer = answers.good
    await askTimes(providers, 1, 'other')
    providers.answer = errs(401)
    await askTimes(providers, 3, 'other')
    assert.equal(stateOf(providers, 'one'), 'open')
    await askTimes(providers, 3)
    assert.deepEqual(providers.asked, { 'one/m': 5, 'one/other': 4 })
  })
})

test('requests that are refused for their own sake open nothing', async () => {
  for (const answer of [errs(400), errs(404), errs(413), errs(422), errs(429)]) {
    const providers = new VirtualProviders({ config, answer })
    await askTimes(providers, 30)
    assert.deepEqual(providers.asked, { 'one/m': 30 })
  }
})

test('law: a model whose only target fails half of the time answers nearly half of its calls, by any seed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 5, max: 2_000 }), async (seed, everyMs) => {
      const chance = seededChance(seed)
      const answer: VirtualAnswer = line => (chance.random() < 0.5 ? errs(500)(line) : answers.good(line))
      const providers = new VirtualProviders({ config, answer: answers.good, seed })
      await askTimes(providers, 1) // one that fails five times from the beginning is down, as far as anybody knows
      providers.answer = answer
      const asked: Asking[] = []
      for (let n = 0; n < 600; n++) {
        asked.push(providers.begin({ model: 'alone' }))
        await providers.clock.pass(everyMs)
      }
      const { answered = 0 } = await codesOf(asked)
      assert.ok(answered > 0.42 * 600, `${answered} of 600 were answered`)
    }),
    { numRuns: 8 },
  )
})

suite('a credential that is refused', () => {
  for (const [what, answer] of Object.entries({
    'a wrong key': errs(401),
    'no credit': errs(402),
    'a spent quota': errs(429, 'insufficient_quota'),
  })) {
    test(`closes all models of its provider, and no other provider: ${what}`, async () => {
      const providers = new VirtualProviders({ config, answer: answerOf({ one: answer }) })
      await askTimes(providers, 3)
      await askTimes(providers, 5, 'other')
      assert.deepEqual(providers.asked, { 'one/m': 3 })
      assert.ok(!((await providers.ask({ model: 'both' })).ended instanceof Fault))
    })
  }

  test('is tried again at once when the configuration has another one', async () => {
    const providers = new VirtualProviders({ config, answer: errs(401) })
    await askTimes(providers, 4)
    providers.answer = answers.good
    providers.reload(configOf('second'))
    assert.ok(!((await providers.ask({ model: 'alone' })).ended instanceof Fault))
  })

  test('is not taken for mended by a connection that could not be made', async () => {
    const providers = new VirtualProviders({ config, answer: errs(401) })
    await askTimes(providers, 3)
    providers.answer = answers.refuses
    await providers.clock.pass(30_000)
    await askTimes(providers, 1)
    assert.notEqual(stateOf(providers, 'one'), 'closed')
    providers.answer = answers.good
    await askTimes(providers, 1)
    assert.equal(stateOf(providers, 'one'), 'closed')
  })
})

test('what is known of a provider outlives a configuration that changes another one', async () => {
  const providers = new VirtualProviders({ config, answer: errs(503) })
  await askTimes(providers, 5)
  providers.reload(configOf('first', ', connections: 9'))
  await askTimes(providers, 3)
  assert.deepEqual(providers.asked, { 'one/m': 5 })
  providers.reload(configOf('second'))
  await askTimes(providers, 1)
  assert.deepEqual(providers.asked, { 'one/m': 6 })
})

function answerOf(byProvider: Record<string, VirtualAnswer>): VirtualAnswer {
  return line => (byProvider[line.target.split('/')[0] ?? ''] ?? answers.good)(line)
}
