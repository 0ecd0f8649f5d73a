import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import OpenAI from 'openai'
import { callOnRecord } from './support/call-log.ts'
import { testDatabases } from './support/databases.ts'
import { officialSdks } from './support/sdks.ts'
import { startSimulator } from './support/simulator.ts'
import { startSluice } from './support/sluice.ts'

const keys = {
  web: 'sk-test-web-0123456789',
  neighbour: 'sk-test-neighbour-0123456789',
  stranger: 'sk-test-stranger-0123456789',
}
const simulator = await startSimulator()
const config = `
providers:
  native: { dialect: openai-responses, base_url: ${simulator.url} }
  chat: { dialect: openai, base_url: ${simulator.url} }
keys:
  - { name: web, key: ${keys.web}, organization: acme, project: shop }
  - { name: neighbour, key: ${keys.neighbour}, organization: acme, project: blog }
  - { name: stranger, key: ${keys.stranger}, organization: globex, project: shop }
`
const sluice = await startSluice({ config })

const input = 'What about lighthouses?'
const find: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'find',
  strict: false,
  parameters: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
}

for (const [name, Sdk] of Object.entries(officialSdks)) {
  const connect = (key: string): OpenAI =>
    new Sdk({ baseURL: `${sluice.url}/v1`, apiKey: key, maxRetries: 0 })
  const client = connect(keys.web)

  for (const provider of ['native', 'chat']) {
    describe(`${name}: a conversation at a provider of ${provider}`, () => {
      const model = `${provider}/sim-1`

      it('goes on by the id of the response before, through tools, and is listed whole', async () => {
        const turns = await haveConversation(client, model)
        const last = turns.at(-1)
        assert.ok(last)
        const shown: OpenAI.Responses.ResponseItem[] = []
        for await (const item of client.responses.inputItems.list(last.id, { limit: 2, order: 'asc' }))
          shown.push(item)
        assert.deepEqual(
          shown.map(item => ('role' in item ? item.role : item.type)),
          ['user', 'function_call', 'function_call_output', 'assistant', 'user'],
        )
        assert.equal(new Set(shown.map(({ id }) => id)).size, shown.length, 'each has an id of its own')
        const newest = await client.responses.inputItems.list(last.id, { limit: 3 })
        assert.deepEqual(
          newest.data.map(({ id }) => id),
          shown
            .slice(-3)
            .reverse()
            .map(({ id }) => id),
        )
        assert.equal(newest.has_more, true)
        const [first] = newest.data
        assert.equal(newest.data.length, 3)
        const before = await client.get<{ data: { id: string }[]; has_more: boolean }>(
          `/responses/${last.id}/input_items?order=asc&limit=2&before=${first?.id}`,
        )
        assert.deepEqual(
          before.data.map(({ id }) => id),
          shown.slice(-3, -1).map(({ id }) => id),
        )
      })

      it('is the same to the model as one whose every turn is sent', async () => {
        const [first, second, third] = await haveConversation(client, model)
        assert.ok(first && second && third)
        const items = [
          { role: 'user', content: input },
          ...first.output,
          ...outputsOf(first),
          ...second.output,
          { role: 'user', content: 'And?' },
        ] as OpenAI.Responses.ResponseInput
        const sent = await client.responses.create({ model, tools: [find], input: items, store: false })
        assert.equal(third.output_text, sent.output_text)
        assert.equal(third.usage?.input_tokens, sent.usage?.input_tokens)
      })

      it('is given back as it was answered, and is gone when it is deleted', async () => {
        const made = await client.responses.create({ model, input, metadata: { turn: '1' } })
        const include = ['reasoning.encrypted_content', 'message.output_text.logprobs'] as const
        const { _request_id: _was, ...got } = await client.responses.retrieve(made.id, {
          include: [...include],
        })
        const { _request_id: _is, ...answered } = made
        assert.deepEqual(got, answered)
        const deleted = await client.delete(`/responses/${made.id}`)
        assert.deepEqual(deleted, { id: made.id, object: 'response', deleted: true })
        await assert.rejects(client.responses.retrieve(made.id), Sdk.NotFoundError)
        await assert.rejects(client.responses.inputItems.list(made.id), Sdk.NotFoundError)
        await assert.rejects(client.responses.delete(made.id), Sdk.NotFoundError)
        await assert.rejects(
          client.responses.create({ model, input, previous_response_id: made.id }),
          previousNotFound,
        )
      })

      it('can be continued the moment that its stream has ended', async () => {
        for (let turn = 0; turn < 5; turn += 1) {
          const stream = await client.responses.create({ model, input, stream: true })
          for await (const event of stream) {
            if (event.type !== 'response.completed') continue
            const next = { model, input: 'And?', previous_response_id: event.response.id }
            assert.equal((await client.responses.create(next)).status, 'completed')
            const { output } = await client.responses.retrieve(event.response.id)
            assert.deepEqual(output, event.response.output)
          }
        }
      })

      it('says what it goes on from, in each of its forms', async () => {
        const first = await client.responses.create({ model, input })
        const next = { model, input: 'And?', previous_response_id: first.id }
        const whole = await client.responses.create(next)
        assert.equal(whole.previous_response_id, first.id)
        assert.equal((await client.responses.retrieve(whole.id)).previous_response_id, first.id)
        for await (const event of await client.responses.create({ ...next, stream: true }))
          if ('response' in event) assert.equal(event.response.previous_response_id, first.id, event.type)
      })

      it('is nobody else’s, in words that do not tell whether it is there', async () => {
        const { id } = await client.responses.create({ model, input })
        for (const key of [keys.neighbour, keys.stranger]) {
          const other = connect(key)
          const unknown = id.replace(/.$/, last => (last === '0' ? '1' : '0'))
          for (const ask of [
            (id: string) => other.responses.retrieve(id),
            (id: string) => other.responses.delete(id),
            (id: string) => other.responses.inputItems.list(id),
            (id: string) => other.responses.cancel(id),
            (id: string) => other.responses.create({ model, input, previous_response_id: id }),
          ]) {
            const [foreign, missing] = [await failureOf(ask(id)), await failureOf(ask(unknown))]
            assert.match(foreign, /not found/)
            assert.equal(foreign.replaceAll(id, '?'), missing.replaceAll(unknown, '?'))
          }
        }
        assert.equal((await client.responses.retrieve(id)).id, id, 'and it is still there')
      })

      it('is not kept where it is not to be', async () => {
        const made = await client.responses.create({ model, input, store: false })
        await assert.rejects(client.responses.retrieve(made.id), Sdk.NotFoundError)
        await assert.rejects(
          client.responses.create({ model, input, previous_response_id: made.id }),
          previousNotFound,
        )
      })

      it('is not kept when its stream is cut, or left by its caller', async () => {
        for (const script of ['fail=cut&after=5', 'pace=50ms&tokens=400']) {
          const stream = await client.responses.create({ model: `${model}?${script}`, input, stream: true })
          let id = ''
          await assert.rejects(async () => {
            let seen = 0
            for await (const event of stream) {
              if (event.type === 'response.created') id = event.response.id
              seen += 1
              if (seen === 8 && script.startsWith('pace')) stream.controller.abort()
            }
            throw new Error('left')
          })
          assert.notEqual(id, '')
          await assert.rejects(client.responses.retrieve(id), Sdk.NotFoundError)
        }
      })

      it('is counted with all that it goes on from', async () => {
        const { id: previous_response_id } = await client.responses.create({ model, input })
        const alone = await client.responses.inputTokens.count({ model, input })
        const counted = await client.responses.inputTokens.count({ model, input, previous_response_id })
        assert.ok(counted.input_tokens > 2 * alone.input_tokens)
        if (provider === 'chat') return // which has no counter: that was an estimate
        const { usage } = await client.responses.create({ model, input, previous_response_id })
        assert.equal(counted.input_tokens, usage?.input_tokens)
      })

      it('cannot be cancelled or streamed once it is over', async () => {
        const { id } = await client.responses.create({ model, input })
        await assert.rejects(client.responses.cancel(id), { status: 400, param: 'id' })
        await assert.rejects(client.responses.retrieve(id, { stream: true }), {
          status: 400,
          param: 'stream',
        })
      })
    })
  }

  it(`${name}: goes on at another provider`, async () => {
    const first = await client.responses.create({ model: 'native/sim-1?tool=2', input, tools: [find] })
    const second = await client.responses.create({
      model: 'chat/sim-1',
      input: outputsOf(first),
      tools: [find],
      previous_response_id: first.id,
    })
    const third = await client.responses.create({
      model: 'native/sim-1',
      input: 'And?',
      previous_response_id: second.id,
    })
    assert.equal(third.status, 'completed')
    const { data } = await client.responses.inputItems.list(third.id)
    assert.equal(data.length, 7)
  })
}

