import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startByteUpstream } from './support/byte-upstream.ts'
import { type CallOnRecord, callOnRecord } from './support/call-log.ts'
import { wholeAnswer } from './support/chat-bytes.ts'
import { eventually } from './support/eventually.ts'
import { brokenStreams, dribble, goodStreams, plainFailures } from './support/provider-failures.ts'
import { type OpenAiSdk, officialSdks } from './support/sdks.ts'
import { startSluice } from './support/sluice.ts'
import { refusingUrl, startUpstream } from './support/upstream.ts'

const key = 'sk-test-web-0123456789'
const providerKey = 'sk-test-provider-secret'
const elsewhere = await startUpstream((_request, response) => void response.end(wholeAnswer))

const failures = plainFailures({ redirectTo: `${elsewhere.url}/chat/completions`, providerKey })
const slug = (what: string): string => what.replaceAll(/\W+/g, '-')
const upstream = await startByteUpstream(
  Object.fromEntries([
    ...[failures, brokenStreams, goodStreams].flatMap(cases =>
      Object.entries(cases).map(([what, { answer }]) => [slug(what), answer] as const),
    ),
    ['dribble', dribble],
  ]),
)
const refusing = await refusingUrl()
const sluice = await startSluice({
  config: `
providers:
  up:
    dialect: openai
    base_url: ${upstream.url}
    api_key: ${providerKey}
    retries: 0
    timeouts: { first_token: 300ms, idle: 300ms, total: 1s }
  gone: { dialect: openai, base_url: "${refusing}", api_key: ${providerKey}, retries: 0 }
prices:
  up/*: { input: 1, output: 2 }
keys:
  - { name: web, key: ${key}, organization: acme, project: shop }
`,
})

const messages = [{ role: 'user' as const, content: 'Hello!' }]
type Client = InstanceType<OpenAiSdk>
type ApiError = InstanceType<OpenAiSdk['APIError']>

/** What went over the wire to an SDK. */
interface Heard {
  text: string
  headers: Headers
}

function listen(Sdk: OpenAiSdk): { client: Client; heard: Heard } {
  const heard: Heard = { text: '', headers: new Headers() }
  const client = new Sdk({
    baseURL: `${sluice.url}/v1`,
    apiKey: key,
    maxRetries: 0,
    fetch: async (input, init) => {
      const response = await fetch(input, init)
      heard.headers = response.headers
      if (response.headers.get('content-type') === 'application/json')
        heard.text = await response.clone().text()
      return response
    },
  })
  return { client, heard }
}

function checkSecrecy({ text, headers }: Heard): void {
  for (const secret of [providerKey, providerKey.slice(-8)]) {
    assert.ok(!text.includes(secret))
    assert.ok(!JSON.stringify([...headers]).includes(secret))
  }
}

async function failureOf(request: PromiseLike<unknown>): Promise<ApiError> {
  return await request.then(
    () => assert.fail('the request went through'),
    (error: ApiError) => error,
  )
}

async function recorded({ headers }: Heard, model: string): Promise<CallOnRecord> {
  const call = await callOnRecord(sluice, headers.get('x-sluice-call'))
  assert.equal(
    call.attempts.length,
    upstream.seen(model),
    'each attempt is a request, and each request an attempt',
  )
  return call
}

suite('a plain call whose provider fails', () => {
  for (const [what, { answer: _, ...expected }] of Object.entries(failures)) {
    test(`by ${what}: ${expected.status} ${expected.code}`, async () => {
      const { client, heard } = listen(officialSdks['openai 7'])
      const model = slug(what)
      const error = await failureOf(client.chat.completions.create({ model: `up/${model}`, messages }))
      assert.equal(error.status, expected.status, error.message)
      assert.equal(error.code, expected.code)
      if (expected.body !== undefined) assert.equal(heard.text, expected.body)
      else assert.doesNotMatch(heard.text, /words of the provider|<title>/)
      for (const [name, value] of Object.entries(expected.headers ?? {})) checkHeader(heard, name, value)
      checkSecrecy(heard)

      const code = expected.recorded ?? expected.code
      assert.partialDeepStrictEqual(await recorded(heard, model), {
        status: 'failed',
        code,
        attempts: [{ n: 1, status: 'failed', code, http_status: expected.httpStatus }],
      })
    })
  }

  test('by refusing the connection: 502 provider_unreachable, and nothing is owed', async () => {
    const { client, heard } = listen(officialSdks['openai 7'])
    const error = await failureOf(client.chat.completions.create({ model: 'gone/x', messages }))
    assert.equal(error.status, 502)
    assert.equal(error.code, 'provider_unreachable')
    assert.partialDeepStrictEqual(await callOnRecord(sluice, heard.headers.get('x-sluice-call')), {
      status: 'failed',
      code: 'provider_unreachable',
      cost: { state: 'free' },
      attempts: [{ status: 'failed', code: 'provider_unreachable', http_status: null }],
    })
  })

  test('no redirect was followed', () => {
    assert.equal(elsewhere.requests.length, 0)
  })
})

