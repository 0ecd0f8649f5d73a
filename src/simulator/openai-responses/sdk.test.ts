import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import OpenAI from 'openai'
import OpenAI6 from 'openai-6'
import { setStage } from '../stage.ts'

const input = 'What about lighthouses?'
const find: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'find',
  strict: false,
  parameters: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
}
type Shape = Pick<
  OpenAI.Responses.ResponseCreateParamsNonStreaming,
  'model' | 'tools' | 'reasoning' | 'include' | 'max_output_tokens' | 'text'
>
const sdks = { 'openai 7': OpenAI, 'openai 6': OpenAI6 as unknown as typeof OpenAI }

for (const [name, Client] of Object.entries(sdks)) {
  const connect = async (t: TestContext) => {
    const stage = await setStage(t)
    return { stage, client: new Client({ baseURL: stage.url, apiKey: 'sk-any', maxRetries: 0 }) }
  }

  test(`${name}: puts a stream together to what the whole answer is`, async t => {
    const shapes: Shape[] = [
      { model: 'sim-1' },
      { model: 'sim-1?tool=2', tools: [find] },
      { model: 'sim-1?reasoning=6', reasoning: { summary: 'detailed' } },
      { model: 'sim-1?reasoning=6&tool=1', tools: [find], include: ['reasoning.encrypted_content'] },
      { model: 'sim-1?refusal' },
      { model: 'sim-1?tokens=40', max_output_tokens: 16 },
      { model: 'sim-1', text: { format: { type: 'json_schema', name: 'x', schema: { type: 'object' } } } },
    ]
    const [{ client }, { client: other }] = [await connect(t), await connect(t)]
    for (const shape of shapes) {
      const plain = await client.responses.create({ ...shape, input })
      const final = await other.responses.stream({ ...shape, input }).finalResponse()
      assert.deepEqual(bare(final), bare(plain))
      assert.equal(final.output_text, plain.output_text)
    }
  })

  test(`${name}: calls tools and answers them, in items and by the id of the response`, async t => {
    const { client } = await connect(t)
    const model = 'sim-1?tool=2'
    const first = await client.responses.create({ model, input, tools: [find] })
    const outputs = first.output.flatMap(item =>
      item.type === 'function_call'
        ? [{ type: 'function_call_output' as const, call_id: item.call_id, output: 'found' }]
        : [],
    )
    assert.equal(outputs.length, 2)
    const byId = await client.responses.create({
      model,
      tools: [find],
      input: outputs,
      previous_response_id: first.id,
    })
    const items = [
      { role: 'user', content: input },
      ...first.output,
      ...outputs,
    ] as OpenAI.Responses.ResponseInput
    const byItems = await client.responses.create({ model, tools: [find], input: items })
    assert.notEqual(byId.output_text, '')
    assert.equal(byItems.output_text, byId.output_text)
  })

  test(`${name}: parses what it asked for by schema`, async t => {
    const { client } = await connect(t)
    const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
    const format = { type: 'json_schema' as const, name: 'count', schema }
    const { output_text } = await client.responses.create({ model: 'sim-1', input, text: { format } })
    assert.ok(Number.isInteger(JSON.parse(output_text).n))
  })

  test(`${name}: carries sealed reasoning along without a store`, async t => {
    const { client } = await connect(t)
    const shape = {
      model: 'sim-1?reasoning=9',
      store: false,
      include: ['reasoning.encrypted_content' as const],
    }
    const first = await client.responses.create({ ...shape, input })
    const items = [
      { role: 'user', content: input },
      ...first.output,
      { role: 'user', content: 'And?' },
    ] as OpenAI.Responses.ResponseInput
    assert.equal((await client.responses.create({ ...shape, input: items })).status, 'completed')
  })

  test(`${name}: looks responses up, lists their input, and deletes them`, async t => {
    const { client } = await connect(t)
    const first = await client.responses.create({ model: 'sim-1', input, instructions: 'Be brief.' })
    const second = await client.responses.create({
      model: 'sim-1',
      input: [{ role: 'user', content: 'And?' }],
      previous_response_id: first.id,
    })
    assert.deepEqual(bare(await client.responses.retrieve(second.id)), bare(second))
    const listed: OpenAI.Responses.ResponseItem[] = []
    const query = { limit: 1, order: 'asc' as const }
    for await (const item of client.responses.inputItems.list(second.id, query)) listed.push(item)
    assert.deepEqual(
      listed.map(item => item.type === 'message' && [item.role, item.content]),
      [
        ['user', [{ type: 'input_text', text: input }]],
        ['assistant', first.output[0]?.type === 'message' && first.output[0].content],
        ['user', [{ type: 'input_text', text: 'And?' }]],
      ],
    )
    const latest = await client.responses.inputItems.list(second.id)
    assert.deepEqual(
      latest.data.map(item => item.id),
      listed.map(item => item.id).reverse(),
    )
    await client.responses.delete(second.id)
    await assert.rejects(client.responses.retrieve(second.id), Client.NotFoundError)
    await assert.rejects(client.responses.delete(second.id), Client.NotFoundError)
    await assert.rejects(client.responses.cancel(first.id), Client.BadRequestError)
  })

  test(`${name}: counts input tokens`, async t => {
    const { client } = await connect(t)
    const { input_tokens } = await client.responses.inputTokens.count({ model: 'sim-1', input })
    const { usage } = await client.responses.create({ model: 'sim-1', input })
    assert.equal(input_tokens, usage?.input_tokens)
  })

  test(`${name}: throws its typed errors, before and in a stream`, async t => {
    const { client, stage } = await connect(t)
    const ask = (model: string) => client.responses.create({ model, input })
    await assert.rejects(ask('sim-1?fail=401'), Client.AuthenticationError)
    await assert.rejects(ask('sim-1?fail=429'), Client.RateLimitError)
    await assert.rejects(ask('sim-1?fail=529'), Client.InternalServerError)
    const follow = client.responses.create({ model: 'sim-1', input, previous_response_id: 'resp_none' })
    await assert.rejects(follow, { status: 400, code: 'previous_response_not_found' })
    const stream = client.responses.stream({ model: 'sim-1?fail=stream-error&after=2', input })
    await assert.rejects(stream.finalResponse(), Client.APIError)
    assert.equal(stage.bill.totals().cut, 1)
  })
}

/** A response without what an SDK adds to it. */
function bare(response: object): object {
  const added = new Set(['output_text', 'output_parsed', '_request_id', 'parsed', 'parsed_arguments'])
  return JSON.parse(JSON.stringify(response, (key, value) => (added.has(key) ? undefined : value)))
}
