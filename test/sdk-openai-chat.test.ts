import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type OpenAI from 'openai'
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod'
import { z } from 'zod'
import {
  brokenStreams,
  collect,
  failureCases,
  type ProviderCase,
  pdf,
  png,
  providerCases,
  scripted,
  startOpenAiSuite,
} from './support/openai-suite.ts'
import { type OpenAiSdk, officialSdks } from './support/sdks.ts'

const suiteOf = await startOpenAiSuite()
const { baseURL, key, billedWhenCut, lastAsked, lastBilled } = suiteOf

/** What a provider's API has no word for: refused by the caller's own name for it. */
const unsupported: Readonly<Record<ProviderCase['provider'], readonly Record<string, unknown>[]>> = {
  chat: [],
  responses: [{ logit_bias: { 50256: -100 } }, { n: 2 }, { frequency_penalty: 1 }, { presence_penalty: 1 }],
  messages: [
    { logit_bias: { 50256: -100 } },
    { n: 2 },
    { logprobs: true },
    { frequency_penalty: 1 },
    { web_search_options: {} },
    { modalities: ['text', 'audio'] },
    { never_heard_of: 1 },
  ],
  gemini: [{ logit_bias: { 50256: -100 } }, { web_search_options: {} }, { never_heard_of: 1 }],
}

type Client = InstanceType<OpenAiSdk>
type Message = OpenAI.ChatCompletionMessageParam

const messages: Message[] = [{ role: 'user', content: 'What about lighthouses?' }]
const place = { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] }
const tools = [
  { type: 'function' as const, function: { name: 'find_lighthouse', parameters: place } },
  { type: 'function' as const, function: { name: 'ring_bell', description: 'Takes nothing.' } },
]

for (const [sdk, Sdk] of Object.entries(officialSdks)) {
  const client = new Sdk({ baseURL, apiKey: key, maxRetries: 0, timeout: 10_000 })
  for (const [name, provider] of Object.entries(providerCases)) {
    suite(`${sdk}, Chat Completions before ${name}`, () => {
      textTests(client, provider)
      toolTests(client, provider)
      formatTests(client, provider)
      mediaTests(client, provider)
      reasoningTests(client, provider)
      endTests(client, provider)
      usageTests(client, provider)
      errorTests(Sdk, client, provider)
      unsupportedTests(Sdk, client, provider)
    })
  }
}

function textTests(client: Client, { model }: ProviderCase): void {
  test('a stream comes in pieces and is put together to what the plain answer says', async () => {
    const ask = { model: scripted(model, 'tokens=40'), messages }
    const plain = await client.chat.completions.create(ask)
    const stream = client.chat.completions.stream({ ...ask, stream_options: { include_usage: true } })
    const deltas: string[] = []
    stream.on('content', delta => deltas.push(delta))
    const whole = await stream.finalChatCompletion()
    const [choice] = plain.choices
    assert.ok(choice?.message.content)
    assert.equal(choice.finish_reason, 'stop')
    assert.equal(choice.message.refusal, null)
    assert.ok(deltas.length > 5, 'one delta for each token')
    assert.equal(deltas.join(''), choice.message.content)
    assert.equal(whole.choices[0]?.message.content, choice.message.content)
    assert.equal(whole.choices[0]?.finish_reason, 'stop')
    assert.deepEqual(whole.usage, plain.usage)
    assert.match(plain.id, /^chatcmpl-/)
    assert.ok(plain.created > 0)
  })

  test('system texts, earlier turns and a developer in the midst are all told', async () => {
    const said: Message[] = [
      { role: 'system', content: 'You are the keeper.' },
      { role: 'developer', content: [{ type: 'text', text: 'Answer in rhyme.' }] },
      { role: 'user', content: 'Who are you?' },
      { role: 'assistant', content: 'The keeper.' },
      { role: 'system', content: 'It is night now.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'And the' },
          { type: 'text', text: ' lamp?' },
        ],
      },
    ]
    const { choices } = await client.chat.completions.create({ model, messages: said })
    assert.ok(choices[0]?.message.content)
    const { body } = await lastAsked()
    const sent = JSON.stringify(body)
    const order = ['You are the keeper.', 'Answer in rhyme.', 'Who are you?', 'The keeper.', 'And the']
    for (const text of [...order, 'It is night now.', ' lamp?']) assert.ok(sent.includes(text), text)
  })
}

