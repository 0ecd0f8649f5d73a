import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { callOnRecord } from './support/call-log.ts'
import { officialSdks } from './support/sdks.ts'
import { startSimulator } from './support/simulator.ts'
import { startSluice } from './support/sluice.ts'
import { startUpstream } from './support/upstream.ts'

const key = 'sk-test-web-0123456789'
const messages = [{ role: 'user' as const, content: 'Hello!' }]
const simulator = await startSimulator()
const odd = await startUpstream((_request, response) => void response.destroy())

const scripts = {
  failing: 'fail=500',
  overloaded: 'fail=503',
  limited: 'fail=429&retry_after=none',
  page: 'fail=html',
  'stream-error': 'fail=stream-error&after=0',
  'no-key': 'fail=401',
}
type Script = keyof typeof scripts

/** Asks once, as a product would, and says whether it got an answer. */
type Asker = (model: string, stream: boolean) => Promise<void>

const openAi = (Sdk: (typeof officialSdks)['openai 7']): Asker => {
  const client = new Sdk({ baseURL: `${sluiceUrl()}/v1`, apiKey: key })
  return async (model, stream) => {
    if (!stream) return void (await client.chat.completions.create({ model, messages }))
    for await (const _ of await client.chat.completions.create({ model, messages, stream }));
  }
}
const sdks: Record<string, { provider: string; asker(): Asker }> = {
  'openai 7': { provider: 'chat', asker: () => openAi(officialSdks['openai 7']) },
  'openai 6': { provider: 'chat', asker: () => openAi(officialSdks['openai 6']) },
  anthropic: {
    provider: 'messages',
    asker: () => {
      const client = new Anthropic({ baseURL: sluiceUrl(), apiKey: key })
      return async (model, stream) => {
        const ask = { model, messages, max_tokens: 50 }
        if (stream) await client.messages.stream(ask).finalMessage()
        else await client.messages.create(ask)
      }
    },
  },
  genai: {
    provider: 'gemini',
    asker: () => {
      const client = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: sluiceUrl() } })
      return async (model, stream) => {
        const ask = { model, contents: 'Hello!' }
        if (!stream) return void (await client.models.generateContent(ask))
        for await (const _ of await client.models.generateContentStream(ask));
      }
    },
  },
}
const spoken = { chat: 'openai', messages: 'anthropic', gemini: 'gemini' }

/** Each question has a provider of its own: what is learned by one is no part of another. */
const questions = Object.entries(sdks).flatMap(([sdk, { provider, asker }]) =>
  (Object.keys(scripts) as Script[]).flatMap(script =>
    [false, true]
      .filter(stream => stream || script !== 'stream-error')
      .map((stream, n) => ({
        sdk,
        script,
        stream,
        asker,
        name: `${sdk.replace(/\W/g, '-')}-${script}-${n}`,
        dialect: spoken[provider as keyof typeof spoken],
      })),
  ),
)

const sluice = await startSluice({
  config: `
providers:
${questions.map(({ name, dialect }) => `  ${name}: { dialect: ${dialect}, base_url: "${new URL(simulator.url).origin}/${dialect === 'gemini' ? 'v1beta' : 'v1'}", api_key: k }`).join('\n')}
  odd: { dialect: openai, base_url: "${odd.url}", api_key: k }
  hasty: { dialect: openai, base_url: "${simulator.url}", api_key: k, retries: 0 }
models:
${questions.map(({ name, script }) => `  ${name}: { targets: ["${name}/sim-1?${scripts[script]}&as=${name}"] }`).join('\n')}
keys:
  - { name: web, key: ${key}, organization: acme, project: shop, passthrough: true }
`,
})

function sluiceUrl(): string {
  return sluice.url
}

/** How often the simulator was asked under this name. */
async function triesOf(name: string): Promise<number> {
  const { requests } = (await (await fetch(new URL('/bill?limit=10000', simulator.url))).json()) as {
    requests: { model: string }[]
  }
  return requests.filter(({ model }) => model.endsWith(`as=${name}`)).length
}

const tries: Record<Script, number> = {
  failing: 3,
  overloaded: 3,
  limited: 3,
  page: 2,
  'stream-error': 3,
  'no-key': 1,
}

suite('one call of an SDK with its own retries, to a provider that always fails', { concurrency: 8 }, () => {
  for (const { sdk, script, stream, asker, name } of questions) {
    const how = stream ? 'streamed' : 'whole'
    test(`${sdk}, ${script}, ${how}: ${tries[script]} tries in all, and no more`, async () => {
      await assert.rejects(asker()(name, stream))
      assert.equal(await triesOf(name), tries[script])
    })
  }
})

async function post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(sluice.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
    body: JSON.stringify(body),
  })
}

const calls = async (model: string): Promise<Response> =>
  await post('/v1/chat/completions', { model, messages })

test('a call that is answered at the third try says how many there were', async () => {
  const answer = await calls('hasty/sim-1?fail=503&on=1-2&as=third')
  assert.equal(answer.status, 503)
  assert.equal(answer.headers.get('x-should-retry'), null, 'where the owner wants none of ours')

  const name = 'openai-7-failing-0/sim-1?fail=503&on=1-2&as=third-2'
  const third = await calls(name)
  assert.equal(third.status, 200)
  assert.equal(third.headers.get('x-sluice-attempts'), '3')
  assert.equal(third.headers.get('x-sluice-degraded'), null)
  const call = await callOnRecord(sluice, third.headers.get('x-sluice-call'))
  assert.deepEqual(
    call.attempts.map(({ code }) => code),
    ['provider_overloaded', 'provider_overloaded', null],
  )
})

test('a wait of more than a minute is the caller’s: it is told when, and that it may come back', async () => {
  const answer = await calls('openai-7-failing-1/sim-1?fail=429&retry_after=61&as=minute')
  assert.equal(answer.status, 429)
  assert.equal(answer.headers.get('retry-after'), '61')
  assert.equal(answer.headers.get('x-should-retry'), null)
  assert.equal(answer.headers.get('x-sluice-attempts'), '1')
})

suite('a request that is passed through', () => {
  const asked = (path: string): number => odd.requests.filter(request => request.path === path).length
  const named = { 'x-sluice-provider': 'odd' }

  test('is not made again when nobody knows what became of it', async () => {
    const answer = await post('/v1/images/generations', { model: 'odd/painter', prompt: 'A pier' })
    assert.equal(answer.status, 502)
    assert.equal(asked('/v1/images/generations'), 1)
  })

  test('is made again where that asks for nothing but a look', async () => {
    const answer = await fetch(`${sluice.url}/v1/files/file_1`, {
      headers: { authorization: `Bearer ${key}`, ...named },
    })
    assert.equal(answer.status, 502)
    assert.equal(asked('/v1/files/file_1'), 3)
    assert.equal(answer.headers.get('x-should-retry'), 'false')
  })
})
