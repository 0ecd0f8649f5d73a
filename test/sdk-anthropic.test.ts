import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod'
import Anthropic0 from 'anthropic-0'
import { z } from 'zod'
import { callOfFeature } from './support/call-log.ts'
import { eventually } from './support/eventually.ts'
import {
  type Billed,
  newestModels,
  type ProviderName,
  page,
  pixel,
  providerNames,
  startScriptedDialects,
} from './support/scripted-dialects.ts'

type Message = Anthropic.Message
type ApiError = InstanceType<typeof Anthropic.APIError>
type Body = Omit<Anthropic.MessageCreateParamsNonStreaming, 'model' | 'max_tokens'> & { max_tokens?: number }

const { sluice, key, media, lastAsked, lastBilled } = await startScriptedDialects({})

/** In both lines: 0.137 speaks version 2023-06-01. Called the same way, so the older is given the newer's type. */
const sdks = { 'anthropic 1': Anthropic, 'anthropic 0': Anthropic0 as unknown as typeof Anthropic }

const question = [{ role: 'user' as const, content: 'What about lighthouses?' }]
const weather: Anthropic.Tool = {
  name: 'get_weather',
  description: 'The weather at a place.',
  input_schema: {
    type: 'object',
    properties: { place: { type: 'string' }, days: { type: 'integer', minimum: 1, maximum: 7 } },
    required: ['place', 'days'],
    additionalProperties: false,
  },
}
const clock: Anthropic.Tool = { name: 'get_time', input_schema: { type: 'object', properties: {} } }

for (const [sdkName, Sdk] of Object.entries(sdks)) {
  const client = new Sdk({ baseURL: sluice.url, apiKey: key, maxRetries: 0 })
  for (const provider of providerNames) {
    suite(`${sdkName} before ${provider}`, () => {
      const at = createAsker(client, provider)
      textTests(at)
      toolTests(at)
      outputTests(at)
      mediaTests(at)
      thinkingTests(at)
      endTests(at)
      errorTests(at, Sdk)
      countTests(at)
      fieldTests(at)
      agentTests(at)
    })
  }
}

interface Asker {
  client: Anthropic
  provider: ProviderName
  /** Whether the SDK's runner of tools asks for a thread by itself. */
  threads: boolean
  model(script?: string): string
  create(script: string, body: Body, options?: Anthropic.RequestOptions): Promise<Message>
  stream(script: string, body: Body): Promise<Message>
  /** The same question asked both ways; they are the same but for ids. */
  both(script: string, body: Body): Promise<Message>
}

function createAsker(client: Anthropic, provider: ProviderName): Asker {
  const model = (script = ''): string =>
    `${provider}/${newestModels[provider]}${script === '' ? '' : `?${script}`}`
  const full = (script: string, body: Body): Anthropic.MessageCreateParamsNonStreaming => ({
    max_tokens: 4096,
    ...body,
    model: model(script),
  })
  const create: Asker['create'] = (script, body, options) =>
    client.messages.create(full(script, body), options)
  const stream: Asker['stream'] = (script, body) => client.messages.stream(full(script, body)).finalMessage()
  return {
    client,
    provider,
    threads: 'thread' in client.beta.messages,
    model,
    create,
    stream,
    async both(script, body) {
      const whole = await create(script, body)
      const streamed = await stream(script, body)
      assert.deepEqual(comparable(streamed), comparable(whole))
      // Responses says the tier at the end, where Messages has no place for it any more.
      assert.deepEqual({ ...streamed.usage, service_tier: 'any' }, { ...whole.usage, service_tier: 'any' })
      return whole
    },
  }
}

/** What must be the same in a stream and in a whole answer; a call's id is made anew where the provider has none. */
function comparable({ content, stop_reason, stop_sequence, model, role, type }: Message): unknown {
  const blocks = content.map(block => {
    if (block.type === 'tool_use') return { ...block, id: 'any' }
    // OpenAI seals what is thought twice in two ways.
    if (block.type === 'thinking' && block.signature.includes('openai')) return { ...block, signature: 'any' }
    return block
  })
  return { blocks, stop_reason, stop_sequence, model, role, type }
}

