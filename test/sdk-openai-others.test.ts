import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { embedMany } from 'ai'
import { providerCases, scripted, startOpenAiSuite } from './support/openai-suite.ts'
import { officialSdks } from './support/sdks.ts'

const { baseURL, key, lastAsked } = await startOpenAiSuite()
const messages = [{ role: 'user' as const, content: 'What about lighthouses?' }]
const values = ['a lighthouse', 'the sea']

/** Providers that make embeddings: Anthropic has none. */
const embedders = ['chat/sim-embed', 'responses/sim-embed', 'gemini/sim-embed']

for (const [sdk, Sdk] of Object.entries(officialSdks)) {
  suite(sdk, () => {
    const client = new Sdk({ baseURL, apiKey: key, maxRetries: 0, timeout: 10_000 })

    test('embeddings are the same from every provider that makes them, as base64 and as floats', async () => {
      for (const model of embedders) {
        const { data, usage } = await client.embeddings.create({ model, input: values })
        const floats = await client.embeddings.create({ model, input: values, encoding_format: 'float' })
        assert.deepEqual(
          data.map(({ index, embedding }) => [index, embedding.length]),
          [
            [0, 256],
            [1, 256],
          ],
        )
        for (const [i, { embedding }] of data.entries())
          assert.deepEqual(embedding, [...Float32Array.from(floats.data[i]?.embedding ?? [])])
        if (!model.startsWith('gemini')) assert.ok(usage.prompt_tokens > 0)
      }
    })

    test('embeddings are refused, by a sentence, where the provider makes none', async () => {
      await assert.rejects(client.embeddings.create({ model: 'messages/sim-embed', input: values }), {
        status: 400,
        code: 'unsupported_operation',
        param: 'model',
      })
    })

    test('models are listed and retrieved', async () => {
      const retrieved = await client.models.retrieve('messages/claude-sonnet-4-5')
      assert.equal(retrieved.id, 'messages/claude-sonnet-4-5')
      assert.equal(retrieved.object, 'model')
      const { object } = await client.models.list()
      assert.equal(object, 'list')
    })

    test('several answers and probabilities of tokens come from who can give them', async () => {
      for (const model of ['chat/gpt-4.1', 'gemini/gemini-2.5-flash']) {
        const ask = { model: scripted(model, 'tokens=8'), messages, n: 2 }
        const plain = await client.chat.completions.create(ask)
        const streamed = await client.chat.completions.stream(ask).finalChatCompletion()
        for (const { choices } of [plain, streamed])
          assert.deepEqual(
            choices.map(({ index, message }) => [index, Boolean(message.content)]),
            [
              [0, true],
              [1, true],
            ],
          )
      }
      for (const model of ['chat/gpt-4.1', 'responses/gpt-4.1']) {
        const { choices } = await client.chat.completions.create({
          model: scripted(model, 'tokens=8'),
          messages,
          logprobs: true,
          top_logprobs: 2,
        })
        const tokens = choices[0]?.logprobs?.content
        assert.equal(tokens?.length, 8)
        assert.equal(tokens.map(({ token }) => token).join(''), choices[0]?.message.content)
        assert.equal(tokens[0]?.top_logprobs.length, 2)
      }
    })

    test('a key that is wrong and a model that is unknown are typed errors of ours', async () => {
      const stranger = new Sdk({ baseURL, apiKey: 'sk-wrong', maxRetries: 0, timeout: 10_000 })
      for (const { model } of Object.values(providerCases)) {
        await assert.rejects(stranger.chat.completions.create({ model, messages }), Sdk.AuthenticationError)
        await assert.rejects(stranger.responses.create({ model, input: 'a' }), Sdk.AuthenticationError)
      }
      for (const ask of [
        () => client.chat.completions.create({ model: 'nobody/none', messages }),
        () => client.responses.create({ model: 'nobody/none', input: 'a' }),
      ])
        await assert.rejects(ask(), cause => {
          assert.ok(cause instanceof Sdk.NotFoundError)
          assert.equal(cause.code, 'model_not_found')
          return true
        })
    })

    test('the SDK tries again by itself, and only where that helps', async () => {
      const patient = new Sdk({ baseURL, apiKey: key, maxRetries: 2, timeout: 10_000 })
      for (const [name, { model }] of Object.entries(providerCases)) {
        const as = `${sdk}-${name}`.replaceAll(/\W/g, '')
        const flaky = scripted(model, `fail=503&on=1&retry_after=0.05&as=${as}`)
        const { choices } = await patient.chat.completions.create({ model: flaky, messages })
        assert.ok(choices[0]?.message.content)
        await assert.rejects(
          patient.chat.completions.create({ model: scripted(model, `fail=400&as=${as}`), messages }),
        )
      }
    })
  })
}

test('Vercel’s ai has embeddings made by providers of another dialect', async () => {
  const openai = createOpenAI({ baseURL, apiKey: key })
  const google = createGoogle({ baseURL: `${baseURL}beta`, apiKey: key })
  for (const model of embedders) {
    for (const embedder of [openai.embeddingModel(model), google.embeddingModel(model)]) {
      const { embeddings } = await embedMany({ model: embedder, values, maxRetries: 0 })
      assert.deepEqual(
        embeddings.map(({ length }) => length),
        [256, 256],
      )
    }
    assert.ok((await lastAsked()).path.includes('mbed'))
  }
})
