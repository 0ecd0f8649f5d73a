import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { suite, test } from 'node:test'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { generateText, type LanguageModel, streamText, tool } from 'ai'
import { z } from 'zod'
import { type Recorded, recordedAnswers } from './support/openai-recorded.ts'
import { type OpenAiSdk, officialSdks } from './support/sdks.ts'
import { startSluice } from './support/sluice.ts'
import { type SeenRequest, startUpstream } from './support/upstream.ts'

const key = 'sk-test-recorded-0123456789'
const cases = Object.entries(recordedAnswers)
const upstream = await startUpstream(answer)
const sluice = await startSluice({
  config: `
providers:
  chat: { dialect: openai, base_url: ${upstream.url}, api_key: k }
  messages: { dialect: anthropic, base_url: ${upstream.url}, api_key: k }
  gemini: { dialect: gemini, base_url: ${upstream.url}beta, api_key: k }
keys:
  - { name: web, key: ${key}, organization: acme, project: shop }
`,
})
const baseURL = `${sluice.url}/v1`

/** The case is in the model's name, which Gemini has in its path. */
function answer({ path, body }: SeenRequest, response: ServerResponse): void {
  const asked = JSON.parse(body) as { model?: string; stream?: boolean }
  const [, number = ''] = /case-(\d+)/.exec(asked.model ?? path) ?? []
  const [, recorded] = cases[Number(number)]!
  if (asked.stream || path.includes('streamGenerateContent'))
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(recorded.stream)
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(recorded.whole))
}

type Client = InstanceType<OpenAiSdk>
const input = 'What about lighthouses?'
const messages = [{ role: 'user' as const, content: input }]

for (const [sdk, Sdk] of Object.entries(officialSdks)) {
  const client = new Sdk({ baseURL, apiKey: key, maxRetries: 0, timeout: 10_000 })
  suite(`${sdk} reads`, () => {
    for (const [index, [what, recorded]] of cases.entries()) {
      const model = `${recorded.provider}/case-${index}`
      test(`${what}, as a chat`, () => readsChat(client, model, recorded))
      test(`${what}, as a response`, () => readsResponse(client, model, recorded))
    }
  })
}

async function readsChat(client: Client, model: string, recorded: Recorded): Promise<void> {
  const relayed = recorded.provider === 'chat'
  const plain = await client.chat.completions.create({ model, messages })
  const streamed = await client.chat.completions
    .stream({ model, messages, stream_options: { include_usage: true } })
    .finalChatCompletion()
  for (const { choices, usage } of [plain, streamed]) {
    assert.equal(choices.length, 1)
    const { message, finish_reason } = choices[0]!
    assert.equal(message.content ?? '', recorded.text)
    // Between two of the same dialect a reason stays the provider's own.
    if (relayed) assert.ok(['stop', recorded.finish].includes(finish_reason))
    else assert.equal(finish_reason, recorded.finish)
    const calls = (message.tool_calls ?? []).filter(call => call.type === 'function')
    assert.ok(calls.every(({ id }) => id))
    assert.deepEqual(
      calls.map(({ function: { name, arguments: args } }) => ({ name, arguments: JSON.parse(args || '{}') })),
      recorded.calls ?? [],
    )
    if (recorded.usage) assert.deepEqual([usage?.prompt_tokens, usage?.completion_tokens], recorded.usage)
  }
}

async function readsResponse(client: Client, model: string, recorded: Recorded): Promise<void> {
  const plain = await client.responses.create({ model, input, store: false })
  const streamed = await client.responses.stream({ model, input, store: false }).finalResponse()
  for (const { output, output_text, status, incomplete_details, usage } of [plain, streamed]) {
    assert.equal(output_text, recorded.text)
    const reasons: Partial<Record<Recorded['finish'], string>> = {
      length: 'max_output_tokens',
      content_filter: 'content_filter',
    }
    const reason = reasons[recorded.finish]
    assert.equal(status, reason ? 'incomplete' : 'completed')
    assert.equal(incomplete_details?.reason, reason)
    assert.deepEqual(
      output.flatMap(item =>
        item.type === 'function_call' ? [{ name: item.name, arguments: JSON.parse(item.arguments) }] : [],
      ),
      recorded.calls ?? [],
    )
    if (recorded.usage) assert.deepEqual([usage?.input_tokens, usage?.output_tokens], recorded.usage)
  }
}

const openai = createOpenAI({ baseURL, apiKey: key })
const anthropic = createAnthropic({ baseURL, apiKey: key })
const google = createGoogle({ baseURL: `${baseURL}beta`, apiKey: key })
const models: Readonly<Record<string, { of(name: string): LanguageModel; own: string }>> = {
  '@ai-sdk/openai, chat,': { of: name => openai.chat(name), own: 'chat' },
  '@ai-sdk/openai, responses,': { of: name => openai.responses(name), own: 'responses' },
  '@ai-sdk/anthropic': { of: name => anthropic(name), own: 'messages' },
  '@ai-sdk/google': { of: name => google(name), own: 'gemini' },
}
const finishes = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  content_filter: 'content-filter',
} as const
const tools = {
  find: tool({ inputSchema: z.object({ place: z.string() }), execute: async () => 'found' }),
  ring: tool({ inputSchema: z.object({}), execute: async () => 'rung' }),
}

for (const [name, { of, own }] of Object.entries(models)) {
  suite(`${name} reads`, () => {
    for (const [index, [what, recorded]] of cases.entries()) {
      test(what, async () => {
        const ask = {
          model: of(`${recorded.provider}/case-${index}`),
          prompt: input,
          maxRetries: 0,
          tools,
        }
        const stream = streamText({ ...ask, onError: () => undefined })
        await stream.consumeStream()
        for (const result of [await generateText(ask), stream]) {
          assert.equal(await result.text, recorded.text)
          // Between two of the same dialect a reason stays the provider's own, which not every SDK knows.
          if (own !== recorded.provider) assert.equal(await result.finishReason, finishes[recorded.finish])
          assert.deepEqual(
            (await result.toolCalls)
              .filter(call => !call.providerExecuted)
              .map(call => ({ name: call.toolName, arguments: call.input })),
            recorded.calls ?? [],
          )
          const { inputTokens, outputTokens } = await result.usage
          if (recorded.usage) assert.deepEqual([inputTokens, outputTokens], recorded.usage)
        }
      })
    }
  })
}