function textOf({ content }: Message): string {
  return content.map(block => (block.type === 'text' ? block.text : '')).join('')
}

function callsOf({ content }: Message): Anthropic.ToolUseBlock[] {
  return content.filter(block => block.type === 'tool_use')
}

function sameAsBill({ usage }: Message, billed: Billed): void {
  assert.deepEqual(
    {
      input:
        usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0),
      cached: usage.cache_read_input_tokens ?? 0,
      output: usage.output_tokens,
    },
    { input: billed.input_tokens, cached: billed.cached_input_tokens, output: billed.output_tokens },
  )
}

function textTests(at: Asker): void {
  test('a text is the same whole and streamed, and its usage is what was billed', async () => {
    const answer = await at.both('tokens=30&cached=9', { messages: question })
    assert.equal(answer.stop_reason, 'end_turn')
    assert.ok(textOf(answer).length > 20)
    assert.equal(answer.usage.cache_read_input_tokens, 9)
    sameAsBill(answer, await lastBilled())
  })

  test('a stream has its events in order, and comes in pieces', async () => {
    const events: Anthropic.MessageStreamEvent[] = []
    const stream = await at.client.messages.create({
      model: at.model('tokens=12'),
      max_tokens: 4096,
      messages: question,
      stream: true,
    })
    for await (const event of stream) events.push(event)
    const kinds = events.map(({ type }) => type)
    assert.equal(kinds[0], 'message_start')
    assert.deepEqual(kinds.slice(-3), ['content_block_stop', 'message_delta', 'message_stop'])
    assert.equal(kinds.filter(kind => kind === 'message_start').length, 1)
    assert.equal(kinds.filter(kind => kind === 'content_block_delta').length, 12)
    const [first] = events
    assert.ok(first?.type === 'message_start' && first.message.usage.input_tokens > 0)
  })

  test('system, several turns and marks of the cache arrive in order', async () => {
    const cache_control = { type: 'ephemeral' as const, ttl: '1h' as const }
    await at.create('', {
      system: [
        { type: 'text', text: 'SYSTEM-ONE' },
        { type: 'text', text: 'SYSTEM-TWO', cache_control },
      ],
      messages: [
        { role: 'user', content: 'TURN-1' },
        { role: 'assistant', content: 'TURN-2' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'TURN-3', cache_control },
            { type: 'text', text: 'TURN-4' },
          ],
        },
      ],
    })
    const { body } = await lastAsked()
    const { tools: _tools, ...said } = body
    const order = ['SYSTEM-ONE', 'SYSTEM-TWO', 'TURN-1', 'TURN-2', 'TURN-3', 'TURN-4']
    const words = (JSON.stringify(said).match(/SYSTEM-\w+|TURN-\d/g) ?? []).toSorted(
      (a, b) => order.indexOf(a) - order.indexOf(b),
    )
    assert.deepEqual(words, order)
    assert.equal(JSON.stringify(body).includes('cache_control'), at.provider === 'messages')
  })
}