function toolTests(client: Client, { model }: ProviderCase): void {
  const calling = scripted(model, 'tool=2')

  for (const streamed of [false, true]) {
    const ask = async (
      body: OpenAI.ChatCompletionCreateParamsNonStreaming,
    ): Promise<OpenAI.ChatCompletion.Choice> => {
      const answer = streamed
        ? await client.chat.completions.stream({ ...body, stream: true }).finalChatCompletion()
        : await client.chat.completions.create(body)
      assert.equal(answer.choices.length, 1)
      return answer.choices[0]!
    }
    const how = streamed ? ', streamed' : ''

    test(`two tools called at once are answered, and answered again${how}`, async () => {
      const said: Message[] = [...messages]
      for (let turn = 0; turn < 2; turn += 1) {
        const { message, finish_reason } = await ask({ model: calling, messages: said, tools })
        assert.equal(finish_reason, 'tool_calls')
        const calls = checkCalls(message)
        assert.equal(calls.length, 2)
        said.push(message, ...calls.map(answerOf))
        const { message: answer, finish_reason: end } = await ask({ model: calling, messages: said, tools })
        assert.equal(end, 'stop')
        assert.ok(answer.content)
        said.push(answer, { role: 'user', content: `And turn ${turn}?` })
      }
    })

    test(`a named tool is called, and one without arguments has {}${how}`, async () => {
      const choice = await ask({
        model,
        messages,
        tools,
        tool_choice: { type: 'function', function: { name: 'ring_bell' } },
      })
      // OpenAI says `stop` where the call was forced by name.
      assert.ok(['tool_calls', 'stop'].includes(choice.finish_reason))
      const calls = checkCalls(choice.message)
      assert.deepEqual(
        calls.map(({ function: { name, arguments: args } }) => [name, JSON.parse(args)]),
        [['ring_bell', {}]],
      )
    })

    test(`a required tool is called, only once where calls may not be parallel${how}`, async () => {
      const choice = await ask({
        model: calling,
        messages,
        tools,
        tool_choice: 'required',
        ...(!model.startsWith('gemini') && { parallel_tool_calls: false }),
      })
      assert.equal(checkCalls(choice.message).length, model.startsWith('gemini') ? 2 : 1)
    })
  }

  test('no tool is called where none may be', async () => {
    const { choices } = await client.chat.completions.create({
      model: calling,
      messages,
      tools,
      tool_choice: 'none',
    })
    assert.equal(choices[0]?.finish_reason, 'stop')
    assert.equal(choices[0].message.tool_calls, undefined)
  })

  test('the SDK runs tools by itself until the answer is there', async () => {
    const heard: unknown[] = []
    const runner = client.chat.completions.runTools({
      model: scripted(model, 'tool=1'),
      messages,
      tools: [
        {
          type: 'function' as const,
          function: {
            name: 'find_lighthouse',
            description: 'Finds one.',
            parameters: place,
            parse: JSON.parse,
            function: (given: { place: string }) => {
              heard.push(given.place)
              return '{"height":"42 m"}'
            },
          },
        },
      ],
    })
    assert.ok(await runner.finalContent())
    assert.equal(heard.length, 1)
    assert.equal(typeof heard[0], 'string')
  })
}

interface FunctionCall {
  id: string
  type: 'function'
  function: { name: string; arguments: string }
}

function checkCalls(message: OpenAI.ChatCompletionMessage): FunctionCall[] {
  const calls = (message.tool_calls ?? []).filter(call => call.type === 'function')
  assert.equal(calls.length, message.tool_calls?.length)
  assert.equal(new Set(calls.map(({ id }) => id)).size, calls.length, 'ids are distinct')
  for (const { id, function: given } of calls) {
    assert.ok(id)
    assert.ok(['find_lighthouse', 'ring_bell'].includes(given.name))
    assert.equal(typeof JSON.parse(given.arguments), 'object')
  }
  return calls
}

