import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Dialect } from '#exchange'
import { readPublishedPrices } from '#metering'
import { systemClock } from '#platform'
import type { ProviderConfig } from './config.ts'
import type { Provider } from './provider.ts'
import { readProviders } from './read-providers.ts'
import { neededBy, type SettingName, settingsFromEnvironment } from './vendor.ts'
import { vendors } from './vendors.ts'

const ownPaths: Readonly<Record<Dialect, (model: string, stream: boolean) => string>> = {
  'openai-chat': () => '/chat/completions',
  'openai-embeddings': () => '/embeddings',
  'openai-responses': () => '/responses',
  'openai-input-tokens': () => '/responses/input_tokens',
  'anthropic-messages': () => '/messages',
  'anthropic-count-tokens': () => '/messages/count_tokens',
  gemini: (model, stream) =>
    `/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
  'gemini-count-tokens': model => `/models/${model}:countTokens`,
  'gemini-embeddings': model => `/models/${model}:batchEmbedContents`,
  'bedrock-converse': (model, stream) =>
    `/model/${encodeURIComponent(model)}/converse${stream ? '-stream' : ''}`,
}

const samples: Readonly<Record<SettingName, string>> = {
  api_key: 'key-0123456789',
  region: 'us-east-1',
  project: 'shop',
  location: 'europe-west4',
  resource: 'house',
  api_version: '2024-10-21',
  credentials: '{"type":"service_account"}',
  access_key_id: 'AKIDEXAMPLE',
  secret_access_key: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  session_token: 'session-token',
}

function provider(name: string, config: Partial<ProviderConfig>): Provider {
  const timeouts = { connect: 1, first_token: 1, idle: 1, total: 1 }
  const breaker = {
    failures: 1,
    ratio: 1,
    least_attempts: 1,
    window: 1,
    cooldown: 1,
    longest_cooldown: 1,
  }
  const whole: ProviderConfig = { timeouts, breaker, retries: 0, connections: 1, max_answer: 1, ...config }
  const [made] = readProviders(
    { [name]: whole },
    { simulatorUrl: () => 'http://127.0.0.1:9/v1', clock: systemClock },
  )
  assert.ok(made)
  return made
}

function enough(name: string): Partial<ProviderConfig> {
  const vendor = vendors[name]
  assert.ok(vendor)
  return Object.fromEntries((neededBy(vendor)[0] ?? []).map(setting => [setting, samples[setting]]))
}

interface Asking {
  dialect: Dialect
  model?: string
  stream?: boolean
}

function urlOf(provider: Provider, { dialect, model = 'm', stream = false }: Asking): string {
  const own = ownPaths[dialect](model, stream)
  return provider.origin + provider.path({ dialect, model, stream, own })
}

describe('every vendor', () => {
  for (const name of Object.keys(vendors)) {
    it(`is asked at a valid address, with valid headers, whole and streamed: ${name}`, async () => {
      const made = provider(name, enough(name))
      const speaks = [...made.speaks('m'), ...made.speaks('claude-x')]
      assert.ok(speaks.length > 0)
      for (const dialect of speaks) {
        for (const stream of [false, true]) {
          const url = new URL(urlOf(made, { dialect, stream }))
          assert.doesNotMatch(url.href, /undefined|\/\/.*\/\/|\?.*\?/)
          if (vendors[name]?.auth === 'google') continue // has to be asked for a token
          const { host, pathname, search } = url
          const request = {
            method: 'POST',
            origin: made.origin,
            path: pathname + search,
            body: Buffer.from('{}'),
          }
          const added = await made.credential.authorize({
            ...request,
            headers: { 'content-type': 'application/json' },
          })
          assert.doesNotThrow(() => new Headers({ host, ...made.headers, ...added }))
        }
      }
    })
  }

  it('stands in a file of fewer than 40 lines, but for those of a line each, and is found there', () => {
    const folder = join(import.meta.dirname, 'vendors')
    for (const file of readdirSync(folder)) {
      const text = readFileSync(join(folder, file), 'utf8')
      if (file === 'compatible.ts') continue
      assert.ok(text.split('\n').length <= 40, `${file} is too long`)
      assert.ok(Object.hasOwn(vendors, file.replace('.ts', '')), `${file} was not found`)
    }
  })

  it('is in the book of prices by the name that it has there, if it has one', () => {
    const book = readPublishedPrices()
    for (const [name, { prices }] of Object.entries(vendors))
      if (prices !== undefined) assert.ok(book.vendors.includes(prices), name)
  })

  it('comes in the order in which a first one is chosen', () => {
    const names = Object.keys(vendors)
    assert.deepEqual(names.slice(0, 3), ['openai', 'anthropic', 'gemini'])
    assert.deepEqual(names.slice(-3), ['azure', 'bedrock', 'vertex'])
  })
})

const addresses: readonly [name: string, config: Partial<ProviderConfig>, asking: Asking, url: string][] = [
  ['openai', {}, { dialect: 'openai-responses' }, 'https://api.openai.com/v1/responses'],
  ['anthropic', {}, { dialect: 'anthropic-messages', stream: true }, 'https://api.anthropic.com/v1/messages'],
  [
    'gemini',
    {},
    { dialect: 'gemini', model: 'gemini-x', stream: true },
    'https://generativelanguage.googleapis.com/v1beta/models/gemini-x:streamGenerateContent?alt=sse',
  ],
  ['deepseek', {}, { dialect: 'openai-chat' }, 'https://api.deepseek.com/v1/chat/completions'],
  ['deepseek', {}, { dialect: 'anthropic-messages' }, 'https://api.deepseek.com/anthropic/v1/messages'],
  ['zai', {}, { dialect: 'anthropic-messages' }, 'https://api.z.ai/api/anthropic/v1/messages'],
  ['perplexity', {}, { dialect: 'openai-chat' }, 'https://api.perplexity.ai/chat/completions'],
  [
    'azure',
    { resource: 'house' },
    { dialect: 'openai-chat', model: 'gpt' },
    'https://house.openai.azure.com/openai/v1/chat/completions',
  ],
  [
    'azure',
    { resource: 'https://house.openai.azure.com/openai/v1/', api_version: 'preview' },
    { dialect: 'openai-responses', model: 'gpt' },
    'https://house.openai.azure.com/openai/v1/responses?api-version=preview',
  ],
  [
    'azure',
    { resource: 'house', api_version: '2024-10-21' },
    { dialect: 'openai-embeddings', model: 'my deployment' },
    'https://house.openai.azure.com/openai/deployments/my%20deployment/embeddings?api-version=2024-10-21',
  ],
  [
    'azure',
    { resource: 'house', api_version: '2025-04-01-preview' },
    { dialect: 'openai-responses', model: 'gpt' },
    'https://house.openai.azure.com/openai/responses?api-version=2025-04-01-preview',
  ],
  [
    'bedrock',
    { region: 'eu-west-1' },
    { dialect: 'bedrock-converse', model: 'eu.anthropic.claude-x-v1:0', stream: true },
    'https://bedrock-runtime.eu-west-1.amazonaws.com/model/eu.anthropic.claude-x-v1%3A0/converse-stream',
  ],
  [
    'bedrock',
    { region: 'cn-north-1' },
    { dialect: 'bedrock-converse' },
    'https://bedrock-runtime.cn-north-1.amazonaws.com.cn/model/m/converse',
  ],
  [
    'vertex',
    { project: 'shop' },
    { dialect: 'gemini', model: 'gemini-x', stream: true },
    'https://aiplatform.googleapis.com/v1beta1/projects/shop/locations/global/publishers/google/models/gemini-x:streamGenerateContent?alt=sse',
  ],
  [
    'vertex',
    { project: 'shop', location: 'eu' },
    { dialect: 'anthropic-messages', model: 'claude-x@20250929', stream: true },
    'https://aiplatform.eu.rep.googleapis.com/v1/projects/shop/locations/eu/publishers/anthropic/models/claude-x%4020250929:streamRawPredict',
  ],
  [
    'vertex',
    { project: 'shop', location: 'us-east5' },
    { dialect: 'anthropic-count-tokens', model: 'claude-x' },
    'https://us-east5-aiplatform.googleapis.com/v1/projects/shop/locations/us-east5/publishers/anthropic/models/count-tokens:rawPredict',
  ],
  [
    'mine',
    { vendor: 'deepseek', base_url: 'http://10.0.0.5/deep/' },
    { dialect: 'openai-chat' },
    'http://10.0.0.5/deep/chat/completions',
  ],
  [
    'house',
    { base_url: 'http://10.0.0.5:8000/v1' },
    { dialect: 'openai-chat' },
    'http://10.0.0.5:8000/v1/chat/completions',
  ],
]

describe('an address', () => {
  for (const [name, config, asking, url] of addresses) {
    it(`is made of the vendor's record and the owner's settings: ${url}`, () => {
      assert.equal(urlOf(provider(name, config), asking), url)
    })
  }
})

describe('what a provider speaks', () => {
  it('is its vendor’s, by model; and not its vendor’s other addresses at an address of the owner’s', () => {
    assert.deepEqual(provider('vertex', { project: 'p' }).speaks('claude-x'), [
      'anthropic-messages',
      'anthropic-count-tokens',
    ])
    assert.equal(provider('vertex', { project: 'p' }).speaks('gemini-x')[0], 'gemini')
    assert.ok(provider('deepseek', {}).speaks('m').includes('anthropic-messages'))
    const mine = provider('mine', { vendor: 'deepseek', base_url: 'http://10.0.0.5/v1' })
    assert.deepEqual(mine.speaks('m'), ['openai-chat', 'openai-embeddings'])
  })

  it('is the vendor’s that it is named after, at an address of the owner’s too', () => {
    const proxied = provider('anthropic', { base_url: 'http://10.0.0.5/claude' })
    assert.equal(proxied.speaks('m')[0], 'anthropic-messages')
    assert.equal(proxied.vendor, 'anthropic')
    const ask = { dialect: 'anthropic-messages', model: 'm', stream: false, own: '/messages' } as const
    assert.equal(proxied.path(ask), '/claude/v1/messages')
    assert.equal(provider('anthropic', { base_url: 'http://10.0.0.5/v1/' }).path(ask), '/v1/messages')
  })

  it('is what its dialect says where it is no vendor, whatever it is called', () => {
    const at = { base_url: 'http://10.0.0.5/v1' }
    const house = provider('anthropic', { ...at, dialect: 'openai' })
    assert.deepEqual(house.speaks('m'), ['openai-chat', 'openai-embeddings'])
    assert.equal(house.vendor, 'house:anthropic')
    assert.ok(
      provider('house', { ...at, dialect: 'openai-responses' })
        .speaks('m')
        .includes('openai-responses'),
    )
    assert.equal(provider('house', { ...at, dialect: 'gemini' }).speaks('m')[0], 'gemini')
  })
})

const post = { method: 'POST', origin: 'https://a', path: '/', headers: {}, body: Buffer.from('') }
const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl'

describe('a key', () => {
  const cases: [name: string, config: Partial<ProviderConfig>, headers: Record<string, string>][] = [
    ['openai', { api_key: 'k' }, { authorization: 'Bearer k' }],
    ['anthropic', { api_key: 'k' }, { 'x-api-key': 'k' }],
    ['gemini', { api_key: 'k' }, { 'x-goog-api-key': 'k' }],
    ['azure', { resource: 'r', api_key: 'k' }, { 'api-key': 'k' }],
    ['azure', { resource: 'r', api_key: jwt }, { authorization: `Bearer ${jwt}` }],
    ['bedrock', { region: 'r', api_key: 'k' }, { authorization: 'Bearer k' }],
    ['ollama', {}, {}],
    ['ollama', { api_key: 'k' }, { authorization: 'Bearer k' }],
    ['house', { base_url: 'http://a', dialect: 'anthropic', api_key: 'k' }, { 'x-api-key': 'k' }],
    ['mine', { base_url: 'http://a', vendor: 'anthropic', api_key: 'k' }, { 'x-api-key': 'k' }],
  ]
  for (const [name, config, headers] of cases) {
    it(`is shown as its vendor wants it: ${name}, ${JSON.stringify(headers)}`, async () => {
      assert.deepEqual(await provider(name, config).credential.authorize(post), headers)
    })
  }

  it('is not shown where the owner has written such a header himself, and that is a secret too', async () => {
    const made = provider('openai', { api_key: 'key-01', headers: { Authorization: 'Bearer of-the-owner' } })
    assert.deepEqual(await made.credential.authorize(post), {})
    assert.equal(made.headers.authorization, 'Bearer of-the-owner')
    assert.deepEqual(made.secrets, ['key-01', 'of-the-owner'])
  })
})

describe('a body for Vertex', () => {
  const bodyFor = (dialect: Dialect, model: string, text: string): string => {
    const ask = { dialect, model, stream: false, own: '' }
    return provider('vertex', { project: 'p' }).body(Buffer.from(text), ask).toString()
  }

  it('has Claude’s version and not its model; a count has both', () => {
    const text = '{"model":"claude-x", "n": 1e2}'
    assert.equal(
      bodyFor('anthropic-messages', 'claude-x', text),
      '{"anthropic_version":"vertex-2023-10-16", "n": 1e2}',
    )
    assert.deepEqual(JSON.parse(bodyFor('anthropic-count-tokens', 'claude-x', text)), {
      anthropic_version: 'vertex-2023-10-16',
      model: 'claude-x',
      n: 100,
    })
  })

  it('is Gemini’s own, its count without the wrapping', () => {
    assert.equal(bodyFor('gemini', 'gemini-x', '{"contents":[]}'), '{"contents":[]}')
    const wrapped = '{"generateContentRequest":{"model":"models/gemini-x","contents":[ 1 ]}}'
    assert.equal(bodyFor('gemini-count-tokens', 'gemini-x', wrapped), '{"contents":[ 1 ]}')
    assert.equal(bodyFor('gemini-count-tokens', 'gemini-x', '{"contents":[]}'), '{"contents":[]}')
  })
})

describe('the environment', () => {
  const switchedOn = (env: Record<string, string>): string[] =>
    Object.entries(vendors).flatMap(([name, vendor]) => (settingsFromEnvironment(vendor, env) ? [name] : []))

  it('switches a vendor on with all that it needs, and with nothing less', () => {
    assert.deepEqual(switchedOn({}), [])
    assert.deepEqual(switchedOn({ OPENAI_API_KEY: ' ', GROQ_API_KEY: 'k\n' }), ['groq'])
    assert.deepEqual(switchedOn({ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's' }), [])
    assert.deepEqual(switchedOn({ AWS_BEARER_TOKEN_BEDROCK: 'a', AWS_REGION: 'r' }), ['bedrock'])
    assert.deepEqual(switchedOn({ AZURE_OPENAI_API_KEY: 'a' }), [])
    assert.deepEqual(switchedOn({ AZURE_OPENAI_API_KEY: 'a', AZURE_RESOURCE_NAME: 'r' }), ['azure'])
    assert.deepEqual(switchedOn({ GOOGLE_CLOUD_PROJECT: 'p' }), [])
    assert.deepEqual(switchedOn({ GOOGLE_CLOUD_PROJECT: 'p', GOOGLE_APPLICATION_CREDENTIALS: 'f' }), [
      'vertex',
    ])
    assert.deepEqual(switchedOn({ GITHUB_TOKEN: 't' }), [])
  })

  it('gives each setting from the first of its variables, trimmed', () => {
    const bedrock = vendors.bedrock
    assert.ok(bedrock)
    const env = { AWS_BEARER_TOKEN_BEDROCK: ' t\n', AWS_DEFAULT_REGION: 'x', AWS_REGION: 'r' }
    assert.deepEqual(settingsFromEnvironment(bedrock, env), {
      api_key: { variable: 'AWS_BEARER_TOKEN_BEDROCK', value: 't' },
      region: { variable: 'AWS_REGION', value: 'r' },
    })
  })
})