function toolTests(at: Asker): void {
  const tools = [weather, clock]

  for (const way of ['create', 'stream'] as const) {
    test(`parallel tools are called, answered and spoken of (${way})`, async () => {
      const first = await at[way]('tool=2', { messages: question, tools })
      assert.equal(first.stop_reason, 'tool_use')
      const [one, two, ...more] = callsOf(first)
      assert.deepEqual([one?.name, two?.name, more.length], ['get_weather', 'get_time', 0])
      assert.deepEqual(Object.keys(one?.input ?? {}).toSorted(), ['days', 'place'])
      assert.deepEqual(two?.input, {})
      assert.notEqual(one?.id, two?.id)
      const results: Anthropic.ToolResultBlockParam[] = [
        { type: 'tool_result', tool_use_id: two?.id ?? '', content: 'RESULT-TWO', is_error: true },
        {
          type: 'tool_result',
          tool_use_id: one?.id ?? '',
          content: [{ type: 'text', text: '{"sky":"RESULT-ONE"}' }],
        },
      ]
      const messages: Anthropic.MessageParam[] = [
        ...question,
        { role: 'assistant', content: first.content },
        { role: 'user', content: [...results, { type: 'text', text: 'And now?' }] },
      ]
      const second = await at[way]('', { messages, tools })
      assert.equal(second.stop_reason, 'end_turn')
      assert.ok(textOf(second).length > 0)
      const asked = JSON.stringify((await lastAsked()).body)
      assert.match(asked, /RESULT-ONE/)
      assert.match(asked, /RESULT-TWO/)
      const third = await at[way]('tool=1', {
        messages: [...messages, { role: 'assistant', content: second.content }, ...question],
        tools,
      })
      assert.equal(third.stop_reason, 'tool_use')
    })
  }

  test('a tool is called because it must be, one alone, or none', async () => {
    const choose = (tool_choice: Anthropic.ToolChoice): Promise<Message> =>
      at.both('tool=2', { messages: question, tools, tool_choice })
    assert.equal(callsOf(await choose({ type: 'any' })).length, 2)
    assert.deepEqual(
      callsOf(await choose({ type: 'tool', name: 'get_time' })).map(({ name, input }) => [name, input])[0],
      ['get_time', {}],
    )
    assert.equal(callsOf(await choose({ type: 'none' })).length, 0)
  })

  test('at most one tool is called where that is asked for, or it is said that it cannot be', async () => {
    const body: Body = {
      messages: question,
      tools,
      tool_choice: { type: 'auto', disable_parallel_tool_use: true },
    }
    const { data, response } = await at.client.messages
      .create({ ...body, model: at.model('tool=2'), max_tokens: 100 })
      .withResponse()
    if (at.provider !== 'gemini') return assert.equal(callsOf(data).length, 1)
    assert.equal(response.headers.get('x-sluice-dropped'), 'tool_choice.disable_parallel_tool_use')
  })

  test('a picture in the result of a tool is seen', async () => {
    const first = await at.create('tool=1', { messages: question, tools })
    const [call] = callsOf(first)
    const source = { type: 'base64' as const, media_type: 'image/png' as const, data: pixel }
    const second = await at.create('', {
      messages: [
        ...question,
        { role: 'assistant', content: first.content },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: call?.id ?? '',
              content: [
                { type: 'text', text: 'A screenshot:' },
                { type: 'image', source },
              ],
            },
          ],
        },
      ],
      tools,
    })
    assert.equal(second.stop_reason, 'end_turn')
    assert.ok(JSON.stringify((await lastAsked()).body).includes(pixel))
  })

  test('the SDK’s own runner of tools comes to its end', async () => {
    const seen: unknown[] = []
    const get_weather = {
      ...weather,
      run: (input: unknown) => {
        seen.push(input)
        return 'Fog.'
      },
      parse: (input: unknown) => input,
    }
    const run = (more: { thread?: false }): Promise<Anthropic.Beta.BetaMessage> =>
      Promise.resolve(
        at.client.beta.messages.toolRunner({
          model: at.model('tool=1'),
          max_tokens: 1000,
          messages: question,
          tools: [get_weather],
          ...more,
        }),
      )
    // Relayed as it is, `thread` is for the provider to judge; the simulator knows no threads.
    const last = await run(at.provider === 'messages' && at.threads ? { thread: false } : {})
    assert.equal(seen.length, 1)
    assert.equal(last.stop_reason, 'end_turn')
  })
}