describe('a stored response', () => {
  const client = new OpenAI({
    baseURL: `${sluice.url}/v1`,
    apiKey: keys.web,
    maxRetries: 0,
  })

  it('that is not there refuses the call before any provider is asked', async () => {
    const refusal = client.responses.create({
      model: 'native/sim-1',
      input,
      previous_response_id: 'resp_none',
    })
    const error = await refusal.then(
      () => assert.fail('it was answered'),
      (cause: InstanceType<typeof OpenAI.APIError>) => cause,
    )
    previousNotFound(error)
    const call = await callOnRecord(sluice, error.headers?.get('x-sluice-call') ?? '')
    assert.deepEqual([call.status, call.code, call.attempts], ['refused', 'previous_response_not_found', []])
  })

  it('is found by no id that could not be one', async () => {
    for (const id of ['resp_%00', 'a%20b', '%F0%9F%92%A1', 'x'.repeat(400)]) {
      const answer = await fetch(`${sluice.url}/v1/responses/${id}`, {
        headers: { authorization: `Bearer ${keys.web}` },
      })
      assert.equal(answer.status, 404, id)
    }
    for (const id of ['a\0b', '\ud800', 'ü']) {
      await assert.rejects(
        client.responses.create({ model: 'native/sim-1', input, previous_response_id: id }),
        previousNotFound,
      )
    }
  })
})

