import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI, { toFile } from 'openai'
import { type CallOnRecord, callOnRecord } from './support/call-log.ts'
import { eventually } from './support/eventually.ts'
import { answerForeign, fileBytes, speechPieces } from './support/passthrough-upstream.ts'
import { sendRaw } from './support/raw-client.ts'
import { runSluice, startSluice } from './support/sluice.ts'
import { type SeenRequest, startUpstream } from './support/upstream.ts'

const keys = {
  free: 'sk-test-free-0123456789',
  listed: 'sk-test-listed-0123456789',
  plain: 'sk-test-plain-0123456789',
}
const secrets = {
  openai: 'sk-their-openai-secret',
  claude: 'sk-their-claude-secret',
  google: 'their-google-secret',
}
const upstream = await startUpstream(answerForeign)
const origin = new URL(upstream.url).origin
const sluice = await startSluice({
  config: `
providers:
  open: { dialect: openai, base_url: "${origin}/v1", api_key: ${secrets.openai}, retries: 0 }
  claude: { dialect: anthropic, base_url: "${origin}/v1", api_key: ${secrets.claude}, retries: 0 }
  google: { dialect: gemini, base_url: "${origin}/v1beta", api_key: ${secrets.google}, retries: 0 }
models:
  draw: { targets: [open/painter-1] }
  hear: { targets: [open/ears-1] }
  speak: { targets: [open/voice-1] }
  imagen: { targets: [google/imagen-4] }
prices:
  open/painter-1: { input: 5, image_input: 10, output: 1, image_output: 40 }
  open/ears-1: { input: 1, audio_input: 3, output: 5 }
  open/voice-1: { input: 1, output: 2 }
requests: { max_body: 1mb }
calls: { content: all }
keys:
  - { name: free, key: ${keys.free}, passthrough: true, organization: acme }
  - { name: listed, key: ${keys.listed}, passthrough: true, models: [draw, "open/judge*"] }
  - { name: plain, key: ${keys.plain} }
`,
})

interface Ask {
  method?: string
  path: string
  key?: string
  headers?: Record<string, string>
  body?: string | Buffer<ArrayBuffer> | FormData
}