function outputTests(at: Asker): void {
  const Lighthouse = z.object({
    name: z.string(),
    built: z.number().int(),
    tags: z.array(z.string()),
    lit: z.boolean(),
  })

  test('an answer by a schema is parsed by the SDK', async () => {
    const output_config = { format: zodOutputFormat(Lighthouse) }
    const ask = { model: at.model(), max_tokens: 1000, messages: question, output_config }
    const parsed = await at.client.messages.parse(ask)
    assert.ok(Lighthouse.safeParse(parsed.parsed_output).success)
    const streamed = await at.client.messages.stream(ask).finalMessage()
    assert.deepEqual(streamed.parsed_output, parsed.parsed_output)
  })
}

function mediaTests(at: Asker): void {
  const seen = async (content: Anthropic.ContentBlockParam[]): Promise<string> => {
    const answer = await at.both('', { messages: [{ role: 'user', content }] })
    assert.equal(answer.stop_reason, 'end_turn')
    return JSON.stringify((await lastAsked()).body)
  }
  const text = { type: 'text' as const, text: 'What is this?' }

  test('a picture is seen, as data and by its address', async () => {
    const source = { type: 'base64' as const, media_type: 'image/png' as const, data: pixel }
    assert.ok((await seen([{ type: 'image', source }, text])).includes(pixel))
    const url = `${media.url}/pixel.png`
    const asked = await seen([{ type: 'image', source: { type: 'url', url } }, text])
    assert.ok(asked.includes(at.provider === 'gemini' ? pixel : url))
  })

  test('a document is read, as data, by its address and as text', async () => {
    const source = { type: 'base64' as const, media_type: 'application/pdf' as const, data: page }
    assert.ok((await seen([{ type: 'document', source, title: 'page.pdf' }, text])).includes(page))
    const url = `${media.url}/page.pdf`
    const asked = await seen([{ type: 'document', source: { type: 'url', url } }, text])
    assert.ok(asked.includes(['gemini', 'chat'].includes(at.provider) ? page : url))
    const plain = { type: 'text' as const, media_type: 'text/plain' as const, data: 'PLAIN-WORDS' }
    const written = await seen([{ type: 'document', source: plain }, text])
    assert.ok(
      written.includes('PLAIN-WORDS') || written.includes(Buffer.from('PLAIN-WORDS').toString('base64')),
    )
  })
}

function thinkingTests(at: Asker): void {
  const thinking = { type: 'enabled' as const, budget_tokens: 1024 }
  const tools = [weather, clock]

  test('thinking is shown before the answer, and is counted', async () => {
    const answer = await at.both('reasoning=20', { messages: question, thinking })
    sameAsBill(answer, await lastBilled())
    assert.equal((await lastBilled()).reasoning_tokens, 20)
    if (at.provider === 'chat') return // OpenAI's chat does not show it
    const [first] = answer.content
    assert.ok(first?.type === 'thinking' && first.thinking.length > 20)
  })

  test('thinking is given back with its seal, before the calls it led to', async () => {
    const first = await at.stream('tool=2&reasoning=20', { messages: question, thinking, tools })
    assert.equal(first.stop_reason, 'tool_use')
    const content = callsOf(first).map(({ id }) => ({
      type: 'tool_result' as const,
      tool_use_id: id,
      content: 'ok',
    }))
    const messages: Anthropic.MessageParam[] = [
      ...question,
      { role: 'assistant', content: first.content },
      { role: 'user', content },
    ]
    const second = await at.create('reasoning=20', { messages, thinking, tools })
    assert.equal(second.stop_reason, 'end_turn')
    const asked = JSON.stringify((await lastAsked()).body)
    const sealed = {
      chat: /tool_calls/,
      responses: /encrypted_content/,
      messages: /"signature":"[^"]{20}/,
      gemini: /"thoughtSignature":"(?!skip)[^"]{20}/,
    }
    assert.match(asked, sealed[at.provider])
    assert.doesNotMatch(asked, /sluice1:/)
    const third = await at.create('reasoning=20', {
      messages: [...messages, { role: 'assistant', content: second.content }, ...question],
      thinking,
      tools,
    })
    assert.equal(third.stop_reason, 'end_turn')
  })

  test('a turn of another provider, with its thinking, can be gone on with', async () => {
    for (const other of providerNames) {
      const model = `${other}/${newestModels[other]}?tool=2&reasoning=20`
      const first = await at.client.messages.create({
        model,
        max_tokens: 4096,
        messages: question,
        thinking,
        tools,
      })
      const content = callsOf(first).map(({ id }) => ({
        type: 'tool_result' as const,
        tool_use_id: id,
        content: 'ok',
      }))
      const messages: Anthropic.MessageParam[] = [
        ...question,
        { role: 'assistant', content: first.content },
        { role: 'user', content },
      ]
      const second = await at.create('reasoning=20', { messages, tools })
      assert.equal(second.stop_reason, 'end_turn', other)
      assert.doesNotMatch(JSON.stringify((await lastAsked()).body), /sluice1:/)
    }
  })
}