function answerOf({ id, function: { name } }: FunctionCall): Message {
  return { role: 'tool', tool_call_id: id, content: `${name} says 42 m` }
}

const Lighthouse = z.object({
  name: z.string(),
  heightMetres: z.number().int().min(1).max(200),
  colours: z.array(z.enum(['red', 'white'])),
  keeper: z.object({ name: z.string() }).nullable(),
})

function formatTests(client: Client, { model, provider }: ProviderCase): void {
  test('an answer by a schema of zod is parsed by the SDK, plain and streamed', async () => {
    const ask = { model, messages, response_format: zodResponseFormat(Lighthouse, 'lighthouse') }
    const plain = await client.chat.completions.parse(ask)
    const streamed = await client.chat.completions.stream(ask).finalChatCompletion()
    for (const { choices } of [plain, streamed]) assert.ok(choices[0]?.message.parsed)
    // Bounds are not enforced by Anthropic’s decoder: they are said in words, which the simulator does not read.
    if (provider !== 'messages')
      assert.ok(Lighthouse.parse(plain.choices[0]?.message.parsed).heightMetres > 0)
  })

  test('a tool by a schema of zod has its arguments parsed by the SDK', async () => {
    const tool = zodFunction({ name: 'find_lighthouse', parameters: z.object({ place: z.string() }) })
    const { choices } = await client.chat.completions.parse({
      model: scripted(model, 'tool=1'),
      messages,
      tools: [tool],
    })
    const [call] = choices[0]?.message.tool_calls ?? []
    assert.ok(call?.type === 'function')
    assert.equal(typeof (call.function.parsed_arguments as { place: unknown }).place, 'string')
  })

  test('an answer that is some JSON is JSON, or is refused by name', async () => {
    const ask = client.chat.completions.create({ model, messages, response_format: { type: 'json_object' } })
    if (provider === 'messages') {
      await assert.rejects(ask, { status: 400, code: 'unsupported_parameter', param: /^response_format/ })
      return
    }
    const { choices } = await ask
    assert.equal(typeof JSON.parse(choices[0]?.message.content ?? ''), 'object')
  })
}

