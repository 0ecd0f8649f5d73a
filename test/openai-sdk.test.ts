import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { suite, test } from 'node:test'
import { callOfFeature, callOnRecord } from './support/call-log.ts'
import {
  doneEvent,
  finishEvent,
  roleEvent,
  streamHead,
  textEvent,
  usage,
  usageEvent,
  wholeAnswer,
} from './support/chat-bytes.ts'
import { eventually } from './support/eventually.ts'
import { type OpenAiSdk, officialSdks } from './support/sdks.ts'
import { startSluice } from './support/sluice.ts'
import { type SeenRequest, startUpstream } from './support/upstream.ts'

const key = 'sk-test-web-0123456789'
const narrowKey = 'sk-test-narrow-0123456789'
const providerKey = 'sk-test-provider-secret'

const upstream = await startUpstream(answerByModel)
const sluice = await startSluice({
  firstStart: true,
  config: `
providers:
  sim: {}
  up: { dialect: openai, base_url: ${upstream.url}, api_key: ${providerKey} }
models:
  smart: { targets: [sim/sim-1] }
  house/small: { targets: [sim/sim-embed] }
prices:
  up/*: { input: 1, output: 2 }
keys:
  - { name: web, key: ${key}, organization: acme, project: shop }
  - { name: narrow, key: ${narrowKey}, organization: acme, project: shop, models: [smart] }
`,
})

const messages = [{ role: 'user' as const, content: 'What about lighthouses?' }]

/** What the upstream does, by the model it is asked for. */
function answerByModel(request: SeenRequest, response: ServerResponse): void {
  const { model } = JSON.parse(request.body) as { model: string }
  if (model === 'silent') return // for good
  if (model === 'whole') {
    response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'req_upstream_1' })
    response.end(wholeAnswer)
    return
  }
  response.writeHead(200, streamHead)
  response.write(roleEvent + textEvent('a') + textEvent('b') + textEvent('c'))
  if (model === 'endless') return
  response.end(finishEvent + usageEvent + doneEvent)
}

const lastRequest = (): SeenRequest => upstream.requests.at(-1)!