function checkHeader({ headers }: Heard, name: string, value: string | RegExp | null): void {
  if (value instanceof RegExp) assert.match(headers.get(name) ?? '', value)
  else assert.equal(headers.get(name), value, name)
}

/** Reads a stream to its end: what it said, and the error that it ended with. */
async function readStream(
  client: Client,
  model: string,
): Promise<{ text: string; error: ApiError | undefined }> {
  let text = ''
  try {
    const stream = await client.chat.completions.create({ model: `up/${model}`, messages, stream: true })
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
  } catch (error) {
    return { text, error: error as ApiError }
  }
  return { text, error: undefined }
}

for (const [name, Sdk] of Object.entries(officialSdks)) {
  suite(`${name}: a stream that breaks`, () => {
    for (const [what, expected] of Object.entries(brokenStreams)) {
      test(`one that ${what} is never taken for a whole one`, async () => {
        const { client, heard } = listen(Sdk)
        const model = slug(what)
        const before = upstream.seen(model)
        const { text, error } = await readStream(client, model)
        assert.ok(error instanceof Sdk.APIError, 'the SDK throws')
        assert.equal(error.code, expected.code, error.message)
        assert.equal(error.status, expected.status)
        assert.equal(text, expected.text ?? '')
        checkSecrecy(heard)

        const call = await callOnRecord(sluice, heard.headers.get('x-sluice-call'))
        assert.equal(call.attempts.length, upstream.seen(model) - before)
        assert.partialDeepStrictEqual(call, {
          status: 'failed',
          code: expected.code,
          attempts: [{ status: 'failed', code: expected.code }],
        })
      })
    }

    test('one that would go on for ever is cut off when the call’s time is up', async () => {
      const { text, error } = await readStream(listen(Sdk).client, 'dribble')
      assert.ok(error instanceof Sdk.APIError)
      assert.equal(error.code, 'upstream_timeout')
      assert.match(text, /^\.+$/)
    })
  })
}

suite('a stream that does not break', () => {
  for (const [what, { text }] of Object.entries(goodStreams)) {
    test(what, async () => {
      const { client, heard } = listen(officialSdks['openai 7'])
      assert.deepEqual(await readStream(client, slug(what)), { text, error: undefined })
      assert.partialDeepStrictEqual(await recorded(heard, slug(what)), {
        status: 'succeeded',
        code: null,
        usage: { input_tokens: 11, output_tokens: 3, source: 'provider' },
        attempts: [{ status: 'succeeded', http_status: 200 }],
      })
    })
  }
})

suite('what was produced before a stream broke', () => {
  test('is on record as an estimate, and priced', async () => {
    const { client, heard } = listen(officialSdks['openai 7'])
    await readStream(client, slug('is closed in the middle'))
    const call = await callOnRecord(sluice, heard.headers.get('x-sluice-call'))
    assert.partialDeepStrictEqual(call.usage, { output_tokens: 2, source: 'estimate' })
    assert.equal(call.cost.state, 'priced')
  })

  test('is of unknown extent when nothing was heard after the request was sent', async () => {
    const { client, heard } = listen(officialSdks['openai 7'])
    await readStream(client, slug('never begins'))
    const call = await callOnRecord(sluice, heard.headers.get('x-sluice-call'))
    assert.equal(call.usage.source, 'unknown')
    assert.equal(call.cost.state, 'unpriced')
  })
})

test('after all that, no call is left under way', async () => {
  await eventually('no call is under way', async () => {
    const text = await (await fetch(`${sluice.url}/metrics`)).text()
    return /^sluice_calls_under_way 0$/m.test(text)
  })
})
