import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { suite, test } from 'node:test'
import { callIds, callOnRecord } from './support/call-log.ts'
import { eventually } from './support/eventually.ts'
import { sendRaw } from './support/raw-client.ts'
import { startSluice } from './support/sluice.ts'

const key = 'sk-test-web-0123456789'
const narrowKey = 'sk-test-narrow-0123456789'
const providerKey = 'sk-test-provider-secret'
const maxBodyBytes = 256 * 1024

const sluice = await startSluice({
  config: `
providers:
  sim: {}
  up: { dialect: openai, base_url: "http://127.0.0.1:9/v1", api_key: ${providerKey} }
models:
  smart: { targets: [sim/sim-1] }
requests: { max_body: 256kb, header_timeout: 2s }
keys:
  - { name: web, key: ${key}, organization: acme, project: shop }
  - { name: narrow, key: ${narrowKey}, organization: acme, project: shop, models: [smart] }
`,
})

const json = { 'content-type': 'application/json' }
const messages = [{ role: 'user', content: 'Hello!' }]
const good = { model: 'smart', messages }

/** Calls that Sluice said it had admitted, by the id it gave them. */
const admitted = new Set<string>()

interface Ask {
  method?: string
  path?: string
  headers?: Record<string, string>
  body?: string | Buffer | ReadableStream | undefined
  key?: string | null
}

async function send({ method = 'POST', path = '/v1/chat/completions', ...ask }: Ask): Promise<Response> {
  const authorization = ask.key === null ? undefined : `Bearer ${ask.key ?? key}`
  const response = await fetch(sluice.url + path, {
    method,
    headers: { ...(authorization && { authorization }), ...(ask.headers ?? json) },
    ...(ask.body !== undefined && { body: ask.body, duplex: 'half' }),
  })
  const id = response.headers.get('x-sluice-call')
  if (id) admitted.add(id)
  return response
}

/** All four keys of an OpenAI error, a stable code, and nothing of what goes on inside. */
async function checkError(
  response: Response,
  status: number,
  code: string,
): Promise<{ param: string | null }> {
  const text = await response.text()
  assert.equal(response.status, status, text)
  assert.match(response.headers.get('x-request-id') ?? '', /^req_[0-9a-f]{32}$/)
  return checkErrorBody(text, code, JSON.stringify([...response.headers]))
}

function checkErrorBody(text: string, code: string, headers = ''): { param: string | null } {
  const { error, ...rest } = JSON.parse(text) as { error: Record<string, string | null> }
  assert.deepEqual(rest, {})
  assert.deepEqual(Object.keys(error).toSorted(), ['code', 'message', 'param', 'type'])
  assert.equal(error.code, code, text)
  assert.ok(error.type && error.message)
  for (const said of [text, headers]) {
    assert.doesNotMatch(said, /\\n +at |node_modules|\.ts\b|node:|fastify|undici|Error:/i)
    for (const secret of [key, narrowKey, providerKey, sluice.adminKey]) assert.ok(!said.includes(secret))
  }
  return { param: error.param ?? null }
}

/** Whatever came before: the next call is answered. */
async function checkHealthy(): Promise<void> {
  const response = await send({ body: JSON.stringify(good) })
  assert.equal(response.status, 200)
  await response.arrayBuffer()
}

interface BadInput extends Ask {
  what: string
  status: number
  code: string
  param?: string | null
}

function refuses(cases: readonly BadInput[]): void {
  for (const { what, status, code, param, ...ask } of cases) {
    test(`refuses ${what}: ${status} ${code}`, async () => {
      const error = await checkError(await send(ask), status, code)
      if (param !== undefined) assert.equal(error.param, param)
      await checkHealthy()
    })
  }
}