function endTests(at: Asker): void {
  test('an answer that is too long ends with max_tokens', async () => {
    const answer = await at.both('tokens=80', { messages: question, max_tokens: 20 })
    assert.equal(answer.stop_reason, 'max_tokens')
    assert.equal(answer.usage.output_tokens, 20)
  })

  test('a stop sequence ends the answer, or is refused by name', async () => {
    const whole = textOf(await at.create('tokens=40', { messages: question }))
    const stop = whole.split(' ')[5] ?? ''
    const body: Body = { messages: question, stop_sequences: [stop] }
    if (at.provider !== 'responses') {
      const { stop_reason, stop_sequence, content } = await at.both('tokens=40', body)
      // OpenAI and Google do not say whether it was the stop sequence.
      if (at.provider === 'messages') assert.deepEqual([stop_reason, stop_sequence], ['stop_sequence', stop])
      else assert.equal(stop_reason, 'end_turn')
      const [first] = content
      assert.ok(first?.type === 'text' && first.text.length < whole.length)
      return
    }
    await assert.rejects(at.create('', body), { status: 400, message: /stop_sequences/ })
    const { response } = await at.client.messages
      .create(
        { ...body, model: at.model(), max_tokens: 100 },
        { headers: { 'x-sluice-unsupported': 'drop' } },
      )
      .withResponse()
    assert.equal(response.headers.get('x-sluice-dropped'), 'stop_sequences')
  })

  for (const script of ['refusal', 'filter']) {
    test(`a model that declines (${script}) is a refusal`, async () => {
      for (const way of ['create', 'stream'] as const) {
        const answer = await at[way](script, { messages: question })
        assert.equal(answer.stop_reason, 'refusal')
      }
    })
  }
}