async function send({ method = 'POST', path, key = keys.free, headers = {}, body }: Ask): Promise<Response> {
  const type = typeof body === 'string' ? { 'content-type': 'application/json' } : {}
  return await fetch(`${sluice.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...type, ...headers },
    ...(body !== undefined && { body }),
  })
}

async function recorded(answer: Response): Promise<CallOnRecord> {
  return await callOnRecord(sluice, answer.headers.get('x-sluice-call'))
}

function lastSeen(): SeenRequest {
  return upstream.requests.at(-1) ?? assert.fail('the provider was not asked')
}

interface ErrorBody {
  error: { message: string; code: string; param: string | null }
}

async function errorOf(answer: Response): Promise<ErrorBody['error']> {
  return ((await answer.json()) as ErrorBody).error
}

suite('the official SDKs', () => {
  const client = new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: keys.free, maxRetries: 0 })

  test('OpenAI: makes an image, priced by the kinds of its tokens', async () => {
    const { data, response } = await client.images
      .generate({ model: 'draw', prompt: 'a house', user: 'u-1' })
      .withResponse()
    assert.equal(data.data?.[0]?.b64_json, 'aGk=')
    assert.equal(lastSeen().body, '{"model":"painter-1","prompt":"a house","user":"u-1"}')
    assert.equal(lastSeen().headers.authorization, `Bearer ${secrets.openai}`)
    assert.equal(response.headers.get('x-sluice-cost-usd'), '0.0405')
    const call = await recorded(response)
    assert.partialDeepStrictEqual(call, {
      status: 'succeeded',
      operation: 'passthrough',
      path: 'POST /v1/images/generations',
      model: 'draw',
      target: 'open/painter-1',
      user: 'u-1',
      organization: 'acme',
      usage: { input_tokens: 60, output_tokens: 1_000, source: 'provider' },
      cost: { usd: '0.0405', state: 'priced' },
    })
    assert.deepEqual([call.attempts.length, call.attempts[0]?.http_status], [1, 200])
    assert.equal(call.attempts[0]?.provider_request_id, 'their-1')
  })

  test('OpenAI: speaks, byte for byte', async () => {
    const answer = await client.audio.speech.create({ model: 'speak', voice: 'alloy', input: 'Hello!' })
    assert.equal(answer.headers.get('content-type'), 'audio/mpeg')
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(Buffer.concat(speechPieces)))
    const call = await recorded(answer)
    assert.deepEqual([call.status, call.cost.state, call.usage.source], ['succeeded', 'unpriced', 'unknown'])
  })

  test('OpenAI: hears, by a form whose model alone is exchanged', async () => {
    const file = await toFile(fileBytes, 'a.mp3', { type: 'audio/mpeg' })
    const { data, response } = await client.audio.transcriptions
      .create({ model: 'hear', file, response_format: 'json' })
      .withResponse()
    assert.equal(data.text, 'hello')
    const { bytes, headers } = lastSeen()
    const form = await new Response(new Uint8Array(bytes), {
      headers: { 'content-type': headers['content-type'] ?? '' },
    }).formData()
    assert.equal(form.get('model'), 'ears-1')
    const sent = form.get('file')
    assert.ok(sent instanceof File && Buffer.from(await sent.arrayBuffer()).equals(fileBytes))
    // 10 · 1 + 40 · 3 + 5 · 5 dollars per million
    assert.deepEqual((await recorded(response)).cost, { usd: '0.000155', state: 'priced' })
  })

  test('OpenAI: moderates, keeps and gives back files', async () => {
    const judged = await client.moderations.create({ model: 'open/judge-1', input: 'Hello!' })
    assert.equal(judged.results[0]?.flagged, false)
    assert.equal(lastSeen().body, '{"model":"judge-1","input":"Hello!"}')

    const file = await toFile(Buffer.from('{}\n'), 'a.jsonl')
    assert.equal((await client.files.create({ file, purpose: 'batch' })).id, 'file-1')
    assert.match(lastSeen().headers['content-type'] ?? '', /^multipart\/form-data; boundary=/)
    const listed = await client.files.list({ limit: 2, purpose: 'batch' })
    assert.deepEqual([listed.data[0]?.id, lastSeen().path], ['file-1', '/v1/files?limit=2&purpose=batch'])
    const content = await client.files.content('file-1')
    assert.ok(Buffer.from(await content.arrayBuffer()).equals(fileBytes))
    assert.equal(content.headers.get('content-disposition'), 'attachment; filename="a.bin"')
    assert.equal(content.headers.get('content-length'), String(fileBytes.length))
    for (const name of ['set-cookie', 'x-internal']) assert.equal(content.headers.get(name), null)
    assert.equal((await client.files.delete('file-1')).deleted, true)
    assert.equal(lastSeen().method, 'DELETE')
  })

  test('Anthropic: makes and lists batches, with its own headers and the credential of the provider', async () => {
    const claude = new Anthropic({ baseURL: sluice.url, apiKey: keys.free, maxRetries: 0 })
    const params = { model: 'claude-x', max_tokens: 9, messages: [{ role: 'user' as const, content: 'Hi' }] }
    const { data, response } = await claude.beta.messages.batches
      .create({ requests: [{ custom_id: 'a', params }], betas: ['files-api-2025-04-14'] })
      .withResponse()
    assert.equal(data.id, 'msgbatch_1')
    const { headers, body } = lastSeen()
    assert.equal(headers['x-api-key'], secrets.claude)
    assert.match(String(headers['anthropic-beta']), /files-api-2025-04-14/)
    assert.ok(headers['anthropic-version'])
    assert.equal(
      (JSON.parse(body) as { requests: [{ params: { model: string } }] }).requests[0].params.model,
      'claude-x',
    )
    assert.partialDeepStrictEqual(await recorded(response), {
      target: 'claude',
      model: null,
      dialect: 'anthropic-messages',
    })
    assert.equal((await claude.messages.batches.list()).data[0]?.id, 'msgbatch_1')
  })

  test('Google: uploads a file in two steps, both by way of us', async () => {
    const before = upstream.requests.length
    const google = new GoogleGenAI({ apiKey: keys.free, httpOptions: { baseUrl: sluice.url } })
    const file = new Blob([fileBytes], { type: 'image/png' })
    const uploaded = await google.files.upload({ file, config: { mimeType: 'image/png' } })
    assert.deepEqual([uploaded.name, uploaded.sizeBytes], ['files/1', String(fileBytes.length)])
    const [first, second] = upstream.requests.slice(before)
    assert.deepEqual(
      [first?.headers['x-goog-api-key'], second?.headers['x-goog-api-key']],
      [secrets.google, secrets.google],
    )
    assert.ok(second?.bytes.equals(fileBytes))
    assert.equal(second?.path, '/upload/v1beta/files?upload_id=u1&upload_protocol=resumable')
  })
})

suite('what is passed through', () => {
  test('keeps every byte of a body but the name of its model', async () => {
    const body = '{ "n": 1.0, "big": 12345678901234567890,\n "model" : "draw", "x": "\\u00e9" }'
    await send({ path: '/v1/images/generations?a=1&key=sk-not-theirs&b=%20', body })
    assert.equal(lastSeen().body, body.replace('"draw"', '"painter-1"'))
    assert.equal(lastSeen().path, '/v1/images/generations?a=1&b=%20')
    const bytes = Buffer.from(fileBytes)
    await send({ path: '/v1/odd', method: 'PUT', headers: { 'content-type': 'image/x-odd' }, body: bytes })
    assert.ok(lastSeen().bytes.equals(fileBytes))
    assert.deepEqual([lastSeen().method, lastSeen().headers['content-type']], ['PUT', 'image/x-odd'])
  })

  test('leaves behind the caller’s credentials, cookies and whatever is meant for us', async () => {
    const headers = {
      cookie: 'a=b',
      'x-sluice-user': 'u',
      'openai-organization': 'org-mine',
      'x-http-method-override': 'DELETE',
      'openai-beta': 'assistants=v2',
      accept: 'application/json',
    }
    await send({ method: 'GET', path: '/v1/files', headers })
    const seen = lastSeen().headers
    for (const name of ['cookie', 'x-sluice-user', 'openai-organization', 'x-http-method-override'])
      assert.equal(seen[name], undefined, name)
    assert.deepEqual([seen['openai-beta'], seen.accept], ['assistants=v2', 'application/json'])
    assert.equal(seen.host, new URL(origin).host)
  })

  test('reads usage in events, and passes them on as they are', async () => {
    const body = JSON.stringify({ model: 'speak', input: 'Hi', stream_format: 'sse' })
    const answer = await send({ path: '/v1/audio/speech', body })
    assert.equal(answer.headers.get('content-type'), 'text/event-stream')
    assert.match(await answer.text(), /^data: \{"type":"speech\.audio\.delta".*\n\ndata: .*"usage".*\n\n$/s)
    assert.deepEqual((await recorded(answer)).cost, { usd: '0.000216', state: 'priced' })
  })

  test('does not charge again for what a later look at it repeats', async () => {
    for (const ask of [
      { method: 'GET', path: '/v1/batches/batch_1' },
      { path: '/v1/batches', body: '{"model":"draw","input_file_id":"file-1"}' },
    ]) {
      const answer = await send(ask)
      assert.equal(answer.status, 200)
      await answer.text()
      const call = await recorded(answer)
      assert.deepEqual([call.model, call.usage.source, call.cost.state], [null, 'unknown', 'unpriced'])
    }
  })

  test('may have no body, and an answer without one', async () => {
    const answer = await send({ path: '/v1/nothing' })
    assert.deepEqual([answer.status, await answer.text()], [204, ''])
    assert.partialDeepStrictEqual(await recorded(answer), { status: 'succeeded', target: 'open' })
  })

  test('finds Gemini’s model in the path', async () => {
    const answer = await send({ path: '/v1beta/models/imagen:predict', body: '{"instances":[]}' })
    assert.deepEqual(await answer.json(), { predictions: [] })
    assert.equal(lastSeen().path, '/v1beta/models/imagen-4:predict')
    assert.partialDeepStrictEqual(await recorded(answer), {
      model: 'imagen',
      target: 'google/imagen-4',
      path: 'POST /v1beta/models/imagen:predict',
    })
    const body = '{"model":"models/imagen","contents":[]}'
    await send({ path: '/v1beta/cachedContents', body })
    assert.equal(lastSeen().body, '{"model":"models/imagen-4","contents":[]}')
    const operation = await send({ method: 'GET', path: '/v1beta/models/veo/operations/op-1' })
    assert.equal(((await operation.json()) as { done: boolean }).done, true, 'by its provider’s own name')
  })

  test('goes to the provider that a header names, by the model’s name there', async () => {
    const headers = { 'x-sluice-provider': 'open' }
    const answer = await send({ path: '/v1/rerank', headers, body: '{"model":"ranker","query":"x"}' })
    assert.equal(answer.status, 200)
    assert.equal(lastSeen().body, '{"model":"ranker","query":"x"}')
    assert.partialDeepStrictEqual(await recorded(answer), { model: 'open/ranker', target: 'open/ranker' })
    const wrong = { 'x-sluice-provider': 'claude' }
    const refused = await send({ path: '/v1/rerank', headers: wrong, body: '{"model":"ranker"}' })
    assert.equal(refused.status, 400)
    const error = await errorOf(refused)
    assert.equal(error.code, 'unsupported_operation')
    assert.match(error.message, /`claude` has no addresses of OpenAI.*open/)
  })

  test('is as large as the configuration allows', async () => {
    const body = Buffer.alloc(2 * 1024 * 1024)
    const answer = await send({ path: '/v1/files', headers: { 'content-type': 'audio/mpeg' }, body })
    assert.deepEqual([answer.status, (await errorOf(answer)).code], [413, 'body_too_large'])
  })
})

suite('errors of a provider', () => {
  for (const status of [400, 404, 409, 413, 422, 500, 503]) {
    test(`are passed on as they are: ${status}`, async () => {
      const answer = await send({ path: `/v1/fails/${status}`, body: '{}' })
      const body = `{"error":{"message":"No: ${status}","type":"theirs","code":"their_code"},"extra":[1]}`
      assert.deepEqual([answer.status, await answer.text()], [status, body])
      assert.equal((await recorded(answer)).status, 'failed')
    })
  }

  const ours: [number, number, string][] = [
    [401, 502, 'provider_credential_rejected'],
    [403, 502, 'provider_credential_rejected'],
    [402, 429, 'provider_quota_exhausted'],
    [429, 429, 'rate_limited'],
  ]
  for (const [theirs, status, code] of ours) {
    test(`become ours where they concern our account: ${theirs}`, async () => {
      const answer = await send({ path: `/v1/fails/${theirs}`, body: '{}' })
      assert.equal(answer.status, status)
      if (theirs === 429) assert.equal(answer.headers.get('retry-after'), '7')
      const error = await errorOf(answer)
      assert.equal(error.code, code)
      assert.doesNotMatch(JSON.stringify(error), /their_code/)
    })
  }

  test('are no redirects', async () => {
    const answer = await send({ method: 'GET', path: '/v1/moved' })
    assert.deepEqual([answer.status, (await errorOf(answer)).code], [502, 'provider_malformed'])
  })
})

suite('an answer that does not end well', () => {
  test('is stopped at the provider when its reader leaves, and on record', async () => {
    const leaving = new AbortController()
    const answer = await fetch(`${sluice.url}/v1/audio/speech`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys.free}`, 'content-type': 'application/json' },
      body: '{"model":"open/endless","input":"Hi"}',
      signal: leaving.signal,
    })
    await answer.body?.getReader().read()
    leaving.abort()
    assert.equal(await lastSeen().hungUp, true)
    const call = await recorded(answer)
    assert.deepEqual([call.status, call.code, call.cost.state], ['cancelled', 'client_closed', 'unpriced'])
  })

  test('is cut short for its reader too, with no word of ours in a file', async () => {
    const answer = await send({ path: '/v1/audio/speech', body: '{"model":"open/broken","input":"Hi"}' })
    const pieces: Buffer[] = []
    await assert.rejects(async () => {
      for await (const piece of answer.body ?? []) pieces.push(Buffer.from(piece as Uint8Array))
    })
    const heard = Buffer.concat(pieces)
    assert.ok(Buffer.concat(speechPieces).subarray(0, heard.length).equals(heard))
    const call = await recorded(answer)
    assert.deepEqual([call.status, call.code], ['failed', 'provider_disconnected'])
  })

  test('ends with an error event where it is events', async () => {
    const body = '{"model":"open/broken","input":"Hi","stream_format":"sse"}'
    const text = await (await send({ path: '/v1/audio/speech', body })).text()
    assert.match(text, /data: \{"error":\{.*"code":"provider_disconnected"/)
  })
})