for (const engine of testDatabases()) {
  it(`a stored response is there after a power cut that follows its last event (${engine.name})`, async () => {
    const database = await engine.fresh()
    const sluice = await startSluice({
      config: config + (database === undefined ? '' : `database: ${database}\n`),
    })
    const client = new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: keys.web, maxRetries: 0 })
    const ids: string[] = []
    for (const model of ['native/sim-1', 'chat/sim-1']) {
      const whole = await client.responses.create({ model, input })
      const stream = await client.responses.create({
        model,
        input,
        stream: true,
        previous_response_id: whole.id,
      })
      ids.push(whole.id)
      for await (const event of stream) if (event.type === 'response.completed') ids.push(event.response.id)
    }
    await sluice.kill()
    await sluice.restart()
    assert.equal(ids.length, 4)
    for (const id of ids) assert.equal((await client.responses.retrieve(id)).id, id)
    const previous_response_id = ids.at(-1) ?? ''
    const next = await client.responses.create({ model: 'native/sim-1', input: 'And?', previous_response_id })
    assert.equal(next.status, 'completed')
  })
}

/** Three turns: a call of a tool, what it found, another question. */
async function haveConversation(client: OpenAI, model: string): Promise<OpenAI.Responses.Response[]> {
  const first = await client.responses.create({ model: `${model}?tool=1`, input, tools: [find] })
  const second = await client.responses.create({
    model,
    tools: [find],
    input: outputsOf(first),
    previous_response_id: first.id,
  })
  const third = await client.responses.create({
    model,
    tools: [find],
    input: 'And?',
    previous_response_id: second.id,
  })
  return [first, second, third]
}

function outputsOf(response: OpenAI.Responses.Response): OpenAI.Responses.ResponseInputItem[] {
  const outputs = response.output.flatMap(item =>
    item.type === 'function_call'
      ? [{ type: 'function_call_output' as const, call_id: item.call_id, output: 'found' }]
      : [],
  )
  assert.notEqual(outputs.length, 0)
  return outputs
}

function previousNotFound(cause: unknown): true {
  const { status, code, param } = cause as InstanceType<typeof OpenAI.APIError>
  assert.deepEqual([status, code, param], [400, 'previous_response_not_found', 'previous_response_id'])
  return true
}

async function failureOf(answer: Promise<unknown>): Promise<string> {
  return await answer.then(
    () => assert.fail('it was answered'),
    (cause: Error) => cause.message,
  )
}
