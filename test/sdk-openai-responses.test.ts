import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type OpenAI from 'openai'
import { zodTextFormat } from 'openai/helpers/zod'
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

type Client = InstanceType<OpenAiSdk>
type Input = OpenAI.Responses.ResponseInputItem

const input = 'What about lighthouses?'
const store = false
const tools: OpenAI.Responses.FunctionTool[] = [
  {
    type: 'function',
    name: 'find_lighthouse',
    strict: true,
    parameters: {
      type: 'object',
      properties: { place: { type: 'string' } },
      required: ['place'],
      additionalProperties: false,
    },
  },
  { type: 'function', name: 'ring_bell', description: 'Takes nothing.', strict: false, parameters: null },
]

const Lighthouse = z.object({
  name: z.string(),
  heightMetres: z.number().int(),
  keeper: z.object({ name: z.string() }).nullable(),
})

/** What a provider's API has no word for: refused by the caller's own name for it. */
const unsupported: Readonly<Record<ProviderCase['provider'], readonly Record<string, unknown>[]>> = {
  chat: [{ tools: [{ type: 'web_search' }] }, { prompt: { id: 'pmpt_1' } }],
  responses: [],
  messages: [
    { tools: [{ type: 'web_search' }] },
    { text: { format: { type: 'json_object' } } },
    { top_logprobs: 2 },
    { never_heard_of: 1 },
  ],
  gemini: [{ tools: [{ type: 'web_search' }] }, { never_heard_of: 1 }],
}