function errorTests(at: Asker, Sdk: typeof Anthropic): void {
  const fail = (script: string): Promise<ApiError> => failureOf(at.create(script, { messages: question }))
  const failStream = (script: string): Promise<ApiError> =>
    failureOf(at.stream(script, { messages: question }))

  const table: [script: string, status: number, type: string][] = [
    ['fail=400', 400, 'invalid_request_error'],
    ['fail=context', 400, 'invalid_request_error'],
    ['fail=401', 502, 'api_error'], // our credential, which is not the caller's to mend
    ['fail=404', 404, 'not_found_error'],
    ['fail=429&retry_after=90', 429, 'rate_limit_error'],
    ['fail=500', 502, 'api_error'],
    ['fail=529', 503, 'overloaded_error'],
    ['fail=truncated-json', 502, 'api_error'],
    ['fail=html', 502, 'api_error'],
    ['fail=empty', 502, 'api_error'],
    ['fail=cut', 502, 'api_error'],
  ]
  for (const [script, status, type] of table) {
    test(`${script} is an error of its class, whole and streamed`, async () => {
      const errors =
        script === 'fail=cut' ? [await fail(script)] : [await fail(script), await failStream(script)]
      for (const error of errors) {
        assert.ok(error instanceof Sdk.APIError, String(error))
        const { error: inner } = error.error as { error: { type: string } }
        // A stream whose middle is broken has begun with 200.
        if (error.status !== undefined) assert.deepEqual([error.status, inner.type], [status, type])
        else assert.equal(inner.type, type)
        if (error.status === 429)
          assert.match(error.headers?.get('retry-after') ?? '', /^([6-9]\d|1[0-2]\d)$/)
      }
    })
  }

  for (const script of [
    'fail=stream-error',
    'fail=eof',
    'fail=cut',
    'fail=truncated-json',
    'fail=reset&after=4',
  ]) {
    test(`a stream that breaks off (${script}) is never a whole answer`, async () => {
      const text: string[] = []
      const stream = at.client.messages.stream({
        model: at.model(`${script}&tokens=20`),
        max_tokens: 1000,
        messages: question,
      })
      stream.on('text', piece => text.push(piece))
      const error = await failureOf(stream.finalMessage())
      assert.ok(error instanceof Sdk.APIError, String(error))
      // A reset throws away what was on its way.
      assert.ok((text.length > 0 || script.startsWith('fail=reset')) && text.length < 20)
    })
  }

  test('a key of nobody is an AuthenticationError, a model of nobody a NotFoundError', async () => {
    const stranger = new Sdk({ baseURL: sluice.url, apiKey: 'sk-nobody', maxRetries: 0 })
    const ask = { max_tokens: 10, messages: question }
    const unknown = await failureOf(stranger.messages.create({ ...ask, model: at.model() }))
    assert.ok(unknown instanceof Sdk.AuthenticationError)
    const missing = await failureOf(at.client.messages.create({ ...ask, model: 'nobody-knows-it' }))
    assert.ok(missing instanceof Sdk.NotFoundError)
    assert.match(missing.requestID ?? '', /^req_/)
  })

  test('a caller that hangs up in mid-stream has the provider’s request closed', async () => {
    const feature = `abort-${at.provider}-${Sdk === Anthropic ? 1 : 0}`
    const stream = await at.client.messages.create(
      { model: at.model('tokens=200&pace=20ms'), max_tokens: 4096, messages: question, stream: true },
      { headers: { 'x-sluice-feature': feature } },
    )
    for await (const { type } of stream) if (type === 'content_block_delta') break
    await eventually('it is cut', async () => (await lastBilled()).outcome === 'cut')
    assert.equal((await callOfFeature(sluice, feature)).status, 'cancelled')
  })
}

function countTests(at: Asker): void {
  test('tokens are counted before they are asked for', async () => {
    const body = { model: at.model(), messages: question, system: 'Be brief.', tools: [weather] }
    const { input_tokens } = await at.client.messages.countTokens(body)
    assert.ok(Number.isInteger(input_tokens) && input_tokens > 10)
    if (at.provider === 'chat') return // counted here
    const answer = await at.create('', { messages: question, system: 'Be brief.', tools: [weather] })
    assert.equal(answer.usage.input_tokens, input_tokens)
  })
}

function fieldTests(at: Asker): void {
  test('what a provider cannot take is refused by the caller’s own name for it, or dropped and named', async () => {
    if (at.provider === 'messages') return
    const ask = {
      model: at.model(),
      max_tokens: 100,
      messages: question,
      container: 'container_1',
      service_tier: 'standard_only' as const,
    }
    await assert.rejects(at.client.messages.create(ask), { status: 400, message: /`container`/ })
    const headers = { 'x-sluice-unsupported': 'drop' }
    const { response } = await at.client.messages.create(ask, { headers }).withResponse()
    assert.match(response.headers.get('x-sluice-dropped') ?? '', /(^|, )container(,|$)/)
  })

  test('models are listed over pages, and found one by one', async () => {
    const ids: string[] = []
    for await (const { id } of at.client.models.list({ limit: 1 })) ids.push(id)
    assert.ok(ids.includes(`${at.provider}-plain`))
    assert.equal(new Set(ids).size, ids.length)
    assert.equal((await at.client.models.retrieve(at.model())).id, at.model())
    const missing = await failureOf(at.client.models.retrieve('nobody-knows-it'))
    assert.equal(missing.status, 404)
  })
}

