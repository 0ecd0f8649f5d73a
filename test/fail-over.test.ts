import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { callOnRecord } from './support/call-log.ts'
import { startSimulator } from './support/simulator.ts'
import { startSluice } from './support/sluice.ts'

const key = 'sk-test-web-0123456789'
const simulator = await startSimulator()

const spoken = {
  chat: 'dialect: openai',
  responses: 'dialect: openai-responses',
  messages: 'dialect: anthropic',
  gemini: 'dialect: gemini',
}
type Name = keyof typeof spoken
const names = Object.keys(spoken) as Name[]

/** What the first target does before any of its content, and by which code that is on record. */
const early: Record<string, { script: string; code: string }> = {
  overloaded: { script: 'fail=503', code: 'provider_overloaded' },
  failing: { script: 'fail=500', code: 'provider_failed' },
  limited: { script: 'fail=429&retry_after=none', code: 'rate_limited' },
  locked: { script: 'fail=401', code: 'provider_credential_rejected' },
  missing: { script: 'fail=404', code: 'model_not_found' },
  page: { script: 'fail=html', code: 'provider_malformed' },
  reset: { script: 'fail=reset', code: 'provider_disconnected' },
}
/** The same of streams alone, after the events that say nothing: a role, `message_start`, `response.created`. */
const begun: Record<string, { script: string; code: string }> = {
  'stream-error': { script: 'fail=stream-error&after=0', code: 'provider_failed' },
  'stream-overload': { script: 'fail=stream-error&after=0&error=529', code: 'provider_overloaded' },
  'stream-end': { script: 'fail=eof&after=0', code: 'provider_disconnected' },
  'stream-cut': { script: 'fail=cut&after=0', code: 'provider_disconnected' },
}
/** What it does in the middle of its content. */
const late: Record<string, { script: string; code: string }> = {
  'late-error': { script: 'fail=stream-error&after=3&tokens=9', code: 'provider_failed' },
  'late-end': { script: 'fail=eof&after=3&tokens=9', code: 'provider_disconnected' },
  'late-cut': { script: 'fail=cut&after=3&tokens=9', code: 'provider_disconnected' },
}
/** Who asks for time is not asked again before. */
const waiting = { waiting: { script: 'fail=429&retry_after=30', code: 'rate_limited' } }
/** What concerns the request, and goes nowhere else. */
const final: Record<string, { script: string; status: number }> = {
  bad: { script: 'fail=400', status: 400 },
  odd: { script: 'fail=422', status: 422 },
  filtered: { script: 'fail=content-filter', status: 400 },
}

const neverOpen = 'breaker: { failures: 1000, ratio: 1, least_attempts: 100000 }'
/** Each case has providers of its own: what is learned in one is no part of another. */
const providers = names.flatMap(name =>
  Object.keys({ ...early, ...begun, ...late, ...waiting, ...final }).map(
    what =>
      `  ${name}-${what}: { ${spoken[name]}, base_url: ${baseOf(name)}, api_key: k, retries: 0, ${neverOpen} }`,
  ),
)
const models = names.flatMap(name =>
  Object.entries({ ...early, ...begun, ...late, ...waiting, ...final }).map(
    ([what, { script }]) =>
      `  ${name}-${what}: { targets: ["${name}-${what}/sim-1?${script}", "${name}-good/sim-1?tokens=9"] }`,
  ),
)
const sluice = await startSluice({
  config: `
providers:
${names.map(name => `  ${name}-good: { ${spoken[name]}, base_url: ${baseOf(name)}, api_key: k }`).join('\n')}
${providers.join('\n')}
models:
${names.map(name => `  ${name}-only: { targets: ["${name}-good/sim-1?tokens=9"] }`).join('\n')}
${models.join('\n')}
keys:
  - { name: web, key: ${key}, organization: acme, project: shop }
`,
})

function baseOf(name: Name): string {
  return name === 'gemini' ? `${simulator.url}beta` : simulator.url
}

type Json = { [field: string]: Json } & Json[] & string

interface Dialect {
  path(model: string, stream: boolean): string
  body(model: string): object
  /** The text in an event of a stream. */
  delta(event: Json): string | undefined
  /** The text of a whole answer. */
  text(answer: Json): string | undefined
  /** Events of which a stream has exactly one. */
  isFirst(event: Json): boolean
  isError(event: Json): boolean
}