suite('who may', () => {
  const cases: { what: string; ask: Ask; status: number; code?: string; says?: RegExp }[] = [
    {
      what: 'nobody without a key',
      ask: { method: 'GET', path: '/v1/files', headers: { authorization: '' } },
      status: 401,
      code: 'invalid_api_key',
    },
    {
      what: 'no key without the permission',
      ask: { path: '/v1/images/generations', key: keys.plain, body: '{"model":"draw"}' },
      status: 403,
      code: 'permission_denied',
      says: /POST \/v1\/images\/generations is not served here.*`passthrough: true`/,
    },
    {
      what: 'a key for a model on its list',
      ask: { path: '/v1/images/generations', key: keys.listed, body: '{"model":"draw"}' },
      status: 200,
    },
    {
      what: 'no key for a model that is not on its list',
      ask: { path: '/v1/audio/speech', key: keys.listed, body: '{"model":"speak"}' },
      status: 403,
      code: 'model_not_allowed',
    },
    {
      what: 'no key with a list for another provider’s model of a name on it',
      ask: {
        path: '/v1/images/generations',
        key: keys.listed,
        headers: { 'x-sluice-provider': 'open' },
        body: '{"model":"draw"}',
      },
      status: 403,
      code: 'model_not_allowed',
    },
    {
      what: 'no key with a list where no model is named',
      ask: { method: 'GET', path: '/v1/files', key: keys.listed },
      status: 403,
      code: 'permission_denied',
      says: /names no model.*draw/,
    },
    {
      what: 'no key with a list for a batch, whatever model it says',
      ask: { path: '/v1/batches', key: keys.listed, body: '{"model":"draw","input_file_id":"file-1"}' },
      status: 403,
      code: 'permission_denied',
    },
    {
      what: 'no key with a list to delete, whatever model it says',
      ask: { method: 'DELETE', path: '/v1/files/file-1', key: keys.listed, body: '{"model":"draw"}' },
      status: 403,
      code: 'permission_denied',
    },
    { what: 'an admin', ask: { method: 'GET', path: '/v1/files', key: sluice.adminKey }, status: 200 },
  ]
  for (const { what, ask, status, code, says = /./ } of cases) {
    test(`${what}: ${status}`, async () => {
      const before = upstream.requests.length
      const answer = await send(ask)
      assert.equal(answer.status, status)
      if (code === undefined) return
      const error = await errorOf(answer)
      assert.equal(error.code, code)
      assert.match(error.message, says)
      assert.equal(upstream.requests.length, before, 'the provider was not asked')
      if (status === 403) assert.equal((await recorded(answer)).status, 'refused')
    })
  }

  test('says so in the dialect of who asks', async () => {
    const batches = await send({ path: '/v1/messages/batches', key: keys.plain, body: '{}' })
    assert.partialDeepStrictEqual(await batches.json(), {
      type: 'error',
      error: { type: 'permission_error' },
    })
    const files = await send({ method: 'GET', path: '/v1beta/files', key: keys.plain })
    assert.partialDeepStrictEqual(await files.json(), { error: { code: 403, status: 'PERMISSION_DENIED' } })
  })

  test('is given and taken by the API, and given by the command', async () => {
    const admin = { authorization: `Bearer ${sluice.adminKey}`, 'content-type': 'application/json' }
    const made = await fetch(`${sluice.url}/sluice/v1/keys`, {
      method: 'POST',
      headers: admin,
      body: '{"name":"made","passthrough":true}',
    })
    const key = (await made.json()) as { id: string; key: string; passthrough: boolean }
    assert.equal(key.passthrough, true)
    const list = (): Promise<Response> => send({ method: 'GET', path: '/v1/files', key: key.key })
    assert.equal((await list()).status, 200)
    const changed = await fetch(`${sluice.url}/sluice/v1/keys/${key.id}`, {
      method: 'PATCH',
      headers: admin,
      body: '{"passthrough":false}',
    })
    assert.equal(((await changed.json()) as { passthrough: boolean }).passthrough, false)
    assert.equal((await list()).status, 403)

    const args = ['keys', 'create', '--name', 'cli', '--passthrough', '--json', '--url', sluice.url]
    const { stdout } = await runSluice(args, { SLUICE_ADMIN_KEY: sluice.adminKey })
    assert.equal((JSON.parse(stdout) as { passthrough: boolean }).passthrough, true)
  })
})

