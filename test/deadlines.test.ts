import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault } from '#exchange'
import { callOnRecord } from './support/call-log.ts'
import { startSimulator } from './support/simulator.ts'
import { startSluice } from './support/sluice.ts'
import {
  type AskOptions,
  answers,
  type VirtualAnswer,
  VirtualProviders,
} from './support/virtual-providers.ts'

/** Limits far from each other, so that one of them alone can have ended a call. */
const config = `
providers:
  one: { dialect: openai, base_url: "http://one.test/v1", api_key: k, retries: 0, timeouts: { connect: 2s, first_token: 20s, idle: 200s, total: 2000s } }
models:
  plain: { targets: [one/m] }
  own: { targets: [one/m], timeouts: { first_token: 30s, idle: 40s, total: 50s, batch: { idle: 100s, first_token: 90s } } }
`
const head = { 'content-type': 'text/event-stream' }
const delta = (delta: object): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`

/** Every second this, for ever. */
function everySecond(text: string, first = ''): VirtualAnswer {
  return async line => {
    line.head(200, head)
    line.write(delta({ role: 'assistant', content: '' }) + first)
    while (!line.aborted) {
      await line.wait(1_000)
      line.write(text)
    }
  }
}
const begins: VirtualAnswer = line => {
  line.head(200, head)
  line.write(delta({ content: 'a' }))
}

/** When a call ended, in seconds, and how. */
async function endOf(answer: VirtualAnswer, options: Partial<AskOptions>): Promise<[number, string]> {
  const providers = new VirtualProviders({ config, answer })
  const { clock } = providers
  const asking = await providers.ask({ model: 'plain', ...options })
  if (asking.ended instanceof Fault) return [clock.monotonic() / 1_000, asking.ended.code]
  assert.ok(asking.ended.kind === 'stream')
  let [endedMs, how] = [Number.NaN, 'still running']
  const end = (word: string): void => {
    endedMs = clock.monotonic()
    how = word
  }
  asking.ended.stream.start({ write: () => true, done: () => end('done'), fail: ({ code }) => end(code) })
  await clock.pass(3_000_000)
  return [endedMs / 1_000, how]
}

suite('a provider that goes silent is given up at the limit', () => {
  const cases: Record<string, [VirtualAnswer, Partial<AskOptions>, number]> = {
    'of a connection': [answers.unreached, {}, 2],
    'of a connection, for a stream': [answers.unreached, { stream: true }, 2],
    'of a whole answer': [answers.hangs, {}, 2_000],
    'of the first token, with not even a head': [answers.hangs, { stream: true }, 20],
    'of the first token, after a role': [
      line => {
        line.head(200, head)
        line.write(delta({ role: 'assistant', content: '' }))
      },
      { stream: true },
      20,
    ],
    'between two pieces': [begins, { stream: true }, 200],
    'of its model, first token': [answers.hangs, { stream: true, model: 'own' }, 30],
    'of its model, between two pieces': [begins, { stream: true, model: 'own' }, 40],
    'of its model, in all': [answers.hangs, { model: 'own' }, 50],
    'of its model, in all, for batch work too': [begins, { stream: true, model: 'own', class: 'batch' }, 50],
    'of the caller': [answers.hangs, { patienceMs: 5_000 }, 5],
    'of the caller, of a stream': [answers.hangs, { stream: true, patienceMs: 5_000 }, 5],
  }
  for (const [what, [answer, options, seconds]] of Object.entries(cases)) {
    test(what, async () => assert.deepEqual(await endOf(answer, options), [seconds, 'upstream_timeout']))
  }
})

suite('a stream lives', () => {
  test('not by comments for ever, before its first content', async () => {
    assert.deepEqual(await endOf(everySecond(': ping\n\n'), { stream: true }), [20, 'upstream_timeout'])
  })

  test('not by comments for ever, after it', async () => {
    const answer = everySecond(': ping\n\n', delta({ content: 'a' }))
    assert.deepEqual(await endOf(answer, { stream: true }), [200, 'upstream_timeout'])
  })

  // An empty piece is what some providers keep a connection alive with: it counted as an answer that goes on.
  test('not by pieces of nothing for ever, before its first content or after it', async () => {
    for (const nothing of [{ content: '' }, {}, { role: 'assistant', content: '', tool_calls: [] }]) {
      const silent = everySecond(delta(nothing))
      assert.deepEqual(await endOf(silent, { stream: true }), [20, 'upstream_timeout'])
      const begun = everySecond(delta(nothing), delta({ content: 'a' }))
      assert.deepEqual(await endOf(begun, { stream: true }), [200, 'upstream_timeout'])
    }
  })

  test('by what is thought, up to the end of all its time', async () => {
    const answer = everySecond(delta({ reasoning_content: 'hm ' }))
    assert.deepEqual(await endOf(answer, { stream: true }), [2_000, 'upstream_timeout'])
  })

  test('by text, up to the end of all its time', async () => {
    const answer = everySecond(delta({ content: 'a' }))
    assert.deepEqual(await endOf(answer, { stream: true }), [2_000, 'upstream_timeout'])
  })
})

suite('over HTTP', async () => {
  const key = 'sk-test-web-0123456789'
  const simulator = await startSimulator()
  const sluice = await startSluice({
    config: `
