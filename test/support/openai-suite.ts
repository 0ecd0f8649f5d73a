import assert from 'node:assert/strict'
import { eventually } from './eventually.ts'
import { type EveryDialect, startEveryDialect } from './every-dialect.ts'
import { startUpstream } from './upstream.ts'

/** A provider as the suites with OpenAI's and Vercel's SDKs know it. */
export interface ProviderCase {
  /** Its name in the configuration. */
  provider: 'chat' | 'responses' | 'messages' | 'gemini'
  /** A model that answers at once and takes sampling parameters. */
  model: string
  /** A model that thinks. */
  thinker: string
  /** Whether its API takes stop sequences. */
  stops: boolean
}

/** Models are named as the vendor's are, since what a dialect takes depends on them; the simulator serves any name. */
export const providerCases: Readonly<Record<string, ProviderCase>> = {
  'OpenAI Chat': { provider: 'chat', model: 'chat/gpt-4.1', thinker: 'chat/gpt-5', stops: true },
  'OpenAI Responses': {
    provider: 'responses',
    model: 'responses/gpt-4.1',
    thinker: 'responses/gpt-5',
    stops: false,
  },
  'Anthropic Messages': {
    provider: 'messages',
    model: 'messages/claude-sonnet-4-5',
    thinker: 'messages/claude-sonnet-4-5',
    stops: true,
  },
  Gemini: {
    provider: 'gemini',
    model: 'gemini/gemini-3-pro-preview',
    thinker: 'gemini/gemini-3-pro-preview',
    stops: true,
  },
}

interface Line {
  n: number
  outcome: string
  input_tokens: number
  cached_input_tokens: number
  output_tokens: number
  reasoning_tokens: number
}

export interface OpenAiSuite extends EveryDialect {
  /** For the SDKs: `http://127.0.0.1:PORT/v1`. */
  baseURL: string
  /** Address of a picture, on a host that the configuration allows. */
  imageUrl: string
  /** The last line of the simulator's bill. */
  lastBilled(): Promise<Line>
  /** The same once its answer is over; fails unless the asker hung up on it. */
  billedWhenCut(): Promise<Line>
  /** The last request that the simulator was sent. */
  lastAsked(): Promise<{ path: string; body: Record<string, unknown> }>
}

export async function startOpenAiSuite(): Promise<OpenAiSuite> {
  const media = await startUpstream((_request, response) => {
    response.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.from(png, 'base64'))
  })
  const every = await startEveryDialect(`egress: { allow_hosts: ['${new URL(media.url).host}'] }\n`)
  const look = async (path: string): Promise<{ requests: never[] }> => {
    const answer = await fetch(new URL(path, every.simulator.url))
    assert.equal(answer.status, 200)
    return (await answer.json()) as { requests: never[] }
  }
  const lastBilled = async (): Promise<Line> => {
    const { requests } = await look('/bill?limit=10000')
    const last = requests.at(-1)
    assert.ok(last, 'the simulator was asked')
    return last
  }
  return {
    ...every,
    baseURL: `${every.sluice.url}/v1`,
    imageUrl: `${new URL(media.url).origin}/picture.png`,
    lastBilled,
    async billedWhenCut() {
      const billed = await eventually('the provider has been hung up on', async () => {
        const line = await lastBilled()
        return line.outcome === 'running' ? undefined : line
      })
      assert.equal(billed.outcome, 'cut')
      return billed
    },
    async lastAsked() {
      const { requests } = await look('/bill/asked')
      const last = requests.at(-1)
      assert.ok(last, 'the simulator was asked')
      return last
    },
  }
}

/** One pixel. */
export const png =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
export const pdf = Buffer.from('%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n').toString('base64')

/** A model's name with a script for the simulator. */
export const scripted = (model: string, script: string): string => `${model}?${script}`

export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of stream) all.push(one)
  return all
}

/** How each provider fails, and what OpenAI's SDK is to make of it; the same before every provider. */
export const failureCases = [
  { fail: '400', error: 'BadRequestError', status: 400, code: 'provider_rejected' },
  { fail: '401', error: 'InternalServerError', status: 502, code: 'provider_credential_rejected' },
  { fail: '404', error: 'NotFoundError', status: 404, code: 'model_not_found' },
  { fail: '429&retry_after=90', error: 'RateLimitError', status: 429, code: 'rate_limited' },
  { fail: '500', error: 'InternalServerError', status: 502, code: 'provider_failed' },
  { fail: '529', error: 'InternalServerError', status: 503, code: 'provider_overloaded' },
  { fail: 'truncated-json', error: 'InternalServerError', status: 502, code: 'provider_malformed' },
  { fail: 'html', error: 'InternalServerError', status: 502, code: 'provider_malformed' },
  { fail: 'empty', error: 'InternalServerError', status: 502, code: 'provider_malformed' },
  { fail: 'reset', error: 'InternalServerError', status: 502, code: 'provider_disconnected' },
] as const

/** Streams that break in the middle, and by which code the caller hears it. */
export const brokenStreams = [
  { fail: 'eof&after=3', code: /provider_disconnected/ },
  { fail: 'cut&after=3', code: /provider_disconnected/ },
  { fail: 'stream-error&after=3', code: /provider_|server_error|rate_limited/ },
] as const
