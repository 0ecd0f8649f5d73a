import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { streamText } from 'ai'
import Anthropic0 from 'anthropic-0'
import { callOnRecord } from './support/call-log.ts'
import { startImpatientProxy } from './support/impatient-proxy.ts'
import { officialSdks } from './support/sdks.ts'
import { startSluice } from './support/sluice.ts'
import { startUpstream } from './support/upstream.ts'

const key = 'sk-test-web-0123456789'
const heartbeatMs = 100
/** Ten times the heartbeat, and less than a silence of the scripts. */
const readTimeoutMs = 1_000

/** Silent before the first content, and again in the middle. */
const silent = 'tokens=12&ttft=1500ms&fail=stall&after=4&for=1500ms'
const quiet = 'tokens=12'
const failing = 'fail=500&for=1500ms'

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** Long enough for a heartbeat to come where there is one. */
const silenceMs = 5 * heartbeatMs

/** Passes through byte for byte; each piece comes after a silence. */
const pieces: Readonly<Record<string, { headers: Record<string, string>; texts: readonly string[] }>> = {
  events: {
    headers: { 'content-type': 'text/event-stream' },
    texts: ['data: 1\n', '\ndata', ': 2\n\n', 'data: 3\n\n'],
  },
  counted: {
    headers: { 'content-type': 'text/event-stream', 'content-length': '18' },
    texts: ['data: 1\n\n', 'data: 2\n\n'],
  },
  lines: { headers: { 'content-type': 'application/x-ndjson' }, texts: ['{}\n\n', '{}\n\n'] },
}

const upstream = await startUpstream(async (request, response) => {
  const { model } = JSON.parse(request.body) as { model: string }
  const { headers, texts } = pieces[model] ?? assert.fail(model)
  response.writeHead(200, headers)
  for (const text of texts) {
    response.write(text)
    await pause(silenceMs)
  }
  response.end()
})

const sluice = await startSluice({
  config: `
providers:
  sim: {}
  up: { dialect: openai, base_url: ${upstream.url} }
keys:
  - { name: web, key: ${key}, organization: acme, project: shop, passthrough: true }
streams: { heartbeat: ${heartbeatMs}ms }
`,
})

/** In chunked coding, as a chunk of its own. */
const emptyLines = /^4\r\n\r\n\r\n\r\n/gm

type Ask = (url: string, script: string) => Promise<string>

const messages = [{ role: 'user' as const, content: 'Hello!' }]
const model = 'sim/sim-1'

const sdks: Readonly<Record<string, { ask: Ask; beat: RegExp }>> = {
  ...Object.fromEntries(
    Object.entries(officialSdks).flatMap(([name, Sdk]) => {
      const at = (url: string, script: string): InstanceType<typeof Sdk> =>
        new Sdk({
          baseURL: `${url}/v1`,
          apiKey: key,
          maxRetries: 0,
          defaultHeaders: { 'x-sim-script': script },
        })
      const chat: Ask = async (url, script) => {
        let text = ''
        for await (const chunk of await at(url, script).chat.completions.create({
          model,
          messages,
          stream: true,
        }))
          text += chunk.choices[0]?.delta.content ?? ''
        return text
      }
      const responses: Ask = async (url, script) => {
        const stream = at(url, script).responses.stream({ model, input: 'Hello!', store: false })
        return (await stream.finalResponse()).output_text
      }
      const beat = /^: ping$/gm
      return [
        [`${name}, chat`, { ask: chat, beat }],
        [`${name}, responses`, { ask: responses, beat }],
      ]
    }),
  ),
  ...Object.fromEntries(
    Object.entries({
      'anthropic 1': Anthropic,
      'anthropic 0': Anthropic0 as unknown as typeof Anthropic,
    }).map(([name, Sdk]) => {
      const ask: Ask = async (url, script) => {
        const headers = { 'x-sim-script': script }
        const client = new Sdk({ baseURL: url, apiKey: key, maxRetries: 0, defaultHeaders: headers })
        return await client.messages.stream({ model, messages, max_tokens: 99 }).finalText()
      }
      return [name, { ask, beat: /^event: ping$/gm }]
    }),
  ),
  '@google/genai': {
    async ask(url, script) {
      const headers = { 'x-sim-script': script }
      const client = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url, headers } })
      let text = ''
      for await (const chunk of await client.models.generateContentStream({ model, contents: 'Hello!' }))
        text += chunk.text ?? ''
      return text
    },
    beat: emptyLines,
  },
  ...Object.fromEntries(
    Object.entries({
      openai: (baseURL: string) => createOpenAI({ baseURL, apiKey: key }).chat(model),
      'openai, responses': (baseURL: string) => createOpenAI({ baseURL, apiKey: key }).responses(model),
      anthropic: (baseURL: string) => createAnthropic({ baseURL, apiKey: key })(model),
      google: (baseURL: string) => createGoogle({ baseURL: `${baseURL}beta`, apiKey: key })(model),
    }).map(([name, modelAt]) => {
      const ask: Ask = async (url, script) => {
        let failure: unknown
        const { textStream } = streamText({
          model: modelAt(`${url}/v1`),
          prompt: 'Hello!',
          maxRetries: 0,
          headers: { 'x-sim-script': script },
          onError: ({ error }) => (failure = error),
        })
        let text = ''
        for await (const part of textStream) text += part
        if (failure) throw failure
        return text
      }
      const beat = { anthropic: /^event: ping$/gm, google: emptyLines }[name] ?? /^: ping$/gm
      return [`@ai-sdk/${name}`, { ask, beat }]
    }),
  ),
}