providers:
  up: { dialect: openai, base_url: "${simulator.url}", api_key: k }
  two: { dialect: openai, base_url: "${simulator.url}", api_key: k }
models:
  batch: { targets: ["up/sim-1?fail=hang&as=batch"], retries: 0, timeouts: { batch: { total: 200ms } } }
  quick: { targets: ["up/sim-1?fail=hang&as=quick", two/sim-1], timeouts: { first_token: 200ms } }
keys:
  - { name: web, key: ${key}, organization: acme, project: shop }
`,
  })
  const ask = async (model: string, headers: Record<string, string>, more = {}): Promise<Response> =>
    await fetch(`${sluice.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }], ...more }),
    })

  for (const [name, value] of Object.entries({
    'x-sluice-timeout-ms': '300',
    'x-stainless-timeout': '0.3',
  })) {
    test(`${name} is the caller’s own limit: nobody is asked after it`, async () => {
      const answer = await ask(`up/sim-1?fail=hang&as=${name}`, { [name]: value })
      assert.equal(answer.status, 504)
      assert.equal(answer.headers.get('x-sluice-attempts'), '1')
      const call = await callOnRecord(sluice, answer.headers.get('x-sluice-call'))
      assert.deepEqual(
        call.attempts.map(({ code }) => code),
        ['upstream_timeout'],
      )
    })
  }

  test('batch work has limits of its own', async () => {
    const answer = await ask('batch', { 'x-sluice-class': 'batch' })
    assert.equal(answer.status, 504)
    assert.match(await answer.text(), /upstream_timeout/)
  })

  test('a stream that does not begin is begun elsewhere', async () => {
    const answer = await ask('quick', {}, { stream: true })
    assert.equal(answer.headers.get('x-sluice-target'), 'two/sim-1')
    assert.match(await answer.text(), /data: \[DONE\]\s*$/)
  })
})

suite('the haste of one caller', () => {
  test('says nothing of a target to all others, however often', async () => {
    const providers = new VirtualProviders({ config, answer: answers.hangs })
    for (let n = 0; n < 40; n++)
      await providers.ask({ model: 'plain', stream: n % 2 === 0, patienceMs: 1_000 })
    assert.deepEqual(
      providers.standings().map(({ state }) => state),
      ['closed', 'closed'],
    )
  })

  test('but the target’s own limit does', async () => {
    const providers = new VirtualProviders({ config, answer: answers.hangs })
    for (let n = 0; n < 5; n++) await providers.ask({ model: 'plain', stream: true, patienceMs: 60_000 })
    assert.ok(providers.standings().some(({ state }) => state === 'open'))
  })
})
