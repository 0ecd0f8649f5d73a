import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import * as genai from '@google/genai'
import Anthropic0 from 'anthropic-0'
import * as genai2 from 'genai-2'
import {
  modelOf,
  playRecording,
  recordedProviders,
  recordings,
  type Said,
} from './support/recorded-answers.ts'
import { startSluice } from './support/sluice.ts'
import { startUpstream } from './support/upstream.ts'

/* What providers really answer, read by the SDKs of Anthropic and Google, whole and streamed. */

const key = 'sk-test-recorded-0123456789'
const upstream = await startUpstream(playRecording)
const sluice = await startSluice({
  config: `
providers:
${recordedProviders(upstream.url)}
keys:
  - { name: web, key: ${key}, organization: acme, project: shop }
`,
})

const anthropics = { 'anthropic 1': Anthropic, 'anthropic 0': Anthropic0 as unknown as typeof Anthropic }
const googles = { 'genai 3': genai, 'genai 2': genai2 as unknown as typeof genai }
const tools = ['find', 'now']

for (const [sdk, Sdk] of Object.entries(anthropics)) {
  const { messages } = new Sdk({ baseURL: sluice.url, apiKey: key, maxRetries: 0 })
  const body = (name: string): Anthropic.MessageCreateParamsNonStreaming => ({
    model: modelOf(name),
    max_tokens: 2000,
    messages: [{ role: 'user', content: 'Hi' }],
    tools: tools.map(name => ({ name, input_schema: { type: 'object' } })),
  })
  readsAll(sdk, {
    whole: async name => ofMessage(await messages.create(body(name))),
    stream: async name => ofMessage(await messages.stream(body(name)).finalMessage()),
  })
}

for (const [sdk, { GoogleGenAI }] of Object.entries(googles)) {
  const { models } = new GoogleGenAI({
    apiKey: key,
    httpOptions: { baseUrl: sluice.url, retryOptions: { attempts: 1 } },
  })
  const asked = (name: string): genai.GenerateContentParameters => ({
    model: modelOf(name),
    contents: 'Hi',
    config: { tools: [{ functionDeclarations: tools.map(name => ({ name })) }] },
  })
  readsAll(sdk, {
    whole: async name => ofChunks([await models.generateContent(asked(name))]),
    async stream(name) {
      const chunks: genai.GenerateContentResponse[] = []
      for await (const chunk of await models.generateContentStream(asked(name))) chunks.push(chunk)
      return ofChunks(chunks)
    },
  })
}

type Read = (name: string) => Promise<Said>

function readsAll(sdk: string, ways: Record<string, Read>): void {
  suite(sdk, () => {
    for (const [name, { says }] of Object.entries(recordings))
      for (const [way, read] of Object.entries(ways))
        test(`${name} (${way})`, async () => {
          if (says.end !== 'failed') return assert.deepEqual(await read(name), full(says, sdk))
          const said = await read(name).catch((error: Error) => error)
          if (said instanceof Error) return assert.ok('status' in said || said.message !== '')
          // Google's own word for its own failure goes to its own SDK as it is.
          assert.deepEqual([said.end, sdk.startsWith('genai')], ['failed', true])
        })
  })
}

/** With what is not said, as each SDK tells it. */
function full(
  { text = '', refusal = '', thoughts = '', calls = [], end, usage = [0, 0, 0] }: Said,
  sdk: string,
): Said {
  const hasPlace = sdk.startsWith('anthropic')
  return {
    text: hasPlace ? text : text + refusal,
    refusal: hasPlace ? refusal : '',
    thoughts,
    calls,
    end,
    usage,
  }
}

function ofMessage({ content, stop_reason, stop_details, usage }: Anthropic.Message): Said {
  const ends: Record<string, Said['end']> = {
    end_turn: 'stop',
    tool_use: 'calls',
    max_tokens: 'length',
    model_context_window_exceeded: 'length',
    refusal: 'filtered',
  }
  const cached = usage.cache_read_input_tokens ?? 0
  const input = usage.input_tokens + cached + (usage.cache_creation_input_tokens ?? 0)
  return {
    text: content.map(block => (block.type === 'text' ? block.text : '')).join(''),
    refusal: stop_details?.explanation ?? '',
    thoughts: content.map(block => (block.type === 'thinking' ? block.thinking : '')).join(''),
    calls: content.flatMap(block =>
      block.type === 'tool_use' ? [[block.name, block.input as object]] : [],
    ) as [],
    end: ends[stop_reason ?? ''] ?? 'failed',
    usage: [input, cached, usage.output_tokens],
  }
}

function ofChunks(chunks: readonly genai.GenerateContentResponse[]): Said {
  const parts = chunks.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? [])
  const last = chunks.at(-1)
  const blocked = chunks.some(({ promptFeedback }) => promptFeedback?.blockReason !== undefined)
  const calls = parts.flatMap(({ functionCall }) =>
    functionCall ? [[functionCall.name ?? '', functionCall.args ?? {}]] : [],
  ) as [string, Record<string, unknown>][]
  const { promptTokenCount = 0, cachedContentTokenCount = 0, ...counts } = last?.usageMetadata ?? {}
  return {
    text: parts.map(({ text, thought }) => (thought ? '' : (text ?? ''))).join(''),
    refusal: '',
    thoughts: parts.map(({ text, thought }) => (thought ? (text ?? '') : '')).join(''),
    calls,
    end: blocked ? 'filtered' : endOf(last?.candidates?.[0]?.finishReason, calls.length > 0),
    usage: [
      promptTokenCount,
      cachedContentTokenCount,
      (counts.candidatesTokenCount ?? 0) + (counts.thoughtsTokenCount ?? 0),
    ],
  }
}

function endOf(reason: string | undefined, hasCalls: boolean): Said['end'] {
  switch (reason) {
    case 'STOP':
      return hasCalls ? 'calls' : 'stop'
    case 'MAX_TOKENS':
      return 'length'
    case 'SAFETY':
    case 'PROHIBITED_CONTENT':
    case 'MODEL_ARMOR':
      return 'filtered'
    default:
      return 'failed'
  }
}
