import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import {
  APICallError,
  generateObject,
  generateText,
  type LanguageModel,
  type ModelMessage,
  Output,
  stepCountIs,
  streamText,
  tool,
} from 'ai'
import { z } from 'zod'
import {
  type ProviderCase,
  pdf,
  png,
  providerCases,
  scripted,
  startOpenAiSuite,
} from './support/openai-suite.ts'

const suiteOf = await startOpenAiSuite()
const { baseURL, key, billedWhenCut, lastAsked, lastBilled } = suiteOf

type CallOptions = Pick<Parameters<typeof generateText>[0], 'providerOptions'>

interface ClientCase {
  model(name: string): LanguageModel
  /** The provider whose dialect it speaks. */
  own: ProviderCase['provider']
  /** How it asks for thinking, and to see it. */
  thinking: CallOptions
}

const openai = createOpenAI({ baseURL, apiKey: key })
const anthropic = createAnthropic({ baseURL, apiKey: key })
const google = createGoogle({ baseURL: `${baseURL}beta`, apiKey: key })

const clients: Readonly<Record<string, ClientCase>> = {
  '@ai-sdk/openai, chat': {
    model: name => openai.chat(name),
    own: 'chat',
    thinking: { providerOptions: { openai: { reasoningEffort: 'high', forceReasoning: true } } },
  },
  '@ai-sdk/openai, responses': {
    model: name => openai.responses(name),
    own: 'responses',
    thinking: {
      providerOptions: {
        openai: { reasoningEffort: 'high', reasoningSummary: 'detailed', store: false, forceReasoning: true },
      },
    },
  },
  '@ai-sdk/anthropic': {
    model: name => anthropic(name),
    own: 'messages',
    thinking: { providerOptions: { anthropic: { thinking: { type: 'enabled', budgetTokens: 2000 } } } },
  },
  '@ai-sdk/google': {
    // This SDK puts the name into the address as it is; a script is no name that it was made for.
    model: name => google(`models/${name.replace('?', '%3F')}`),
    own: 'gemini',
    thinking: {
      providerOptions: { google: { thinkingConfig: { includeThoughts: true, thinkingBudget: 2000 } } },
    },
  },
}

const prompt = 'What about lighthouses?'
const maxOutputTokens = 8000
const settings = { maxRetries: 0, timeout: 10_000, maxOutputTokens }

const tools = {
  find_lighthouse: tool({
    description: 'Finds one.',
    inputSchema: z.object({ place: z.string() }),
    execute: async ({ place }) => ({ place, height: '42 m' }),
  }),
  ring_bell: tool({ description: 'Takes nothing.', inputSchema: z.object({}), execute: async () => 'rung' }),
}

for (const [clientName, client] of Object.entries(clients)) {
  for (const [providerName, provider] of Object.entries(providerCases)) {
    suite(`${clientName} before ${providerName}`, () => {
      textTests(client, provider)
      toolTests(client, provider)
      objectTests(client, provider)
      mediaTests(client, provider)
      reasoningTests(client, provider)
      errorTests(client, provider)
    })
  }
}

function textTests({ model }: ClientCase, provider: ProviderCase): void {
  test('text is generated and streamed alike, with what is on the bill', async () => {
    const ask = { ...settings, model: model(scripted(provider.model, 'tokens=40&cached=3')), prompt }
    const plain = await generateText({ ...ask, instructions: 'You are the keeper.' })
    const billed = await lastBilled()
    assert.ok(plain.text)
    assert.equal(plain.finishReason, 'stop')
    const stream = streamText({ ...ask, instructions: 'You are the keeper.' })
    const deltas: string[] = []
    for await (const delta of stream.textStream) deltas.push(delta)
    assert.ok(deltas.length > 5)
    assert.equal(deltas.join(''), plain.text)
    assert.equal(await stream.finishReason, 'stop')
    for (const usage of [plain.usage, await stream.usage]) {
      assert.equal(usage.inputTokens, billed.input_tokens)
      assert.equal(usage.outputTokens, billed.output_tokens)
      assert.equal(usage.inputTokenDetails.cacheReadTokens, 3)
    }
    const sent = JSON.stringify((await lastAsked()).body)
    assert.ok(sent.includes('You are the keeper.') && sent.includes(prompt))
  })

  test('a bound on tokens ends an answer by `length`', async () => {
    const ask = {
      ...settings,
      model: model(scripted(provider.model, 'tokens=100')),
      prompt,
      maxOutputTokens: 20,
    }
    assert.equal((await generateText(ask)).finishReason, 'length')
    const stream = streamText(ask)
    await stream.consumeStream()
    assert.equal(await stream.finishReason, 'length')
  })

  test('what a filter breaks off ends by `content-filter`', async () => {
    const ask = { ...settings, model: model(scripted(provider.model, 'filter&tokens=40')), prompt }
    assert.equal((await generateText(ask)).finishReason, 'content-filter')
    const stream = streamText(ask)
    await stream.consumeStream()
    assert.equal(await stream.finishReason, 'content-filter')
  })
}

