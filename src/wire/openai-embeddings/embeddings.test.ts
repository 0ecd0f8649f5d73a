import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import OpenAI from 'openai'
import type { EmbeddingsRequest } from '#exchange'
import type { AnswerContext } from '../dialect.ts'
import { openAiEmbeddings } from './index.ts'

const incoming = (body: unknown) => ({
  body: Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  rest: '',
  query: {},
})
const target = { model: 'm', stream: false, quirks: new Set<never>() }
const context = (body: unknown): AnswerContext => ({
  hex: '0'.repeat(32),
  createdAtMs: 0,
  model: 'gemini-embedding-001',
  estimatedInputTokens: 3,
  showUsage: true,
  request: incoming(body),
})

function said(body: unknown) {
  const asked = openAiEmbeddings.parseRequest(incoming(body))
  return asked.ok ? asked.value.toEmbeddings?.() : asked
}

suite('a request', () => {
  test('goes through with its model exchanged alone', () => {
    const asked = openAiEmbeddings.parseRequest(
      incoming('{ "model":"a", "input":["x"], "encoding_format" : "base64"}'),
    )
    assert.ok(asked.ok)
    assert.equal(
      asked.value.renderFor('b', new Set()).toString(),
      '{ "model":"b", "input":["x"], "encoding_format" : "base64"}',
    )
  })

  const inputs: [input: unknown, expected: unknown][] = [
    ['a', ['a']],
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [[1, 2], [[1, 2]]],
    [
      [[1, 2], [3]],
      [[1, 2], [3]],
    ],
  ]
  for (const [input, expected] of inputs) {
    test(`takes ${JSON.stringify(input)} as input`, () => {
      const read = said({ model: 'a', input, user: 'u', dimensions: 8 })
      assert.deepEqual(read?.ok && read.value, { inputs: expected, user: 'u', dimensions: 8, extras: [] })
    })
  }

  test('is refused by the field that is wrong', () => {
    const wrong: [body: object, param: string][] = [
      [{ input: 'a' }, 'model'],
      [{ model: 'a' }, 'input'],
      [{ model: 'a', input: [] }, 'input'],
      [{ model: 'a', input: ['x', {}] }, 'input[1]'],
      [{ model: 'a', input: 'x', dimensions: 0 }, 'dimensions'],
      [{ model: 'a', input: 'x', encoding_format: 'hex' }, 'encoding_format'],
    ]
    for (const [body, param] of wrong) {
      const read = said(body)
      assert.equal(read && !read.ok && read.detail?.param, param)
    }
  })

  test('comes back as it was said to a provider', () => {
    const some = fc.record({
      inputs: fc.oneof(
        fc.array(fc.string(), { minLength: 1 }),
        fc.array(fc.array(fc.nat(), { minLength: 1 }), { minLength: 1 }),
      ),
      more: fc.record({ dimensions: fc.integer({ min: 1 }), user: fc.string() }, { requiredKeys: [] }),
    })
    fc.assert(
      fc.property(some, ({ inputs, more }) => {
        const request: EmbeddingsRequest = { inputs, extras: [], ...more }
        const told = openAiEmbeddings.renderRequest(request, target)
        assert.ok(told.ok)
        const read = said(told.value)
        assert.deepEqual(read?.ok && read.value, { ...request })
      }),
    )
  })
})

suite('an answer', () => {
  test('is read by its indexes, as numbers or in base64', () => {
    const bytes = Buffer.alloc(8)
    bytes.writeFloatLE(0.5, 0)
    bytes.writeFloatLE(-2, 4)
    const data = [
      { index: 1, embedding: bytes.toString('base64') },
      { index: 0, embedding: [1, 2] },
    ]
    assert.deepEqual(
      openAiEmbeddings.readAnswer({ data, model: 'm', usage: { prompt_tokens: 4, total_tokens: 4 } }),
      {
        vectors: [
          [1, 2],
          [0.5, -2],
        ],
        model: 'm',
        usage: { input: 4 },
      },
    )
  })

  test('that is none is none', () => {
    const one = { index: 0, embedding: [1] }
    for (const data of [
      undefined,
      [{}],
      [null],
      [{ embedding: 'AQ==' }],
      [{ embedding: ['1'] }],
      [one, one],
      [{ ...one, index: 5 }],
    ])
      assert.equal(openAiEmbeddings.readAnswer({ data }), undefined, JSON.stringify(data))
    assert.equal(openAiEmbeddings.readFacts(Buffer.from('{}')), undefined)
  })

  for (const encoding of ['float', 'base64', undefined] as const) {
    test(`of another dialect is read by the official SDK, asked for as ${encoding ?? 'the SDK likes'}`, async () => {
      const vectors = [
        [0.5, -0.25, 1.5],
        [0, 1, -8],
      ]
      const bodies: Record<string, unknown>[] = []
      const server = createServer(async (request, response) => {
        const pieces: Buffer[] = []
        for await (const piece of request) pieces.push(piece as Buffer)
        const body = Buffer.concat(pieces)
        bodies.push(JSON.parse(body.toString()) as Record<string, unknown>)
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(JSON.stringify(openAiEmbeddings.renderAnswer({ vectors }, context(body))))
      })
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      try {
        const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
        const client = new OpenAI({ apiKey: 'k', baseURL })
        const answer = await client.embeddings.create({
          model: 'a',
          input: ['x', 'y'],
          ...(encoding && { encoding_format: encoding }),
        })
        const expected = encoding === 'base64' ? ['AAAAPwAAgL4AAMA/', 'AAAAAAAAgD8AAADB'] : vectors
        assert.deepEqual(
          answer.data.map(({ embedding }) => [...embedding]),
          expected.map(one => [...one]),
        )
        assert.equal(bodies[0]?.encoding_format, encoding ?? 'base64')
        assert.deepEqual([answer.model, answer.usage.prompt_tokens], ['gemini-embedding-001', 3])
      } finally {
        server.closeAllConnections()
        server.close()
      }
    })
  }
})