suite('a silent stream', { concurrency: true }, () => {
  for (const [name, { ask, beat }] of Object.entries(sdks)) {
    test(`is kept awake, and means the same to ${name}`, async () => {
      const proxy = await startImpatientProxy(sluice.url, readTimeoutMs)
      const expected = await ask(proxy.url, quiet)
      assert.notEqual(expected, '')
      const before = proxy.answered().match(beat)?.length ?? 0 // Anthropic's streams have a ping of their own
      assert.equal(await ask(proxy.url, silent), expected)
      const beats = (proxy.answered().match(beat)?.length ?? 0) - before
      assert(beats >= 4, `${beats} heartbeats in two long silences`)
      assert.equal(proxy.cut, 0)
    })

    test(`that fails before its first content is an error to ${name}`, async () => {
      const proxy = await startImpatientProxy(sluice.url, readTimeoutMs)
      await assert.rejects(ask(proxy.url, failing))
      assert.match(proxy.answered(), beat)
      assert.equal(proxy.cut, 0)
    })
  }

  test('that is an array stays one, whole or failed', async () => {
    for (const script of [silent, failing]) {
      const response = await fetch(
        `${sluice.url}/v1beta/models/${encodeURIComponent(model)}:streamGenerateContent`,
        {
          method: 'POST',
          headers: { 'x-goog-api-key': key, 'content-type': 'application/json', 'x-sim-script': script },
          body: JSON.stringify({ contents: [{ parts: [{ text: 'Hello!' }] }] }),
        },
      )
      assert.equal(response.status, 200)
      const text = await response.text()
      assert.match(text, /^\n+\[/)
      const elements = JSON.parse(text) as { error?: unknown }[]
      assert.equal(elements.at(-1)?.error !== undefined, script === failing)
    }
  })

  test('has its name on record, and says so before anything is known of its answer', async () => {
    const response = await post(
      '/v1/chat/completions',
      { model, messages, stream: true },
      { 'x-sim-script': failing },
    )
    const { value } = await (response.body ?? assert.fail()).getReader().read()
    assert.match(Buffer.from(value ?? []).toString(), /^(: ping\n\n)+$/)
    assert.equal(response.headers.get('x-sluice-target'), null)
    const call = await callOnRecord(sluice, response.headers.get('x-sluice-call'))
    assert.partialDeepStrictEqual(call, { status: 'failed' })
  })
})

suite('a stream that passes through', { concurrency: true }, () => {
  const textOf = async (name: string): Promise<string> =>
    await (await post('/v1/anything', { model: `up/${name}`, stream: true })).text()

  test('is kept awake between its events, never inside one', async () => {
    assert.match(await textOf('events'), /^data: 1\n\ndata: 2\n\n(: ping\n\n)+data: 3\n\n(: ping\n\n)+$/)
  })

  for (const name of ['counted', 'lines'])
    test(`gets nothing added where it has no room for it: ${name}`, async () => {
      assert.equal(await textOf(name), pieces[name]?.texts.join(''))
    })
})

async function post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(sluice.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}