function toolTests({ model }: ClientCase, provider: ProviderCase): void {
  const ask = {
    ...settings,
    model: model(scripted(provider.model, 'tool=2')),
    prompt,
    tools,
    stopWhen: stepCountIs(4),
  }

  test('tools are called, two at once, and answered in a further step', async () => {
    const { steps, text } = await generateText(ask)
    assert.deepEqual(
      steps.map(({ finishReason, toolCalls, toolResults }) => [
        finishReason,
        toolCalls.length,
        toolResults.length,
      ]),
      [
        ['tool-calls', 2, 2],
        ['stop', 0, 0],
      ],
    )
    assert.ok(text)
    assert.ok(JSON.stringify((await lastAsked()).body).includes('42 m'))
  })

  test('tools are called in a stream, and answered in a further step', async () => {
    const stream = streamText(ask)
    const types = new Set<string>()
    for await (const part of stream.fullStream) {
      assert.notEqual(part.type, 'error', JSON.stringify(part))
      types.add(part.type)
    }
    assert.ok(types.has('tool-input-start') && types.has('tool-call') && types.has('tool-result'))
    assert.deepEqual(
      (await stream.steps).map(({ finishReason, toolCalls }) => [finishReason, toolCalls.length]),
      [
        ['tool-calls', 2],
        ['stop', 0],
      ],
    )
  })

  test('a named tool without arguments is called with {}', async () => {
    const { toolCalls } = await generateText({
      ...ask,
      stopWhen: stepCountIs(1),
      model: model(provider.model),
      toolChoice: { type: 'tool', toolName: 'ring_bell' },
    })
    assert.deepEqual(
      toolCalls.map(({ toolName, input }) => [toolName, input]),
      [['ring_bell', {}]],
    )
  })
}

const Lighthouse = z.object({
  name: z.string(),
  colours: z.array(z.enum(['red', 'white'])),
  keeper: z.object({ name: z.string() }).nullable(),
})

function objectTests({ model }: ClientCase, provider: ProviderCase): void {
  test('an object by a schema of zod is generated, and streamed', async () => {
    const ask = { ...settings, model: model(provider.model), prompt }
    const { object } = await generateObject({ ...ask, schema: Lighthouse })
    assert.ok(Lighthouse.parse(object))
    const { output } = await generateText({ ...ask, output: Output.object({ schema: Lighthouse }) })
    assert.ok(Lighthouse.parse(output))
    const stream = streamText({ ...ask, output: Output.object({ schema: Lighthouse }) })
    await stream.consumeStream()
    assert.ok(Lighthouse.parse(await stream.output))
  })
}

function mediaTests({ model }: ClientCase, provider: ProviderCase): void {
  test('a picture as data and a PDF arrive', async () => {
    const messages: ModelMessage[] = [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'file', data: png, mediaType: 'image/png' },
          { type: 'file', data: pdf, mediaType: 'application/pdf', filename: 'plan.pdf' },
        ],
      },
    ]
    const { text } = await generateText({ ...settings, model: model(provider.model), messages })
    assert.ok(text)
    const sent = JSON.stringify((await lastAsked()).body)
    assert.ok(sent.includes(png) && sent.includes(pdf))
  })
}