suite('keys', () => {
  refuses([
    { what: 'a missing key', key: null, body: '{}', status: 401, code: 'invalid_api_key' },
    { what: 'an unknown key', key: 'sk-nobody', body: '{}', status: 401, code: 'invalid_api_key' },
    {
      what: 'a key in another scheme',
      key: null,
      headers: { ...json, authorization: `Basic ${key}` },
      body: '{}',
      status: 401,
      code: 'invalid_api_key',
    },
    {
      what: 'a key with something after it',
      key: `${key} ${key}`,
      body: '{}',
      status: 401,
      code: 'invalid_api_key',
    },
    {
      what: 'a key of 10 KB',
      key: 'k'.repeat(10_000),
      body: '{}',
      status: 401,
      code: 'invalid_api_key',
    },
    {
      what: 'a key for calls on our own API',
      method: 'GET',
      path: '/sluice/v1/calls',
      headers: {},
      status: 403,
      code: 'permission_denied',
    },
  ])

  test('refuses a revoked and an expired key exactly like an unknown one', async () => {
    const revoked = await makeKey({ name: 'revoked' })
    assert.equal((await send({ key: revoked.key, body: JSON.stringify(good) })).status, 200)
    assert.equal((await manage('DELETE', `/sluice/v1/keys/${revoked.id}`)).status, 200)
    const expired = await makeKey({
      name: 'expired',
      expires_at: new Date(Date.now() + 1000).toISOString(),
    })
    const refusal = async (credential: string) =>
      await eventually('the key is refused', async () => {
        const response = await send({ key: credential, body: JSON.stringify(good) })
        const { 'x-request-id': _, date: __, ...headers } = Object.fromEntries(response.headers)
        const body = await response.text()
        return response.status !== 200 && { status: response.status, headers, body }
      })
    const unknown = await refusal(`sk-sluice-${'A'.repeat(49)}`)
    assert.equal(unknown.status, 401)
    assert.deepEqual(await refusal('anything'), unknown)
    assert.deepEqual(await refusal(revoked.key), unknown)
    assert.deepEqual(await refusal(expired.key), unknown)
  })

  for (const name of ['x-api-key', 'x-goog-api-key']) {
    test(`takes a key from ${name}, as other SDKs send it`, async () => {
      const body = JSON.stringify(good)
      assert.equal((await send({ key: null, headers: { ...json, [name]: key }, body })).status, 200)
      const wrong = await send({ key: null, headers: { ...json, [name]: 'sk-nobody' }, body })
      await checkError(wrong, 401, 'invalid_api_key')
    })
  }
})

async function makeKey(wish: Record<string, string>): Promise<{ id: string; key: string }> {
  const response = await manage('POST', '/sluice/v1/keys', wish)
  assert.equal(response.status, 201)
  return (await response.json()) as { id: string; key: string }
}