async function failureOf(request: PromiseLike<unknown>): Promise<ApiError> {
  return await request.then(
    () => assert.fail('the request went through'),
    (error: ApiError) => error,
  )
}
/** What Claude Code sends (its requests in the spring and autumn of 2026), and what of it others have lost. */
function agentTests(at: Asker): void {
  const cache_control = { type: 'ephemeral' as const, ttl: '1h' as const }
  const tools: Anthropic.Beta.BetaTool[] = Array.from({ length: 18 }, (_, i) => ({
    name: `Tool_${i}`,
    description: 'Does one thing. '.repeat(60),
    input_schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        file_path: { type: 'string', description: 'The absolute path' },
        limit: { type: 'integer', exclusiveMinimum: 0, maximum: 9007199254740991 },
        mode: { anyOf: [{ type: 'string', enum: ['a', 'b'] }, { type: 'boolean' }] },
        todos: {
          type: 'array',
          items: {
            type: 'object',
            properties: { content: { type: 'string', minLength: 1 }, status: { enum: ['pending', 'done'] } },
            required: ['content', 'status'],
            additionalProperties: false,
          },
        },
      },
      required: ['file_path', 'todos'],
      additionalProperties: false,
    },
    ...(i === 17 && { cache_control }),
  }))
  const body = {
    model: at.model('tool=3&reasoning=30'),
    max_tokens: 32_000,
    system: [
      { type: 'text' as const, text: 'x-anthropic-billing-header: cc_version=2.1; cc_entrypoint=cli;' },
      { type: 'text' as const, text: 'You are an agent.', cache_control },
      { type: 'text' as const, text: 'RULES '.repeat(3000), cache_control },
    ],
    tools,
    thinking: { type: 'enabled' as const, budget_tokens: 31_999 },
    metadata: {
      user_id: JSON.stringify({ device_id: 'd'.repeat(64), account_uuid: '', session_id: 's'.repeat(36) }),
    },
    betas: ['claude-code-20250219', 'interleaved-thinking-2025-05-14', 'context-management-2025-06-27'],
    context_management: { edits: [{ type: 'clear_thinking_20251015' as const, keep: 'all' as const }] },
  }
  const begin: Anthropic.Beta.BetaMessageParam[] = [
    {
      role: 'user',
      content: [
        { type: 'text', text: '<system-reminder>Today is Monday.</system-reminder>' },
        { type: 'text', text: 'Look at the harbour, please.', cache_control },
      ],
    },
  ]
  /** Asked as Claude Code does: raw events, from which it puts the message together. */
  const turn = async (messages: Anthropic.Beta.BetaMessageParam[], model = body.model): Promise<Events> =>
    await collect(await at.client.beta.messages.create({ ...body, model, messages, stream: true }))

  test('an agent’s turn with thinking and three calls, its results with a picture, and the turn after it', async () => {
    const first = await turn(begin)
    assert.equal(first.stop_reason, 'tool_use')
    const calls = first.content.filter(block => block.type === 'tool_use')
    assert.deepEqual(
      calls.map(({ name }) => name),
      ['Tool_0', 'Tool_1', 'Tool_2'],
    )
    for (const { input } of calls) assert.ok(Array.isArray((input as { todos: unknown }).todos))
    assert.equal(new Set(calls.map(({ id }) => id)).size, 3)
    assert.ok(calls.every(({ id }) => /^[a-zA-Z0-9_-]+$/.test(id)))
    const kinds = first.content.map(({ type }) => type)
    assert.deepEqual(kinds.filter(kind => kind === 'tool_use').length, 3)
    if (at.provider === 'messages' || at.provider === 'responses') assert.equal(kinds[0], 'thinking')

    const source = { type: 'base64' as const, media_type: 'image/png' as const, data: pixel }
    const results: Anthropic.Beta.BetaToolResultBlockParam[] = calls.map(({ id }, i) => ({
      type: 'tool_result',
      tool_use_id: id,
      is_error: i === 1,
      content: i === 2 ? [{ type: 'image', source }] : [{ type: 'text', text: `RESULT-${i}` }],
    }))
    const second = await turn(
      [
        ...begin,
        { role: 'assistant', content: first.content as Anthropic.Beta.BetaContentBlockParam[] },
        {
          role: 'user',
          content: [...results, { type: 'text', text: '<system-reminder>Mind the tide.</system-reminder>' }],
        },
      ],
      at.model('reasoning=30'),
    )
    assert.equal(second.stop_reason, 'end_turn')
    const asked = JSON.stringify((await lastAsked()).body)
    for (const kept of ['RESULT-0', 'RESULT-1', pixel, 'Mind the tide', 'RULES RULES', 'Tool_17'])
      assert.ok(asked.includes(kept), kept)
    assert.ok(asked.indexOf('RESULT-0') < asked.indexOf('RESULT-1'))
    assert.equal(asked.includes('"ttl":"1h"'), at.provider === 'messages')
    const billed = await lastBilled()
    assert.equal(second.usage.output_tokens, billed.output_tokens)
  })

  test('a request to look whether it is let in, and the count of tokens before one', async () => {
    const quota = await at.client.beta.messages.create({
      model: at.model(),
      max_tokens: 1,
      messages: [{ role: 'user', content: 'quota' }],
      metadata: body.metadata,
    })
    assert.equal(quota.stop_reason, 'max_tokens')
    const { model, system, thinking, betas } = body
    const counted = await at.client.beta.messages.countTokens({
      model,
      system,
      thinking,
      betas,
      tools,
      messages: begin,
    })
    assert.ok(counted.input_tokens > 3000)
  })
}

