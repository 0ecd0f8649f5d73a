import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { Asked, EmbeddingsRequest } from '#exchange'
import type { AnswerContext } from '../dialect.ts'
import { geminiEmbeddings } from './index.ts'

const batch = 'gemini-embedding-001:batchEmbedContents'
const single = 'gemini-embedding-001:embedContent'
const target = { model: 'gemini-embedding-001', stream: false, quirks: new Set<never>() }
const incoming = (body: unknown, rest: string) => ({
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  rest,
  query: {},
})

function parse(body: unknown, rest: string): Asked {
  const asked = geminiEmbeddings.parseRequest(incoming(body, rest))
  assert.ok(asked.ok, JSON.stringify(asked))
  return asked.value
}

const read = (body: unknown, rest: string) => parse(body, rest).toEmbeddings?.()

const context = (rest: string): AnswerContext => ({
  hex: '0'.repeat(32),
  createdAtMs: 0,
  model: 'm',
  estimatedInputTokens: 1,
  showUsage: true,
  request: incoming({}, rest),
})

suite('a request that goes through as it is', () => {
  test('has its model exchanged, in a batch with each request, and asks by its own method', () => {
    const one = parse(
      '{"content":{"parts":[{"text":"a"}]}, "model" : "models/x", "big": 12345678901234567890}',
      single,
    )
    assert.equal(
      one.renderFor('y', new Set()).toString(),
      '{"content":{"parts":[{"text":"a"}]}, "model" : "models/y", "big": 12345678901234567890}',
    )
    const many = parse(
      '{"requests":[{"model":"models/x","content":{}},{"content":{},"more":1}], "x" : 1}',
      batch,
    )
    assert.equal(
      many.renderFor('y', new Set()).toString(),
      '{"requests":[{"model":"models/y","content":{}},{"content":{},"more":1,"model":"models/y"}], "x" : 1}',
    )
    const path = (rest: string) =>
      geminiEmbeddings.path({ model: 'y', stream: false, relayed: incoming({}, rest) })
    assert.equal(path(single), '/models/y:embedContent')
    assert.equal(path(batch), '/models/y:batchEmbedContents')
    assert.equal(geminiEmbeddings.path(target), '/models/gemini-embedding-001:batchEmbedContents')
  })
})

suite('a request for another dialect', () => {
  test('has its texts, and what they are for', () => {
    const settings = { taskType: 'RETRIEVAL_DOCUMENT', title: 'T', outputDimensionality: 256 }
    const content = { parts: [{ text: 'a' }, { text: 'b' }] }
    const expected = {
      inputs: ['a\nb'],
      extras: [],
      dimensions: 256,
      taskType: 'RETRIEVAL_DOCUMENT',
      title: 'T',
    }
    const forms = [
      { content, ...settings },
      { content, task_type: 'RETRIEVAL_DOCUMENT', title: 'T', output_dimensionality: 256 },
      { content, embedContentConfig: settings },
    ]
    for (const form of forms) {
      const said = read(form, single)
      assert.deepEqual(said?.ok && said.value, expected)
    }
    const said = read({ content: { parts: { text: 'a' } } }, single)
    assert.deepEqual(said?.ok && said.value, { inputs: ['a'], extras: [] })
  })

  test('names fields that nobody else knows', () => {
    const said = read({ requests: [{ content: { parts: [{ text: 'a' }] }, autoTruncate: true }] }, batch)
    assert.deepEqual(said?.ok && said.value.extras, [
      { field: 'requests[0].autoTruncate', value: true, weight: 'meaning' },
    ])
  })

  test('is refused by the field that is wrong', () => {
    const text = { content: { parts: [{ text: 'a' }] } }
    const wrong: [body: unknown, rest: string, param: string][] = [
      [{}, single, 'content'],
      [{ requests: [] }, batch, 'requests'],
      [{ requests: [{}] }, batch, 'requests[0].content'],
      [
        { requests: [{ content: { parts: [{ inlineData: {} }] } }] },
        batch,
        'requests[0].content.parts[0].text',
      ],
      [{ ...text, outputDimensionality: 0 }, single, 'outputDimensionality'],
      [{ requests: [text, { ...text, taskType: 'X' }] }, batch, 'requests[1]'],
    ]
    for (const [body, rest, param] of wrong) {
      const asked = geminiEmbeddings.parseRequest(incoming(body, rest))
      const said = asked.ok ? asked.value.toEmbeddings?.() : asked
      assert.equal(said && !said.ok && said.detail?.param, param, JSON.stringify(body))
    }
  })

  test('comes back as it was said to a provider', () => {
    const some = fc.record({
      inputs: fc.array(fc.string(), { minLength: 1 }),
      more: fc.record(
        {
          dimensions: fc.integer({ min: 1, max: 3072 }),
          taskType: fc.constant('CLUSTERING'),
          title: fc.string(),
        },
        { requiredKeys: [] },
      ),
    })
    fc.assert(
      fc.property(some, ({ inputs, more }) => {
        const request: EmbeddingsRequest = { inputs, extras: [], ...more }
        const told = geminiEmbeddings.renderRequest(request, target)
        assert.ok(told.ok)
        const said = read(told.value, batch)
        assert.deepEqual(said?.ok && said.value, { ...request })
      }),
    )
  })

  test('of tokens is refused: they are another model’s', () => {
    const told = geminiEmbeddings.renderRequest({ inputs: ['a', [1, 2]], extras: [] }, target)
    assert.equal(!told.ok && told.code, 'unsupported_parameter')
  })
})

suite('an answer', () => {
  const vectors = [
    [0.25, -1],
    [0.5, 1e-9],
  ]
  const usage = { input: 8 }

  test('of a batch and of a single request is read alike', () => {
    const usageMetadata = { promptTokenCount: 8, totalTokenCount: 8 }
    assert.deepEqual(
      geminiEmbeddings.readAnswer({ embeddings: vectors.map(values => ({ values })), usageMetadata }),
      { vectors, usage },
    )
    assert.deepEqual(geminiEmbeddings.readAnswer({ embedding: { values: [1] } }), { vectors: [[1]] })
    assert.deepEqual(geminiEmbeddings.readAnswer({ embeddings: [] }), { vectors: [] })
  })

  test('is written as it was asked for, and reads back the same', () => {
    const many = geminiEmbeddings.renderAnswer({ vectors, usage }, context(batch)) as Record<string, unknown>
    assert.deepEqual(geminiEmbeddings.readAnswer(many), { vectors, usage })
    const one = geminiEmbeddings.renderAnswer({ vectors: [[1]] }, context(single))
    assert.deepEqual(one, { embedding: { values: [1] } })
  })

  test('that is none is none', () => {
    for (const json of [{}, { embeddings: [{}] }, { embeddings: [{ values: ['1'] }] }, { embedding: null }]) {
      assert.equal(geminiEmbeddings.readAnswer(json), undefined)
    }
    for (const body of ['', '{}', '[]'])
      assert.equal(geminiEmbeddings.readFacts(Buffer.from(body)), undefined)
    assert.deepEqual(geminiEmbeddings.readFacts(Buffer.from('{"embedding":{"values":[1]}}')), {
      usage: undefined,
      model: undefined,
    })
  })
})