async function manage(method: string, path: string, body?: unknown): Promise<Response> {
  return await fetch(sluice.url + path, {
    method,
    headers: { authorization: `Bearer ${sluice.adminKey}`, ...(body !== undefined && json) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

suite('models', () => {
  const ask = (model: string): string => JSON.stringify({ model, messages })
  refuses([
    { what: 'an unknown model', body: ask('nope'), status: 404, code: 'model_not_found', param: 'model' },
    { what: 'a model of an unknown provider', body: ask('nope/x'), status: 404, code: 'model_not_found' },
    { what: 'a model without a name', body: ask('sim/'), status: 404, code: 'model_not_found' },
    { what: 'a model of 10 KB', body: ask('m'.repeat(10_000)), status: 404, code: 'model_not_found' },
    { what: 'a model called __proto__', body: ask('__proto__'), status: 404, code: 'model_not_found' },
    { what: 'a model of half a character', body: ask('\ud800\u0000'), status: 404, code: 'model_not_found' },
    {
      what: 'a model that the key may not use',
      key: narrowKey,
      body: ask('sim/sim-1'),
      status: 403,
      code: 'model_not_allowed',
      param: 'model',
    },
  ])

  test('names what was nearly meant, and not all of a long name', async () => {
    const near = await send({ body: ask('smrat') })
    assert.match(await near.text(), /`smart`/)
    const long = await send({ body: ask('x'.repeat(10_000)) })
    assert.ok((await long.text()).length < 1_000)
  })
})

suite('bodies', () => {
  const invalid = { status: 400, code: 'invalid_json' }
  const deep = (depth: number): string =>
    `{"model":"smart","messages":[{"role":"user","content":"x"}],"a":${'['.repeat(depth)}${']'.repeat(depth)}}`
  refuses([
    { what: 'what is not JSON', body: 'model=smart', ...invalid },
    { what: 'half of a JSON text', body: '{"model":"smart","messages":[{"ro', ...invalid },
    { what: 'JSON with something after it', body: `${JSON.stringify(good)} x`, ...invalid },
    { what: 'an empty body', body: '', ...invalid },
    { what: 'no body', body: undefined, ...invalid },
    { what: 'a body of white space', body: ' \n', ...invalid },
    { what: 'an array', body: `[${JSON.stringify(good)}]`, ...invalid },
    { what: 'a string', body: '"smart"', ...invalid },
    { what: 'null', body: 'null', ...invalid },
    {
      what: 'what is not UTF-8',
      body: Buffer.from('{"model":"smart","messages":[{"role":"user","content":"\xff"}]}', 'latin1'),
      ...invalid,
    },
    { what: 'UTF-16', body: Buffer.from(JSON.stringify(good), 'utf16le'), ...invalid },
    { what: '129 levels', body: deep(128), status: 400, code: 'json_too_deep' },
    { what: '100,000 levels', body: deep(100_000), status: 400, code: 'json_too_deep' },
  ])

  test('takes 128 levels', async () => {
    assert.equal((await send({ body: deep(127) })).status, 200)
  })
})

suite('fields', () => {
  const wrong = (what: string, body: Record<string, unknown>, param: string): BadInput => ({
    what,
    body: JSON.stringify(body),
    status: 400,
    code: 'invalid_request',
    param,
  })
  const models = [undefined, null, '', 5, true, ['smart'], { id: 'smart' }]
  refuses([
    ...models.map(model => wrong(`model ${JSON.stringify(model)}`, { model, messages }, 'model')),
    ...[undefined, null, 'Hello!', {}, []].map(bad =>
      wrong(`messages ${JSON.stringify(bad)}`, { model: 'smart', messages: bad }, 'messages'),
    ),
    wrong('a message that is none', { model: 'smart', messages: [...messages, 'x'] }, 'messages[1]'),
    wrong('a message of nobody', { model: 'smart', messages: [{ content: 'x' }] }, 'messages[0].role'),
    ...['true', 1, {}].map(stream =>
      wrong(`stream ${JSON.stringify(stream)}`, { ...good, stream }, 'stream'),
    ),
    wrong('stream_options true', { ...good, stream: true, stream_options: true }, 'stream_options'),
  ])

  const embed = { path: '/v1/embeddings' }
  refuses([
    ...[undefined, null, 5, {}].map(input => ({
      ...wrong(`input ${JSON.stringify(input)}`, { model: 'smart', input }, 'input'),
      ...embed,
    })),
    { ...wrong('embeddings without a model', { input: 'x' }, 'model'), ...embed },
    {
      what: 'a class that is none',
      headers: { ...json, 'x-sluice-class': 'urgent' },
      body: JSON.stringify(good),
      status: 400,
      code: 'invalid_request',
      param: 'x-sluice-class',
    },
    ...['soon', '-5', '0', '1e99'].map(ms => ({
      what: `a time limit of ${ms}`,
      headers: { ...json, 'x-sluice-timeout-ms': ms },
      body: JSON.stringify(good),
      status: 400,
      code: 'invalid_request',
      param: 'x-sluice-timeout-ms',
    })),
  ])

  test('the last of two models counts, as in JSON.parse, and the provider sees only that', async () => {
    const [last, first] = [
      `{"model":"nope","model":"smart","messages":${JSON.stringify(messages)}}`,
      `{"model":"smart","model":"nope","messages":${JSON.stringify(messages)}}`,
    ]
    assert.equal((await send({ body: last })).status, 200)
    await checkError(await send({ body: first }), 404, 'model_not_found')
  })

  test('names that objects have by themselves are fields like any other', async () => {
    const odd =
      '"__proto__":{"model":"nope"},"constructor":{"prototype":null},"toString":1,"hasOwnProperty":0'
    const plain = await send({ body: `{${odd},"model":"smart","messages":${JSON.stringify(messages)}}` })
    assert.equal(plain.status, 200, await plain.text())
    const without = await send({
      body: `{"__proto__":{"model":"smart"},"messages":${JSON.stringify(messages)}}`,
    })
    await checkError(without, 400, 'invalid_request')
  })

  const names = {
    'half a character': '\ud800x\udc00',
    'NUL and other control characters': 'a\u0000b\u001b[31m\u007f',
    '10 KB': 'ü🌊'.repeat(2_500),
    'what ends a statement': `'; drop table calls; --`,
  }
  for (const [what, name] of Object.entries(names)) {
    test(`${what} as user, feature or model neither breaks a call nor loses its record`, async () => {
      const named = { ...good, user: name, metadata: { feature: name }, model: `sim/${name}` }
      const response = await send({ body: JSON.stringify(named) })
      assert.notEqual(response.status, 500, await response.text())
      const call = await callOnRecord(sluice, response.headers.get('x-sluice-call'))
      assert.ok(call.user && call.user.length <= 256 && call.user.isWellFormed())
      assert.equal(call.user, call.feature)
      await checkHealthy()
    })
  }

  test('a user of 10 KB in a header neither breaks a call nor loses its record', async () => {
    const headers = { ...json, 'x-sluice-user': 'u'.repeat(10_000), 'x-sluice-feature': '\u00fc' }
    const response = await send({ headers, body: JSON.stringify(good) })
    assert.equal(response.status, 200)
    assert.equal((await callOnRecord(sluice, response.headers.get('x-sluice-call'))).user?.length, 256)
  })
})

suite('content', () => {
  const body = JSON.stringify(good)
  const unsupported = { body, status: 415, code: 'unsupported_media_type' }
  refuses([
    { what: 'text', headers: { 'content-type': 'text/plain' }, ...unsupported },
    { what: 'a form', headers: { 'content-type': 'application/x-www-form-urlencoded' }, ...unsupported },
    { what: 'a content type that is none', headers: { 'content-type': 'json' }, ...unsupported },
    { what: 'no content type', headers: {}, ...unsupported, body: Buffer.from(body) },
    { what: 'a compressed body', headers: { ...json, 'content-encoding': 'gzip' }, ...unsupported },
    { what: 'an unknown encoding', headers: { ...json, 'content-encoding': 'x' }, ...unsupported },
  ])

  for (const type of [
    'application/json; charset=utf-8',
    'APPLICATION/JSON',
    'application/json;charset=UTF-8',
  ]) {
    test(`takes ${type}`, async () => {
      assert.equal((await send({ headers: { 'content-type': type }, body })).status, 200)
    })
  }

  const large = Buffer.alloc(maxBodyBytes * 8, 'x')
  const inChunks = () => new Blob([large]).stream()
  refuses([
    { what: 'a body that says it is too large', body: large, status: 413, code: 'body_too_large' },
    { what: 'a body that turns out too large', body: inChunks(), status: 413, code: 'body_too_large' },
    {
      what: 'a body of one byte too many',
      body: padded(maxBodyBytes + 1),
      status: 413,
      code: 'body_too_large',
    },
  ])

  test('takes a body of just the size that is allowed', async () => {
    assert.equal((await send({ body: padded(maxBodyBytes) })).status, 200)
  })

  test('a body too large harms no other call', async () => {
    const slow = send({ headers: { ...json, 'x-sim-script': 'ttft=200ms' }, body })
    const refused = await Promise.all([send({ body: large }), send({ body: inChunks() })])
    assert.deepEqual(
      refused.map(({ status }) => status),
      [413, 413],
    )
    assert.equal((await slow).status, 200)
  })

  function padded(bytes: number): string {
    const open = `${body.slice(0, -1)},"padding":"`
    return `${open}${'x'.repeat(bytes - open.length - 2)}"}`
  }
})

suite('addresses and HTTP', () => {
  const nothing = { status: 404, code: 'not_found' }
  const wrongMethod = { headers: {}, status: 405, code: 'method_not_allowed' }
  refuses([
    { what: 'an unknown path', method: 'GET', path: '/nope', headers: {}, ...nothing },
    {
      what: 'a path that only a provider may have, for a key that may not',
      method: 'GET',
      path: '/v1/nope',
      headers: {},
      status: 403,
      code: 'permission_denied',
    },
    { what: 'an unknown path, posted to', path: '/v2/chat/completions', body: '{}', ...nothing },
    {
      what: 'a path that is none',
      method: 'GET',
      path: '/v1/models/%zz',
      headers: {},
      status: 400,
      code: 'invalid_request',
    },
    { what: 'a call by GET', method: 'GET', path: '/v1/chat/completions', ...wrongMethod },
    { what: 'a call by DELETE', method: 'DELETE', path: '/v1/embeddings', ...wrongMethod },
    { what: 'a list by POST', method: 'POST', path: '/v1/models', ...wrongMethod, headers: json, body: '{}' },
    { what: 'a model by DELETE', method: 'DELETE', path: '/v1/models/smart', ...wrongMethod },
  ])

  test('says which method an address takes', async () => {
    const response = await send({ method: 'GET', headers: {} })
    assert.equal(response.headers.get('allow'), 'POST')
  })

  test('says what a base URL without /v1 is missing', async () => {
    const response = await send({ path: '/chat/completions', body: '{}' })
    assert.match(await response.text(), /\/v1/)
  })

  const host = 'host: localhost\r\n'
  const raw = [
    { what: 'what is not HTTP', bytes: 'hello?\r\n\r\n', status: 400 },
    { what: 'TLS', bytes: Buffer.from('160301020001000000', 'hex'), status: 400 },
    { what: 'a header that is none', bytes: `GET / HTTP/1.1\r\n${host}no colon\r\n\r\n`, status: 400 },
    { what: 'two lengths', bytes: lengths('content-length: 2', 'content-length: 3'), status: 400 },
    {
      what: 'a length and chunks',
      bytes: lengths('content-length: 2', 'transfer-encoding: chunked'),
      status: 400,
    },
    { what: 'no host', bytes: 'GET /v1/models HTTP/1.1\r\nconnection: close\r\n\r\n', status: 400 },
    {
      what: 'headers too large',
      bytes: `GET / HTTP/1.1\r\n${host}x: ${'x'.repeat(70_000)}\r\n\r\n`,
      status: 431,
    },
  ]
  for (const { what, bytes, status } of raw) {
    test(`refuses ${what}: ${status}`, async () => {
      const answer = await sendRaw(sluice.url, bytes)
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `))
      checkErrorBody(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'invalid_request')
      await checkHealthy()
    })
  }

  // Node alone would keep each of these sockets for as long as the other side keeps its own.
  test('closes a connection of what is not HTTP, also where the other side leaves its end open', async () => {
    const { hostname, port } = new URL(sluice.url)
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    socket.on('error', () => undefined) // what is written to a connection that is closed at both ends
    socket.write('hello?\r\n\r\n')
    await once(socket.resume(), 'end')
    await eventually('the connection is closed', () => {
      socket.write('still here?')
      return socket.destroyed
    })
  })

  test('does not wait longer for the headers of a request than `requests.header_timeout` says', async () => {
    assert.match(
      await sendRaw(sluice.url, `POST /v1/chat/completions HTTP/1.1\r\n${host}x-`),
      /^HTTP\/1.1 408 /,
    )
  })

  test('writes no refusal into an answer that is under way, and ends its call', async () => {
    const body = JSON.stringify({ ...good, model: 'sim/sim-1?tokens=500&pace=50ms', stream: true })
    const head = `POST /v1/chat/completions HTTP/1.1\r\n${host}authorization: Bearer ${key}\r\ncontent-type: application/json\r\n`
    const { hostname, port } = new URL(sluice.url)
    const socket = connect(Number(port), hostname)
    let heard = ''
    const closed = new Promise<void>(resolve => socket.once('close', resolve))
    socket.on('error', () => undefined) // broken off, one way or the other
    socket.on('data', bytes => {
      heard += bytes
      if (heard.includes('"delta"')) socket.write('garbage\r\n\r\n')
    })
    socket.write(`${head}content-length: ${body.length}\r\n\r\n${body}`)
    await closed
    assert.doesNotMatch(heard, /HTTP\/1.1 400|\[DONE\]/)
    const id = /x-sluice-call: (\S+)/.exec(heard)?.[1] ?? ''
    admitted.add(id)
    assert.partialDeepStrictEqual(await callOnRecord(sluice, id), {
      status: 'cancelled',
      code: 'client_closed',
    })
  })

  function lengths(...headers: string[]): string {
    return `POST /v1/chat/completions HTTP/1.1\r\n${host}${headers.join('\r\n')}\r\n\r\n{}`
  }
})

test('after all that, every call that was admitted is on record, once', async () => {
  await checkHealthy()
  for (const id of admitted) assert.notEqual((await callOnRecord(sluice, id)).status, 'unknown')
  assert.deepEqual((await callIds(sluice)).toSorted(), [...admitted].toSorted())
  assert.ok(admitted.size < 200, 'the list shows them all')
})