function mediaTests(client: Client, { model, provider }: ProviderCase): void {
  test('pictures as data and by address, and a PDF, arrive', async () => {
    const content: OpenAI.ChatCompletionContentPart[] = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${png}`, detail: 'low' } },
      { type: 'image_url', image_url: { url: suiteOf.imageUrl } },
      { type: 'file', file: { filename: 'plan.pdf', file_data: `data:application/pdf;base64,${pdf}` } },
    ]
    const { choices } = await client.chat.completions.create({ model, messages: [{ role: 'user', content }] })
    assert.ok(choices[0]?.message.content)
    const sent = JSON.stringify((await lastAsked()).body)
    assert.ok(sent.includes(pdf))
    const pictures = sent.split(png).length - 1
    assert.equal(pictures, provider === 'gemini' ? 2 : 1, 'an address is fetched where only data is taken')
    assert.equal(sent.includes(suiteOf.imageUrl), provider !== 'gemini')
  })
}

interface Thinking {
  reasoning_content?: string
  reasoning_details?: unknown[]
}

function reasoningTests(client: Client, { thinker, provider }: ProviderCase): void {
  test('thinking is counted, and given back under its seal in the next turn', async () => {
    const ask = {
      model: scripted(thinker, 'tool=1&reasoning=30'),
      messages,
      tools,
      reasoning_effort: 'high' as const,
    }
    const plain = await client.chat.completions.create(ask)
    const streamed = await client.chat.completions.stream(ask).finalChatCompletion()
    for (const { choices } of [plain, streamed]) {
      const { message } = choices[0]!
      const calls = checkCalls(message)
      const next = await client.chat.completions.create({
        ...ask,
        messages: [...messages, message, ...calls.map(answerOf)],
      })
      assert.equal(next.choices[0]?.finish_reason, 'stop')
      const sent = JSON.stringify((await lastAsked()).body)
      if (provider === 'responses') assert.match(sent, /"type":"reasoning"/)
      if (provider === 'messages') assert.match(sent, /"type":"thinking".*"signature":"[^"]+"/)
      if (provider === 'gemini') assert.match(sent, /"thoughtSignature":"[^"]+"/)
    }
    assert.equal(plain.usage?.completion_tokens_details?.reasoning_tokens, 30)
  })

  test('thinking that the provider shows is shown', async () => {
    const { choices } = await client.chat.completions.create({
      model: scripted(thinker, 'reasoning=30'),
      messages,
      reasoning_effort: 'high',
    })
    const message = choices[0]?.message as Thinking
    // Chat hides it; Responses and Gemini show it only where asked, for which Chat has no word.
    if (provider === 'messages') assert.ok(message.reasoning_content)
  })
}

function endTests(client: Client, { model, provider, stops }: ProviderCase): void {
  test('a bound on tokens ends an answer by `length`, streamed too', async () => {
    const ask = { model: scripted(model, 'tokens=100'), messages, max_completion_tokens: 20 }
    const plain = await client.chat.completions.create(ask)
    assert.equal(plain.choices[0]?.finish_reason, 'length')
    assert.equal(plain.usage?.completion_tokens, 20)
    const chunks = await collect(await client.chat.completions.create({ ...ask, stream: true }))
    assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'length')
    const old = await client.chat.completions.create({
      model: scripted(model, 'tokens=100'),
      messages,
      max_tokens: 20,
    })
    assert.equal(old.choices[0]?.finish_reason, 'length')
  })

  test('a stop sequence ends an answer, where the provider knows them', async () => {
    const plain = await client.chat.completions.create({ model: scripted(model, 'tokens=40'), messages })
    const [word = ''] = /\b[a-z]{4,}\b/.exec(plain.choices[0]?.message.content?.slice(20) ?? '') ?? []
    const ask = client.chat.completions.create({
      model: scripted(model, 'tokens=40'),
      messages,
      stop: [word],
    })
    if (!stops) {
      await assert.rejects(ask, { status: 400, code: 'unsupported_parameter', param: 'stop' })
      return
    }
    const { choices } = await ask
    assert.equal(choices[0]?.finish_reason, 'stop')
    assert.ok(!choices[0].message.content?.includes(word))
  })

  test('a refusal is told, plain and streamed', async () => {
    const ask = { model: scripted(model, 'refusal'), messages }
    const plain = await client.chat.completions.create(ask)
    const streamed = await client.chat.completions.stream(ask).finalChatCompletion()
    for (const { choices } of [plain, streamed]) {
      const { message, finish_reason } = choices[0]!
      if (provider === 'chat' || provider === 'responses') assert.ok(message.refusal)
      else assert.equal(finish_reason, 'content_filter')
      assert.ok(!message.content)
    }
  })

  test('an answer that a filter breaks off says so, plain and streamed', async () => {
    const ask = { model: scripted(model, 'filter&tokens=40'), messages }
    const plain = await client.chat.completions.create(ask)
    assert.equal(plain.choices[0]?.finish_reason, 'content_filter')
    const chunks = await collect(await client.chat.completions.create({ ...ask, stream: true }))
    assert.equal(
      chunks.findLast(({ choices }) => choices[0]?.finish_reason)?.choices[0]?.finish_reason,
      'content_filter',
    )
  })
}

function usageTests(client: Client, { thinker }: ProviderCase): void {
  test('usage is what is on the bill, in OpenAI’s rules, streamed too', async () => {
    const ask = {
      model: scripted(thinker, 'tokens=20&reasoning=12&cached=3'),
      messages,
      reasoning_effort: 'high' as const,
    }
    for (const streamed of [false, true]) {
      const { usage } = streamed
        ? await client.chat.completions
            .stream({ ...ask, stream_options: { include_usage: true } })
            .finalChatCompletion()
        : await client.chat.completions.create(ask)
      const billed = await lastBilled()
      assert.equal(usage?.prompt_tokens, billed.input_tokens)
      assert.equal(usage.completion_tokens, billed.output_tokens)
      assert.equal(usage.total_tokens, billed.input_tokens + billed.output_tokens)
      assert.equal(usage.prompt_tokens_details?.cached_tokens, billed.cached_input_tokens)
      assert.equal(usage.completion_tokens_details?.reasoning_tokens, billed.reasoning_tokens)
      assert.ok(billed.cached_input_tokens === 3 && billed.reasoning_tokens === 12)
    }
  })

  test('a caller who does not ask for usage sees none', async () => {
    const chunks = await collect(
      await client.chat.completions.create({ model: thinker, messages, stream: true }),
    )
    assert.ok(chunks.every(chunk => !chunk.usage && chunk.choices.length > 0))
  })
}

function errorTests(Sdk: OpenAiSdk, client: Client, { model }: ProviderCase): void {
  for (const { fail, error, status, code } of failureCases) {
    test(`a provider that fails by ${fail} is a ${error}`, async () => {
      const ask = { model: scripted(model, `fail=${fail}`), messages }
      for (const stream of [false, true]) {
        if (stream && fail === 'truncated-json') continue // a stream that breaks: below
        await assert.rejects(client.chat.completions.create({ ...ask, stream }), cause => {
          assert.ok(cause instanceof Sdk[error], String(cause))
          assert.equal(cause.status, status)
          if (fail === '400' && model.startsWith('chat/')) assert.equal(cause.code, 'invalid_value')
          else if (stream && fail === 'empty')
            assert.equal(cause.code, 'provider_disconnected') // no end mark
          else assert.equal(cause.code, code)
          if (status === 429) assert.match(cause.headers?.get('retry-after') ?? '', /^([6-9]\d|1[0-2]\d)$/)
          return true
        })
      }
    })
  }

  for (const { fail, code } of brokenStreams) {
    test(`a stream that breaks by ${fail} is an error, after what has been said`, async () => {
      const ask = { model: scripted(model, `tokens=20&fail=${fail}`), messages }
      const deltas: string[] = []
      const stream = client.chat.completions.stream(ask)
      stream.on('content', delta => deltas.push(delta))
      await assert.rejects(stream.finalChatCompletion(), cause => {
        assert.ok(cause instanceof Sdk.APIError, String(cause))
        assert.match(String(cause.code), code)
        return true
      })
      assert.ok(deltas.length > 0 && deltas.length < 20)
    })
  }

  test('who hangs up has the provider stop, and what was produced is billed', async () => {
    const stream = await client.chat.completions.create({
      model: scripted(model, 'tokens=500&pace=20ms'),
      messages,
      stream: true,
    })
    let pieces = 0
    for await (const _chunk of stream) {
      pieces += 1
      if (pieces === 4) break
    }
    const billed = await billedWhenCut()
    assert.ok(billed.output_tokens < 400)
  })
}

function unsupportedTests(Sdk: OpenAiSdk, client: Client, { model, provider }: ProviderCase): void {
  for (const more of unsupported[provider]) {
    const [field = ''] = Object.keys(more)
    test(`\`${field}\` is refused by its name, or dropped where the caller says so`, async () => {
      const ask = { model, messages, ...more } as OpenAI.ChatCompletionCreateParamsNonStreaming
      await assert.rejects(client.chat.completions.create(ask), cause => {
        assert.ok(cause instanceof Sdk.BadRequestError)
        assert.equal(cause.code, 'unsupported_parameter')
        assert.equal(cause.param, field)
        return true
      })
      const { data, response } = await client.chat.completions
        .create(ask, { headers: { 'x-sluice-unsupported': 'drop' } })
        .withResponse()
      assert.ok(data.choices[0]?.message.content)
      assert.equal(response.headers.get('x-sluice-dropped'), field)
    })
  }

  test('a hint that cannot be passed on is named in the answer', async () => {
    if (provider === 'chat') return
    const { response } = await client.chat.completions
      .create({
        model,
        messages,
        seed: 2 ** 40,
        verbosity: 'low',
        prediction: { type: 'content', content: 'a' },
      })
      .withResponse()
    const dropped = response.headers.get('x-sluice-dropped')?.split(/, ?/) ?? []
    assert.ok(dropped.includes('seed') && dropped.includes('prediction'), String(dropped))
    assert.equal(dropped.includes('verbosity'), provider !== 'responses')
  })
}