const said = 'What about lighthouses?'
const dialects: Record<Name, Dialect> = {
  chat: {
    path: () => '/v1/chat/completions',
    body: model => ({ model, messages: [{ role: 'user', content: said }] }),
    delta: event => event.choices?.[0]?.delta?.content,
    text: answer => answer.choices?.[0]?.message?.content,
    isFirst: event => event.choices?.[0]?.delta?.role !== undefined,
    isError: event => event.error !== undefined,
  },
  responses: {
    path: () => '/v1/responses',
    body: model => ({ model, input: said, store: false }),
    delta: event => (event.type === 'response.output_text.delta' ? event.delta : undefined),
    text: answer => answer.output?.at(-1)?.content?.[0]?.text,
    isFirst: event => event.type === 'response.created',
    isError: event => event.type === 'error' || event.type === 'response.failed',
  },
  messages: {
    path: () => '/v1/messages',
    body: model => ({ model, max_tokens: 100, messages: [{ role: 'user', content: said }] }),
    delta: event => event.delta?.text,
    text: answer => answer.content?.[0]?.text,
    isFirst: event => event.type === 'message_start',
    isError: event => event.type === 'error',
  },
  gemini: {
    path: (model, stream) =>
      `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: () => ({ contents: [{ role: 'user', parts: [{ text: said }] }] }),
    delta: event => event.candidates?.[0]?.content?.parts?.map(({ text }) => text).join(''),
    text: answer => answer.candidates?.[0]?.content?.parts?.map(({ text }) => text).join(''),
    isFirst: () => false,
    isError: event => event.error !== undefined,
  },
}

interface Heard {
  status: number
  header(name: string): string | null
  text: string
  firsts: number
  errors: number
}

async function ask(caller: Name, model: string, stream: boolean): Promise<Heard> {
  const dialect = dialects[caller]
  const answer = await fetch(sluice.url + dialect.path(model, stream), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ ...dialect.body(model), ...(stream && caller !== 'gemini' && { stream }) }),
  })
  const body = await answer.text()
  const heard = { status: answer.status, header: (name: string) => answer.headers.get(name) }
  if (!/^text\/event-stream/.test(heard.header('content-type') ?? '')) {
    const whole = JSON.parse(body) as Json
    return { ...heard, text: dialect.text(whole) ?? '', firsts: 0, errors: whole.error ? 1 : 0 }
  }
  const events = [...body.matchAll(/^data: ?(\{.*)$/gm)].map(([, json = '']) => JSON.parse(json) as Json)
  return {
    ...heard,
    text: events.map(event => dialect.delta(event) ?? '').join(''),
    firsts: events.filter(event => dialect.isFirst(event)).length,
    errors: events.filter(event => dialect.isError(event)).length,
  }
}

const good = (await ask('chat', 'chat-only', false)).text
assert.ok(good.length > 10)

test('a target that has asked for time is passed over until then, at no cost of time', async () => {
  const first = await ask('chat', 'chat-waiting', true)
  assert.equal(first.header('x-sluice-attempts'), '2')
  const second = await ask('chat', 'chat-waiting', true)
  assert.equal(second.text, good)
  assert.equal(second.header('x-sluice-attempts'), '1')
  assert.match(second.header('x-sluice-degraded') ?? '', /because=rate_limited$/)
})

for (const caller of names) {
  for (const provider of names) {
    const pair = `${caller} before ${provider}`
    // Every failure in a provider's own dialect; of those that are translated, what streams do.
    const cases = caller === provider ? { ...early, ...begun } : begun

    suite(`${pair}: a failure before any content`, () => {
      for (const [what, { code }] of Object.entries(cases)) {
        // Who has limited us once is not asked a second time; its streams are those of `waiting`.
        const ways = Object.hasOwn(begun, what) ? [true] : what === 'limited' ? [false] : [false, true]
        for (const stream of ways) {
          test(`is not seen by the caller: ${what}, ${stream ? 'streamed' : 'whole'}`, async () => {
            const heard = await ask(caller, `${provider}-${what}`, stream)
            assert.equal(heard.status, 200)
            assert.equal(heard.text, good, 'the text of the second target, once')
            assert.equal(heard.errors, 0)
            if (stream && caller !== 'gemini') assert.equal(heard.firsts, 1)
            assert.equal(heard.header('x-sluice-attempts'), '2')
            assert.equal(heard.header('x-sluice-target'), `${provider}-good/sim-1?tokens=9`)
            const degraded = `fallback; target=${provider}-good/sim-1?tokens=9; because=${code}`
            assert.equal(heard.header('x-sluice-degraded'), degraded)
            const call = await callOnRecord(sluice, heard.header('x-sluice-call'))
            assert.equal(call.status, 'succeeded')
            assert.deepEqual(
              call.attempts.map(attempt => [attempt.status, attempt.code]),
              [
                ['failed', code],
                ['succeeded', null],
              ],
            )
          })
        }
      }
    })

    suite(`${pair}: a failure after content`, () => {
      for (const [what, { code }] of Object.entries(late)) {
        test(`is told, and nothing is begun again: ${what}`, async () => {
          const heard = await ask(caller, `${provider}-${what}`, true)
          assert.equal(heard.status, 200)
          assert.ok(heard.errors >= 1, 'a typed error event')
          assert.ok(heard.text !== '' && good.startsWith(heard.text) && heard.text !== good, heard.text)
          assert.equal(heard.header('x-sluice-degraded'), null)
          const call = await callOnRecord(sluice, heard.header('x-sluice-call'))
          assert.partialDeepStrictEqual(call, { status: 'failed', code, attempts: [{ code }] })
          assert.equal(call.attempts.length, 1)
        })
      }
    })
  }

  suite(`${caller}: what a request itself is at fault for`, () => {
    for (const [what, { status }] of Object.entries(final)) {
      test(`goes to no other target: ${what}`, async () => {
        const heard = await ask(caller, `${caller}-${what}`, false)
        assert.equal(heard.header('x-sluice-attempts'), '1')
        assert.equal(heard.status >= 400 && heard.status < 500, true, `${heard.status}`)
        if (caller !== 'gemini' || status === 400) assert.equal(heard.status, status)
        assert.equal(heard.header('x-should-retry'), 'false')
      })
    }
  })
}