for (const [sdk, Sdk] of Object.entries(officialSdks)) {
  const client = new Sdk({ baseURL, apiKey: key, maxRetries: 0, timeout: 10_000 })
  for (const [name, provider] of Object.entries(providerCases)) {
    suite(`${sdk}, Responses before ${name}`, () => {
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

/** A stream's events, checked for what every stream must keep to, and the response that ends it. */
async function streamed(
  client: Client,
  body: OpenAI.Responses.ResponseCreateParamsNonStreaming,
): Promise<{ events: OpenAI.Responses.ResponseStreamEvent[]; response: OpenAI.Responses.Response }> {
  const events = await collect(await client.responses.create({ ...body, stream: true }))
  assert.equal(events[0]?.type, 'response.created')
  assert.deepEqual(
    events.map(event => event.sequence_number),
    events.map((_event, index) => index),
  )
  const last = events.at(-1)
  assert.ok(last && 'response' in last, 'the end has the response')
  for (const event of events) {
    if (event.type !== 'response.output_item.done') continue
    assert.equal(event.item.id, last.response.output[event.output_index]?.id, 'ids stay as they were')
  }
  // `output_text` is the SDK's own, which it adds to whole answers alone.
  const texts = last.response.output.flatMap(item => (item.type === 'message' ? item.content : []))
  const output_text = texts.map(part => (part.type === 'output_text' ? part.text : '')).join('')
  return { events, response: { ...last.response, output_text } }
}

const kinds = ({ output }: OpenAI.Responses.Response): string[] => output.map(({ type }) => type)

function textTests(client: Client, { model }: ProviderCase): void {
  test('a stream comes in pieces and ends with what the plain answer says', async () => {
    const ask = { model: scripted(model, 'tokens=40'), input, store }
    const plain = await client.responses.create(ask)
    const { events, response } = await streamed(client, ask)
    assert.equal(plain.status, 'completed')
    assert.ok(plain.output_text)
    assert.match(plain.id, /^resp_/)
    assert.equal(plain.error, null)
    assert.equal(plain.incomplete_details, null)
    const deltas = events.flatMap(event => (event.type === 'response.output_text.delta' ? event.delta : []))
    assert.ok(deltas.length > 5, 'one delta for each token')
    assert.equal(deltas.join(''), plain.output_text)
    assert.equal(response.output_text, plain.output_text)
    assert.equal(response.status, 'completed')
    assert.deepEqual(response.usage, plain.usage)
    const helper = await client.responses.stream(ask).finalResponse()
    assert.equal(helper.output_text, plain.output_text)
  })

  test('instructions, earlier turns and a developer are all told, and settings repeated', async () => {
    const said: Input[] = [
      { role: 'system', content: 'You are the keeper.' },
      { role: 'developer', content: [{ type: 'input_text', text: 'Answer in rhyme.' }] },
      { role: 'user', content: 'Who are you?' },
      { role: 'assistant', content: 'The keeper.' },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'And the lamp?' }] },
    ]
    const response = await client.responses.create({
      model,
      input: said,
      store,
      instructions: 'Be brief.',
      metadata: { one: '1' },
      temperature: 0.5,
    })
    assert.ok(response.output_text)
    assert.equal(response.instructions, 'Be brief.')
    assert.deepEqual(response.metadata, { one: '1' })
    assert.equal(response.temperature, 0.5)
    const sent = JSON.stringify((await lastAsked()).body)
    for (const text of [
      'Be brief.',
      'You are the keeper.',
      'Answer in rhyme.',
      'Who are you?',
      'The keeper.',
      'And the lamp?',
    ])
      assert.ok(sent.includes(text), text)
  })

  test('an answer is gone on from by its id', async () => {
    const first = await client.responses.create({ model, input: 'My name is Fresnel.' })
    const next = await client.responses.create({ model, input, previous_response_id: first.id })
    assert.equal(next.previous_response_id, first.id)
    const sent = JSON.stringify((await lastAsked()).body)
    assert.ok(sent.includes('Fresnel') && sent.includes(JSON.stringify(first.output_text).slice(1, -1)))
  })
}

function toolTests(client: Client, { model }: ProviderCase): void {
  const calling = scripted(model, 'tool=2')

  for (const stream of [false, true]) {
    const ask = async (
      body: OpenAI.Responses.ResponseCreateParamsNonStreaming,
    ): Promise<OpenAI.Responses.Response> =>
      stream ? (await streamed(client, body)).response : await client.responses.create(body)
    const how = stream ? ', streamed' : ''

    test(`two tools called at once are answered, and answered again${how}`, async () => {
      const said: Input[] = [{ role: 'user', content: input }]
      for (let turn = 0; turn < 2; turn += 1) {
        const asked = await ask({ model: calling, input: said, tools, store })
        const calls = checkCalls(asked)
        assert.equal(calls.length, 2)
        said.push(...(asked.output as Input[]), ...calls.map(answerOf))
        const answered = await ask({ model: calling, input: said, tools, store })
        assert.equal(answered.status, 'completed')
        assert.ok(answered.output_text)
        said.push(...(answered.output as Input[]), { role: 'user', content: `And turn ${turn}?` })
      }
    })

    test(`a named tool is called, and one without arguments has {}${how}`, async () => {
      const choice = { type: 'function' as const, name: 'ring_bell' }
      const calls = checkCalls(await ask({ model, input, tools, store, tool_choice: choice }))
      assert.deepEqual(
        calls.map(({ name, arguments: args }) => [name, JSON.parse(args)]),
        [['ring_bell', {}]],
      )
    })

    test(`only an allowed tool is called, and only one where calls may not be parallel${how}`, async () => {
      const allowed = {
        type: 'allowed_tools' as const,
        mode: 'required' as const,
        tools: [{ type: 'function', name: 'find_lighthouse' }],
      }
      const calls = checkCalls(
        await ask({ model: calling, input, tools, store, tool_choice: allowed, parallel_tool_calls: false }),
      )
      assert.ok(calls.every(({ name }) => name === 'find_lighthouse'))
      if (!model.startsWith('gemini')) assert.equal(calls.length, 1)
    })
  }

  test('what a tool said is answered by the id of the response that called it', async () => {
    const asked = await client.responses.create({ model: calling, input, tools })
    const answered = await client.responses.create({
      model: calling,
      input: checkCalls(asked).map(answerOf),
      tools,
      previous_response_id: asked.id,
    })
    assert.ok(answered.output_text)
  })

  test('a tool may answer with a picture', async () => {
    const asked = await client.responses.create({ model: scripted(model, 'tool=1'), input, tools, store })
    const results: Input[] = checkCalls(asked).map(({ call_id }) => ({
      type: 'function_call_output',
      call_id,
      output: [
        { type: 'input_text', text: 'It looks so:' },
        { type: 'input_image', image_url: `data:image/png;base64,${png}`, detail: 'auto' },
      ],
    }))
    const said: Input[] = [{ role: 'user', content: input }, ...(asked.output as Input[]), ...results]
    const answered = await client.responses.create({ model, input: said, tools, store })
    assert.ok(answered.output_text)
    assert.ok(JSON.stringify((await lastAsked()).body).includes(png))
  })

  test('no tool is called where none may be', async () => {
    const answer = await client.responses.create({ model: calling, input, tools, store, tool_choice: 'none' })
    assert.deepEqual(
      kinds(answer).filter(kind => kind !== 'reasoning'),
      ['message'],
    )
  })
}

function checkCalls(response: OpenAI.Responses.Response): OpenAI.Responses.ResponseFunctionToolCall[] {
  assert.equal(response.status, 'completed')
  const calls = response.output.filter(item => item.type === 'function_call')
  assert.equal(new Set(calls.map(({ call_id }) => call_id)).size, calls.length, 'ids are distinct')
  for (const call of calls) {
    assert.match(call.id ?? '', /^fc_/)
    assert.equal(call.status, 'completed')
    assert.equal(typeof JSON.parse(call.arguments), 'object')
  }
  return calls
}

function answerOf({ call_id, name }: OpenAI.Responses.ResponseFunctionToolCall): Input {
  return { type: 'function_call_output', call_id, output: `${name} says 42 m` }
}

function formatTests(client: Client, { model }: ProviderCase): void {
  test('an answer by a schema of zod is parsed by the SDK, plain and streamed', async () => {
    const ask = { model, input, store, text: { format: zodTextFormat(Lighthouse, 'lighthouse') } }
    const plain = await client.responses.parse(ask)
    const stream = await client.responses.stream(ask).finalResponse()
    assert.ok(Lighthouse.parse(plain.output_parsed))
    assert.deepEqual(stream.output_parsed, plain.output_parsed)
  })
}

function mediaTests(client: Client, { model, provider }: ProviderCase): void {
  test('pictures as data and by address, and a PDF, arrive', async () => {
    const content: OpenAI.Responses.ResponseInputContent[] = [
      { type: 'input_text', text: 'What is this?' },
      { type: 'input_image', image_url: `data:image/png;base64,${png}`, detail: 'low' },
      { type: 'input_image', image_url: suiteOf.imageUrl, detail: 'auto' },
      { type: 'input_file', filename: 'plan.pdf', file_data: `data:application/pdf;base64,${pdf}` },
    ]
    const response = await client.responses.create({ model, store, input: [{ role: 'user', content }] })
    assert.ok(response.output_text)
    const sent = JSON.stringify((await lastAsked()).body)
    assert.ok(sent.includes(pdf))
    const pictures = sent.split(png).length - 1
    assert.equal(pictures, provider === 'gemini' ? 2 : 1, 'an address is fetched where only data is taken')
    assert.equal(sent.includes(suiteOf.imageUrl), provider !== 'gemini')
  })
}

function reasoningTests(client: Client, { thinker, provider }: ProviderCase): void {
  const ask = {
    model: scripted(thinker, 'tool=1&reasoning=30'),
    tools,
    store,
    reasoning: { effort: 'high' as const, summary: 'detailed' as const },
    include: ['reasoning.encrypted_content' as const],
  }
  test('thinking is shown, counted, and given back under its seal in the next turn', async () => {
    const plain = await client.responses.create({ ...ask, input })
    const { response, events } = await streamed(client, { ...ask, input })
    for (const asked of [plain, response]) {
      assert.equal(asked.usage?.output_tokens_details.reasoning_tokens, 30)
      const said: Input[] = [
        { role: 'user', content: input },
        ...(asked.output as Input[]),
        ...checkCalls(asked).map(answerOf),
      ]
      const next = await client.responses.create({ ...ask, input: said })
      assert.ok(next.output_text)
      const sent = JSON.stringify((await lastAsked()).body)
      if (provider === 'responses') assert.match(sent, /"encrypted_content":"[^"]+"/)
      if (provider === 'messages') assert.match(sent, /"type":"thinking".*"signature":"[^"]+"/)
      if (provider === 'gemini') assert.match(sent, /"thoughtSignature":"[^"]+"/)
    }
    if (provider === 'chat') return // says nothing of its thinking
    assert.equal(kinds(plain)[0], 'reasoning')
    assert.deepEqual(kinds(plain), kinds(response))
    assert.ok(events.some(({ type }) => /^response\.reasoning(_summary)?_text\.delta$/.test(type)))
  })

  test('thinking is found again by the id of the response', async () => {
    const asked = await client.responses.create({ ...ask, input, store: true })
    const next = await client.responses.create({
      ...ask,
      store: true,
      previous_response_id: asked.id,
      input: checkCalls(asked).map(answerOf),
    })
    assert.ok(next.output_text)
    const sent = JSON.stringify((await lastAsked()).body)
    if (provider === 'messages') assert.match(sent, /"type":"thinking".*"signature":"[^"]+"/)
    if (provider === 'gemini') assert.match(sent, /"thoughtSignature":"[^"]+"/)
  })
}

function endTests(client: Client, { model, provider }: ProviderCase): void {
  test('a bound on tokens leaves an answer incomplete, streamed too', async () => {
    const ask = { model: scripted(model, 'tokens=100'), input, store, max_output_tokens: 20 }
    const plain = await client.responses.create(ask)
    const { response, events } = await streamed(client, ask)
    for (const answer of [plain, response]) {
      assert.equal(answer.status, 'incomplete')
      assert.equal(answer.incomplete_details?.reason, 'max_output_tokens')
      assert.equal(answer.usage?.output_tokens, 20)
    }
    assert.equal(events.at(-1)?.type, 'response.incomplete')
  })

  test('a refusal is told, plain and streamed', async () => {
    const ask = { model: scripted(model, 'refusal'), input, store }
    for (const answer of [await client.responses.create(ask), (await streamed(client, ask)).response]) {
      assert.equal(answer.output_text, '')
      if (provider === 'chat' || provider === 'responses')
        assert.match(JSON.stringify(answer.output), /"type":"refusal"/)
      else assert.equal(answer.incomplete_details?.reason, 'content_filter')
    }
  })

  test('an answer that a filter breaks off says so, plain and streamed', async () => {
    const ask = { model: scripted(model, 'filter&tokens=40'), input, store }
    for (const answer of [await client.responses.create(ask), (await streamed(client, ask)).response]) {
      assert.equal(answer.status, 'incomplete')
      assert.equal(answer.incomplete_details?.reason, 'content_filter')
    }
  })
}

function usageTests(client: Client, { thinker }: ProviderCase): void {
  test('usage is what is on the bill, in OpenAI’s rules, streamed too', async () => {
    const ask = {
      model: scripted(thinker, 'tokens=20&reasoning=12&cached=3'),
      input,
      store,
      reasoning: { effort: 'high' as const },
    }
    for (const stream of [false, true]) {
      const { usage } = stream ? (await streamed(client, ask)).response : await client.responses.create(ask)
      const billed = await lastBilled()
      assert.partialDeepStrictEqual(usage, {
        input_tokens: billed.input_tokens,
        input_tokens_details: { cached_tokens: billed.cached_input_tokens },
        output_tokens: billed.output_tokens,
        output_tokens_details: { reasoning_tokens: billed.reasoning_tokens },
        total_tokens: billed.input_tokens + billed.output_tokens,
      })
      assert.ok(billed.cached_input_tokens === 3 && billed.reasoning_tokens === 12)
    }
  })

  test('input is counted', async () => {
    const count = await client.responses.inputTokens.count({ model: thinker, input, tools })
    assert.equal(count.object, 'response.input_tokens')
    assert.ok(count.input_tokens > 5)
  })
}

function errorTests(Sdk: OpenAiSdk, client: Client, { model, provider }: ProviderCase): void {
  for (const { fail, error, status, code } of failureCases) {
    test(`a provider that fails by ${fail} is a ${error}`, async () => {
      const ask = { model: scripted(model, `fail=${fail}`), input, store }
      for (const stream of [false, true]) {
        if (stream && fail === 'truncated-json') continue // a stream that breaks: below
        await assert.rejects(client.responses.create({ ...ask, stream }), cause => {
          assert.ok(cause instanceof Sdk[error], String(cause))
          assert.equal(cause.status, status)
          if (fail === '400' && provider === 'responses') assert.equal(cause.code, 'invalid_value')
          else if (stream && fail === 'empty') assert.equal(cause.code, 'provider_disconnected')
          else assert.equal(cause.code, code)
          if (status === 429) assert.match(cause.headers?.get('retry-after') ?? '', /^([6-9]\d|1[0-2]\d)$/)
          return true
        })
      }
    })
  }

  for (const { fail, code } of brokenStreams) {
    test(`a stream that breaks by ${fail} is an error, after what has been said`, async () => {
      const ask = { model: scripted(model, `tokens=20&fail=${fail}`), input, store }
      const types: string[] = []
      const read = async (): Promise<void> => {
        for await (const event of await client.responses.create({ ...ask, stream: true })) {
          types.push(event.type)
          if (event.type === 'response.failed') throw Object.assign(new Error('failed'), event.response.error)
        }
      }
      await assert.rejects(read(), cause => {
        assert.match(String((cause as { code?: unknown }).code), code)
        return true
      })
      assert.ok(types.includes('response.output_text.delta'))
      assert.ok(!types.includes('response.completed'))
      await assert.rejects(client.responses.stream(ask).finalResponse())
    })
  }

  test('who hangs up has the provider stop, and what was produced is billed', async () => {
    const stream = await client.responses.create({
      model: scripted(model, 'tokens=500&pace=20ms'),
      input,
      store,
      stream: true,
    })
    let pieces = 0
    for await (const event of stream) {
      if (event.type === 'response.output_text.delta') pieces += 1
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
      const ask = { model, input, store, ...more } as OpenAI.Responses.ResponseCreateParamsNonStreaming
      await assert.rejects(client.responses.create(ask), cause => {
        assert.ok(cause instanceof Sdk.BadRequestError)
        assert.equal(cause.code, 'unsupported_parameter')
        assert.ok(cause.param?.startsWith(field), `${cause.param}`)
        return true
      })
      const { data, response } = await client.responses
        .create(ask, { headers: { 'x-sluice-unsupported': 'drop' } })
        .withResponse()
      assert.ok(data.output_text)
      assert.ok(response.headers.get('x-sluice-dropped')?.includes(field))
    })
  }

  test('a hint that cannot be passed on is named in the answer', async () => {
    if (provider === 'responses') return
    const { response } = await client.responses
      .create({ model, input, store, max_tool_calls: 1, truncation: 'auto', safety_identifier: 'u' })
      .withResponse()
    const dropped = response.headers.get('x-sluice-dropped')?.split(/, ?/) ?? []
    assert.ok(dropped.includes('max_tool_calls') && dropped.includes('truncation'), String(dropped))
    assert.equal(dropped.includes('safety_identifier'), provider === 'gemini')
  })

  test('a call without its output, and an output without its call, are refused by their place', async () => {
    const call: Input = { type: 'function_call', call_id: 'call_1', name: 'ring_bell', arguments: '{}' }
    const result: Input = { type: 'function_call_output', call_id: 'call_1', output: 'rung' }
    for (const one of [call, result]) {
      const ask = client.responses.create({
        model,
        store,
        tools,
        input: [{ role: 'user', content: 'a' }, one],
      })
      await assert.rejects(ask, { status: 400, param: /^input/ })
    }
  })
}