/** A request as it stands, without an SDK in between. */
async function post(body: string, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(`${sluice.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body,
  })
}

for (const [name, Sdk] of Object.entries(officialSdks)) {
  suite(name, () => {
    const client = new Sdk({ baseURL: `${sluice.url}/v1`, apiKey: key, maxRetries: 0 })
    chatTests(client)
    streamTests(client)
    toolTests(client)
    embeddingAndModelTests(client)
    attributionTests(client)
    errorTests(Sdk, client)
    abortTests(Sdk, client)
  })
}

type Client = InstanceType<OpenAiSdk>

function chatTests(client: Client): void {
  test('a chat is answered, and its call is on record with attempt, usage and price', async () => {
    const { data, response, request_id } = await client.chat.completions
      .create({ model: 'smart', messages })
      .withResponse()
    assert.ok(data.choices[0]?.message.content)
    assert.equal(data.choices[0].finish_reason, 'stop')
    assert.equal(response.headers.get('x-sluice-target'), 'sim/sim-1')
    assert.equal(response.headers.get('x-sluice-attempts'), '1')

    const call = await callOnRecord(sluice, response.headers.get('x-sluice-call'))
    assert.equal(call.request_id, response.headers.get('x-request-id'))
    assert.equal(call.request_id, request_id)
    assert.partialDeepStrictEqual(call, {
      status: 'succeeded',
      organization: 'acme',
      project: 'shop',
      key: { name: 'web' },
      operation: 'chat',
      model: 'smart',
      target: 'sim/sim-1',
      stream: false,
      usage: {
        input_tokens: data.usage?.prompt_tokens,
        output_tokens: data.usage?.completion_tokens,
        source: 'provider',
      },
      cost: { usd: response.headers.get('x-sluice-cost-usd'), state: 'priced' },
    })
    assert.equal(call.attempts.length, 1)
    assert.partialDeepStrictEqual(call.attempts[0], {
      n: 1,
      target: 'sim/sim-1',
      status: 'succeeded',
      http_status: 200,
    })
    assert.ok(Number(call.cost.usd) > 0)
    assert.ok(call.attempts[0]?.cost.price)
  })

  test('several answers to one question come back in order', async () => {
    const { choices } = await client.chat.completions.create({ model: 'smart', messages, n: 2 })
    assert.deepEqual(
      choices.map(({ index }) => index),
      [0, 1],
    )
  })

  test('an answer in the shape of a JSON schema is parsed by the SDK', async () => {
    const schema = {
      type: 'object',
      properties: { name: { type: 'string' }, heightMetres: { type: 'integer', minimum: 1, maximum: 200 } },
      required: ['name', 'heightMetres'],
      additionalProperties: false,
    }
    const { choices } = await client.chat.completions.parse({
      model: 'smart',
      messages,
      response_format: { type: 'json_schema', json_schema: { name: 'lighthouse', schema, strict: true } },
    })
    const { parsed } = choices[0]!.message as { parsed: { heightMetres: number } | null }
    assert.ok(parsed && Number.isInteger(parsed.heightMetres))
  })
}

function streamTests(client: Client): void {
  test('a streamed chat is put together by the SDK to what the plain one says', async () => {
    const plain = await client.chat.completions.create({ model: 'smart', messages })
    const stream = client.chat.completions.stream({
      model: 'smart',
      messages,
      stream_options: { include_usage: true },
    })
    const whole = await stream.finalChatCompletion()
    assert.equal(whole.choices[0]?.message.content, plain.choices[0]?.message.content)
    assert.deepEqual(whole.usage, plain.usage)
  })

  test('several answers are streamed side by side', async () => {
    const whole = await client.chat.completions
      .stream({ model: 'smart', messages, n: 2 })
      .finalChatCompletion()
    assert.equal(whole.choices.length, 2)
    assert.ok(whole.choices.every(({ message }) => message.content))
  })

  test('a caller who asks for usage gets it, once, at the end', async () => {
    const stream = await client.chat.completions.create({
      model: 'up/stream',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = await collect(stream)
    assert.deepEqual(
      chunks.map(chunk => chunk.usage ?? null),
      [...chunks.slice(1).map(() => null), usage],
    )
    assert.deepEqual(chunks.at(-1)?.choices, [])
  })

  test('a caller who does not ask for usage sees none, and yet the call is priced by it', async () => {
    const { data, response } = await client.chat.completions
      .create({ model: 'up/stream', messages, stream: true })
      .withResponse()
    const chunks = await collect(data)
    assert.ok(chunks.every(chunk => !chunk.usage && chunk.choices.length > 0))

    const call = await callOnRecord(sluice, response.headers.get('x-sluice-call'))
    assert.equal(call.stream, true)
    assert.partialDeepStrictEqual(call.usage, { input_tokens: 11, output_tokens: 3, source: 'provider' })
    assert.deepEqual(call.cost, { usd: '0.000017', state: 'priced' })
    assert.notEqual(call.attempts[0]?.first_token_ms, null)
  })
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of stream) all.push(one)
  return all
}

const tools = [
  {
    type: 'function' as const,
    function: {
      name: 'find_lighthouse',
      parameters: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
    },
  },
]

function toolTests(client: Client): void {
  const script = { headers: { 'x-sim-script': 'tool=2' } }

  test('tools are called, several at a time', async () => {
    const { choices } = await client.chat.completions.create({ model: 'smart', messages, tools }, script)
    assert.equal(choices[0]?.finish_reason, 'tool_calls')
    checkToolCalls(choices[0].message.tool_calls)
  })

  test('streamed tool calls are put together by the SDK', async () => {
    const stream = client.chat.completions.stream({ model: 'smart', messages, tools }, script)
    const { choices } = await stream.finalChatCompletion()
    assert.equal(choices[0]?.finish_reason, 'tool_calls')
    checkToolCalls(choices[0].message.tool_calls)
  })

  test('what a tool said is answered', async () => {
    const asked = await client.chat.completions.create({ model: 'smart', messages, tools }, script)
    const { message } = asked.choices[0]!
    const said = (message.tool_calls ?? []).map(({ id }) => ({
      role: 'tool' as const,
      tool_call_id: id,
      content: '42 m',
    }))
    const { choices } = await client.chat.completions.create(
      { model: 'smart', messages: [...messages, message, ...said], tools },
      script,
    )
    assert.equal(choices[0]?.finish_reason, 'stop')
  })
}

function checkToolCalls(calls: readonly { id: string; type: string }[] | undefined): void {
  assert.equal(calls?.length, 2)
  assert.equal(new Set(calls.map(({ id }) => id)).size, 2)
  for (const call of calls) {
    assert.ok('function' in call)
    const { name, arguments: given } = call.function as { name: string; arguments: string }
    assert.equal(name, 'find_lighthouse')
    assert.equal(typeof (JSON.parse(given) as { place: unknown }).place, 'string')
  }
}

function embeddingAndModelTests(client: Client): void {
  test('embeddings come as base64, which the SDK asks for, as floats, and as short as wanted', async () => {
    const ask = { model: 'house/small', input: ['a lighthouse', 'the sea'] }
    const { data, response } = await client.embeddings.create(ask).withResponse()
    const floats = await client.embeddings.create({ ...ask, encoding_format: 'float' })
    const short = await client.embeddings.create({ ...ask, dimensions: 8 })
    assert.deepEqual(
      data.data.map(({ embedding }) => embedding.length),
      [256, 256],
    )
    for (const [i, { embedding }] of data.data.entries()) {
      assert.deepEqual(embedding, [...Float32Array.from(floats.data[i]?.embedding ?? [])])
    }
    assert.equal(short.data[0]?.embedding.length, 8)

    const call = await callOnRecord(sluice, response.headers.get('x-sluice-call'))
    assert.partialDeepStrictEqual(call, {
      status: 'succeeded',
      operation: 'embeddings',
      usage: { input_tokens: data.usage.prompt_tokens, output_tokens: 0, source: 'provider' },
    })
  })

  test('models are listed and found, those with a slash too', async () => {
    const ids = (await client.models.list()).data.map(({ id }) => id)
    assert.deepEqual(ids.toSorted(), ['house/small', 'sim/sim-1', 'sim/sim-embed', 'smart'])
    assert.equal((await client.models.retrieve('house/small')).id, 'house/small')
    assert.equal((await client.models.retrieve('sim/anything')).owned_by, 'sim')
    await assert.rejects(client.models.retrieve('smrt'), { status: 404, code: 'model_not_found' })
  })

  test('a key sees only the models that it may use', async () => {
    const narrow = client.withOptions({ apiKey: narrowKey })
    assert.deepEqual(
      (await narrow.models.list()).data.map(({ id }) => id),
      ['smart'],
    )
    await assert.rejects(narrow.models.retrieve('sim/sim-1'), { status: 403, code: 'model_not_allowed' })
  })
}

function attributionTests(client: Client): void {
  const ask = { model: 'smart', messages }
  const ways = [
    { what: 'user', body: { user: 'ada' }, headers: {}, expected: { user: 'ada', feature: null } },
    {
      what: 'safety_identifier and metadata.feature',
      body: { safety_identifier: 'ada', metadata: { feature: 'search' } },
      headers: {},
      expected: { user: 'ada', feature: 'search' },
    },
    {
      what: 'headers, before what the body says',
      body: { user: 'not me', metadata: { feature: 'not this' } },
      headers: { 'x-sluice-user': 'ada', 'x-sluice-feature': 'chat' },
      expected: { user: 'ada', feature: 'chat' },
    },
    {
      what: 'x-sluice-class',
      body: {},
      headers: { 'x-sluice-class': 'batch' },
      expected: { class: 'batch', user: null },
    },
    {
      what: 'service_tier',
      body: { service_tier: 'flex' as const },
      headers: {},
      expected: { class: 'batch' },
    },
  ]
  for (const { what, body, headers, expected } of ways) {
    test(`a call is attributed by ${what}`, async () => {
      const { response } = await client.chat.completions
        .create({ ...ask, ...body }, { headers })
        .withResponse()
      const call = await callOnRecord(sluice, response.headers.get('x-sluice-call'))
      assert.partialDeepStrictEqual(call, expected)
    })
  }
}

function errorTests(Sdk: OpenAiSdk, client: Client): void {
  const ask = (model: string) => client.chat.completions.create({ model, messages })

  test('a bad key is an AuthenticationError', async () => {
    const stranger = client.withOptions({ apiKey: 'sk-nobody' })
    const error = await failureOf(stranger.chat.completions.create({ model: 'smart', messages }))
    assert.ok(error instanceof Sdk.AuthenticationError)
    assert.equal(error.code, 'invalid_api_key')
    assert.match(error.requestID ?? '', /^req_/)
  })

  test('a bad model is a NotFoundError that names the nearest ones', async () => {
    const error = await failureOf(ask('smrt'))
    assert.ok(error instanceof Sdk.NotFoundError)
    assert.partialDeepStrictEqual({ ...error }, { code: 'model_not_found', param: 'model' })
    assert.match(error.message, /`smart`/)
  })

  test('a bad body is a BadRequestError that names the field', async () => {
    const error = await failureOf(client.chat.completions.create({ model: 'smart', messages: [] }))
    assert.ok(error instanceof Sdk.BadRequestError)
    assert.partialDeepStrictEqual({ ...error }, { code: 'invalid_request', param: 'messages' })
  })

  test('a model that the key may not use is a PermissionDeniedError', async () => {
    const narrow = client.withOptions({ apiKey: narrowKey })
    const error = await failureOf(narrow.chat.completions.create({ model: 'sim/sim-1', messages }))
    assert.ok(error instanceof Sdk.PermissionDeniedError)
    assert.equal(error.code, 'model_not_allowed')
  })

  test("a provider's rate limit is a RateLimitError that says when to come back", async () => {
    const error = await failureOf(ask('sim/sim-1?fail=429&retry_after=90'))
    assert.ok(error instanceof Sdk.RateLimitError)
    assert.equal(error.code, 'rate_limited')
    assert.match(error.headers?.get('retry-after') ?? '', /^([6-9]\d|1[0-2]\d)$/)
    assert.equal(error.headers?.get('x-should-retry'), null)
  })

  test("a provider's failure is an InternalServerError, and the SDK's own retry gets through", async () => {
    assert.ok((await failureOf(ask('sim/sim-1?fail=500'))) instanceof Sdk.InternalServerError)
    const patient = client.withOptions({ maxRetries: 1 })
    const model = `sim/sim-1?fail=503&on=1&as=${encodeURIComponent(Sdk.name + Math.random())}`
    const { choices } = await patient.chat.completions.create({ model, messages })
    assert.equal(choices[0]?.finish_reason, 'stop')
  })
}

/** Of a request that must fail. */
async function failureOf(request: PromiseLike<unknown>): Promise<InstanceType<OpenAiSdk['APIError']>> {
  return await request.then(
    () => assert.fail('the request went through'),
    (error: InstanceType<OpenAiSdk['APIError']>) => error,
  )
}

function abortTests(Sdk: OpenAiSdk, client: Client): void {
  test('an abort in mid-stream closes the provider’s connection, and what was produced is on record', async () => {
    const { data, response } = await client.chat.completions
      .create({ model: 'up/endless', messages, stream: true })
      .withResponse()
    let text = ''
    for await (const chunk of data) {
      text += chunk.choices[0]?.delta.content ?? ''
      if (text === 'abc') break // the SDK aborts the request
    }
    assert.equal(await lastRequest().hungUp, true)

    const call = await callOnRecord(sluice, response.headers.get('x-sluice-call'))
    assert.partialDeepStrictEqual(call, {
      status: 'cancelled',
      code: 'client_closed',
      usage: { output_tokens: 3, source: 'estimate' },
      cost: { state: 'priced' },
      attempts: [{ status: 'cancelled', http_status: 200 }],
    })
    assert.ok((call.usage.input_tokens ?? 0) > 0)
  })

  test('an abort before a plain answer closes the provider’s connection, and is on record', async () => {
    const seen = upstream.requests.length
    const controller = new AbortController()
    const feature = `abort-${seen}`
    const request = client.chat.completions.create(
      { model: 'up/silent', messages },
      { signal: controller.signal, headers: { 'x-sluice-feature': feature } },
    )
    const failure = failureOf(request)
    await eventually('the upstream is asked', () => upstream.requests.length > seen)
    controller.abort()
    assert.ok((await failure) instanceof Sdk.APIUserAbortError)
    assert.equal(await lastRequest().hungUp, true)
    assert.partialDeepStrictEqual(await callOfFeature(sluice, feature), {
      status: 'cancelled',
      code: 'client_closed',
      usage: { source: 'estimate' },
      attempts: [{ status: 'cancelled', http_status: null }],
    })
  })
}

suite('same dialect in and out', () => {
  const odd = String.raw`"big":12345678901234567890, "one":1.0 ,"x":1E2,
    "esc":"caf\u00e9 \ud83c\udf0a \/", "dup":1,"dup":{"a":2}, "constructor":{"z":[ ]},"__proto__":[1.50,{"toString":null}],
    "messages":[{"role":"user","content":"hi","unknown":{"b":-0.0,"a":{}}}]`
  const requests = [
    {
      what: 'a plain request',
      sent: ` { "model" : "up/whole" ,${odd} }`,
      arrived: `{ "model" : "whole" ,${odd} }`,
    },
    {
      what: 'a model named twice, once in escapes',
      sent: `{"model":"nobody","m\\u006fdel":"up/whole",${odd}}`,
      arrived: `{"model":"whole","m\\u006fdel":"whole",${odd}}`,
    },
    {
      what: 'a streamed request',
      sent: `{${odd},"stream":true,"model":"up/stream"}`,
      arrived: `{"stream_options":{"include_usage":true},${odd},"stream":true,"model":"stream"}`,
    },
    {
      what: 'a streamed request with options',
      sent: `{"stream":true,"stream_options": {"include_obfuscation":false} ,"model":"up/stream",${odd}}`,
      arrived: `{"stream":true,"stream_options": {"include_obfuscation":false,"include_usage":true} ,"model":"stream",${odd}}`,
    },
  ]
  for (const { what, sent, arrived } of requests) {
    test(`${what} arrives byte for byte, but for the model and the wish for usage`, async () => {
      const answer = await post(sent)
      assert.equal(answer.status, 200)
      await answer.arrayBuffer()
      assert.equal(lastRequest().body, arrived)
    })
  }

  test('a plain answer comes back byte for byte', async () => {
    const answer = await post(JSON.stringify({ model: 'up/whole', messages }))
    assert.equal(await answer.text(), wholeAnswer)
    assert.equal(answer.headers.get('x-sluice-cost-usd'), '0.000017')
    const call = await callOnRecord(sluice, answer.headers.get('x-sluice-call'))
    assert.equal(call.attempts[0]?.provider_request_id, 'req_upstream_1')
  })

  test('a stream comes back byte for byte, but for the usage that was not asked for', async () => {
    const content = roleEvent + textEvent('a') + textEvent('b') + textEvent('c') + finishEvent
    const ask = { model: 'up/stream', messages, stream: true }
    const silent = await post(JSON.stringify(ask))
    assert.equal(await silent.text(), content + doneEvent)
    const asked = await post(JSON.stringify({ ...ask, stream_options: { include_usage: true } }))
    assert.equal(await asked.text(), content + usageEvent + doneEvent)
  })

  test('the provider gets its own credential, and never the caller’s', async () => {
    await (
      await post(JSON.stringify({ model: 'up/whole', messages }), { 'x-api-key': key, cookie: key })
    ).text()
    const { headers } = lastRequest()
    assert.equal(headers.authorization, `Bearer ${providerKey}`)
    assert.ok(!JSON.stringify(headers).includes(key))
  })
})