suite('addresses', () => {
  const hostile = [
    '/v1/../admin',
    '/v1/files/../../admin',
    '/v1/files/..',
    '/v1/./files',
    '/v1/%2e%2e/admin',
    '/v1/files/%2E%2e/admin',
    '/v1/.%2e/admin',
    '/v1//admin',
    '/v1/files//content',
    '/v1/files/a%2fb',
    '/v1/files/a%5cb',
    '/v1/files/a\\b',
    '/v1/files/%252e%252e',
    '/v1/files/%00',
    '/v1/files/a%0d%0ab',
    '/v1/%66iles',
    '/v1/files/..;/admin',
    '/v1beta/../v1/files',
    '/upload/v1beta/../files',
    '/v1/files?x=1#y',
  ]
  for (const path of hostile) {
    test(`cannot leave the provider’s own: ${path}`, async () => {
      const before = upstream.requests.length
      const bytes = `GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys.free}\r\nconnection: close\r\n\r\n`
      assert.match(await sendRaw(sluice.url, bytes), /^HTTP\/1.1 400 /)
      assert.equal(upstream.requests.length, before, 'the provider was not asked')
    })
  }

  const outside = ['/../v1/files', '/sluice/v1/nope', '/v2/files', '/upload/v2/files', '/v1', '/files']
  for (const path of outside) {
    test(`are none of a provider’s: ${path}`, async () => {
      const bytes = `GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys.free}\r\nconnection: close\r\n\r\n`
      assert.match(await sendRaw(sluice.url, bytes), /^HTTP\/1.1 40[04] /)
    })
  }

  for (const [method, path, allow] of [
    ['GET', '/v1/chat/completions', 'POST'],
    ['DELETE', '/v1/embeddings', 'POST'],
    ['PUT', '/v1/messages/', 'POST'],
    ['DELETE', '/v1beta/models/imagen:generateContent', 'POST, GET'],
  ] as const) {
    test(`that are served by another method stay ours: ${method} ${path}`, async () => {
      const answer = await send({ method, path })
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, allow])
    })
  }

  test('take no model but one', async () => {
    const form = new FormData()
    form.append('model', 'draw')
    form.append('model', 'speak')
    const twice = await send({ path: '/v1/images/edits', body: form })
    assert.deepEqual([twice.status, (await errorOf(twice)).param], [400, 'model'])
    const body = '{"model":"models/other"}'
    const differs = await send({ path: '/v1beta/models/imagen:predict', body })
    assert.equal(differs.status, 400)
  })
})

test('no secret of a provider was shown, and every request to it is an attempt on record', async () => {
  const list = await fetch(`${sluice.url}/sluice/v1/calls?limit=200`, {
    headers: { authorization: `Bearer ${sluice.adminKey}` },
  })
  const { data } = (await list.json()) as { data: { attempts: number }[] }
  const attempts = data.reduce((sum, call) => sum + call.attempts, 0)
  await eventually('all are there', () => attempts === upstream.requests.length)
})