function reasoningTests({ model, thinking, own }: ClientCase, provider: ProviderCase): void {
  test('thinking is kept through the steps of a conversation with tools', async () => {
    const ask = {
      ...settings,
      ...thinking,
      model: model(scripted(provider.thinker, 'tool=1&reasoning=30')),
      tools,
      stopWhen: stepCountIs(3),
    }
    for (const streamed of [false, true]) {
      const messages: ModelMessage[] = [{ role: 'user', content: prompt }]
      for (const more of ['And the lamp?', 'And the keeper?']) {
        const result = streamed ? streamText({ ...ask, messages }) : await generateText({ ...ask, messages })
        if ('consumeStream' in result) await result.consumeStream()
        const steps = await result.steps
        assert.deepEqual(
          steps.map(({ finishReason }) => finishReason),
          ['tool-calls', 'stop'],
        )
        assert.equal(steps[0]?.usage.outputTokenDetails.reasoningTokens, 30)
        messages.push(...(await result.responseMessages), { role: 'user', content: more })
      }
      const sent = JSON.stringify((await lastAsked()).body)
      if (own === 'chat') return // this SDK reads no thinking from a chat
      if (provider.provider === 'messages') assert.match(sent, /"type":"thinking".*"signature":"[^"]+"/)
      if (provider.provider === 'gemini') assert.match(sent, /"thoughtSignature":"[^"]+"/)
      if (provider.provider === 'responses') assert.match(sent, /"encrypted_content":"[^"]+"/)
    }
  })

  test('thinking is shown where it can be', async () => {
    const ask = {
      ...settings,
      ...thinking,
      model: model(scripted(provider.thinker, 'reasoning=30&tokens=10')),
      prompt,
    }
    const shown = own !== 'chat' && provider.provider !== 'chat'
    const plain = await generateText(ask)
    assert.equal(Boolean(plain.reasoningText), shown)
    const stream = streamText(ask)
    await stream.consumeStream()
    assert.equal(await stream.reasoningText, plain.reasoningText)
  })
}

function errorTests({ model }: ClientCase, provider: ProviderCase): void {
  const failures = [
    { fail: '400', status: 400, retryable: false },
    { fail: '401', status: 502, retryable: true },
    { fail: '429&retry_after=90', status: 429, retryable: true },
    { fail: '529', status: 503, retryable: true },
    { fail: 'truncated-json', status: 502, retryable: true },
  ]
  for (const { fail, status, retryable } of failures) {
    test(`a provider that fails by ${fail} is an APICallError of status ${status}`, async () => {
      const ask = { ...settings, model: model(scripted(provider.model, `fail=${fail}`)), prompt }
      await assert.rejects(generateText(ask), cause => {
        assert.ok(APICallError.isInstance(cause), String(cause))
        assert.equal(cause.statusCode, status)
        assert.equal(cause.isRetryable, retryable)
        assert.ok(cause.message.length > 10, 'it was read in its own shape')
        if (status === 429) assert.match(cause.responseHeaders?.['retry-after'] ?? '', /^([6-9]\d|1[0-2]\d)$/)
        return true
      })
    })
  }

  for (const fail of ['eof', 'cut', 'stream-error']) {
    test(`a stream that breaks by ${fail} is an error, after what has been said`, async () => {
      const stream = streamText({
        ...settings,
        model: model(scripted(provider.model, `tokens=20&fail=${fail}&after=5`)),
        prompt,
        onError: () => undefined,
      })
      const types: string[] = []
      for await (const part of stream.fullStream) types.push(part.type)
      assert.ok(types.includes('text-delta'))
      assert.ok(types.includes('error'), types.join(' '))
    })
  }

  test('who aborts has the provider stop', async () => {
    const abort = new AbortController()
    const stream = streamText({
      ...settings,
      model: model(scripted(provider.model, 'tokens=500&pace=20ms')),
      prompt,
      abortSignal: abort.signal,
      onError: () => undefined,
    })
    let pieces = 0
    for await (const _delta of stream.textStream) {
      pieces += 1
      if (pieces === 3) abort.abort()
    }
    await billedWhenCut()
  })
}

test('a model is named to @ai-sdk/google as it is named to all others, with its provider', async () => {
  for (const { model } of Object.values(providerCases)) {
    const { text } = await generateText({ ...settings, model: google(model), prompt })
    assert.ok(text)
    const stream = streamText({ ...settings, model: google(model), prompt })
    assert.equal(await stream.text, text)
  }
})