interface Events {
  content: (Anthropic.Beta.BetaContentBlock & { json?: string })[]
  stop_reason: string | null
  usage: { output_tokens: number }
}

/** Puts a message together as a strict reader: a block at a time, numbered without a gap, nothing after the end. */
async function collect(stream: AsyncIterable<Anthropic.Beta.BetaRawMessageStreamEvent>): Promise<Events> {
  const content: Events['content'] = []
  let open: Record<string, unknown> | undefined
  let started = false
  let ended = false
  let last: Pick<Events, 'stop_reason' | 'usage'> = { stop_reason: null, usage: { output_tokens: 0 } }
  for await (const event of stream) {
    assert.ok(!ended, 'nothing follows message_stop')
    assert.equal(event.type === 'message_start', !started, 'message_start comes first, and once')
    started = true
    switch (event.type) {
      case 'content_block_start':
        assert.equal(open, undefined)
        assert.equal(event.index, content.length)
        open = { ...event.content_block, json: '' }
        break
      case 'content_block_delta': {
        assert.ok(open)
        assert.equal(event.index, content.length)
        const { delta } = event
        const owner = {
          text_delta: 'text',
          thinking_delta: 'thinking',
          signature_delta: 'thinking',
          input_json_delta: 'tool_use',
        }
        assert.equal(open.type, (owner as Record<string, string>)[delta.type])
        if (delta.type === 'text_delta') open.text += delta.text
        if (delta.type === 'thinking_delta') open.thinking += delta.thinking
        if (delta.type === 'signature_delta') open.signature = delta.signature
        if (delta.type === 'input_json_delta') open.json += delta.partial_json
        break
      }
      case 'content_block_stop': {
        assert.ok(open)
        const { json, ...block } = open
        if (block.type === 'tool_use') block.input = JSON.parse(String(json) || '{}')
        if (block.type === 'text') assert.notEqual(block.text, '', 'no text is empty')
        content.push(block as unknown as Anthropic.Beta.BetaContentBlock)
        open = undefined
        break
      }
      case 'message_delta':
        assert.equal(open, undefined)
        last = { stop_reason: event.delta.stop_reason, usage: event.usage }
        break
      case 'message_stop':
        ended = true
    }
  }
  assert.ok(ended)
  return { content, ...last }
}
