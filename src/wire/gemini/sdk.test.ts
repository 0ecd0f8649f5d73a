import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test } from 'node:test'
import * as newest from '@google/genai'
import * as older from 'genai-2'
import { type ChatAnswer, type ChatEvent, Fault, type IncomingRequest } from '#exchange'
import type { AnswerContext } from '../dialect.ts'
import { unfoldAnswer } from '../fold.ts'
import { geminiEmbeddings } from '../gemini-embeddings/index.ts'
import { gemini, geminiCountTokens } from './index.ts'

/* The official SDK asks, and is told what our writers write. */

const answer: ChatAnswer = {
  model: 'claude-x',
  choices: [
    {
      parts: [
        {
          type: 'reasoning',
          text: 'Hm.',
          signature: { dialect: 'anthropic-messages', kind: 'seal', value: 'EqQB' },
        },
        { type: 'text', text: 'Grüße 🌊' },
        { type: 'tool-call', id: 'toolu_1', name: 'weather', arguments: '{"city":"Kiel"}' },
        { type: 'tool-call', id: 'toolu_2', name: 'now', arguments: '{}' },
      ],
      finish: { reason: 'tool-calls', raw: 'tool_use' },
    },
  ],
  usage: { input: 10, cachedInput: 5, output: 20, reasoning: 4 },
}

const context = (request: IncomingRequest): AnswerContext => ({
  hex: '0123456789abcdef0123456789abcdef',
  createdAtMs: 0,
  model: 'm',
  estimatedInputTokens: 1,
  showUsage: true,
  request,
})

async function readIncoming(request: IncomingMessage): Promise<IncomingRequest> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  const url = new URL(request.url ?? '', 'http://x')
  const rest = decodeURIComponent(url.pathname.replace(/^\/v1(beta)?\/models\//, ''))
  return { body: Buffer.concat(pieces), rest, query: Object.fromEntries(url.searchParams) }
}

/** Answers as the edge would, by the module that serves the address. */
async function withServer(
  events: Iterable<ChatEvent>,
  use: (baseUrl: string, asked: IncomingRequest[]) => Promise<void>,
  fault?: { fault: Fault; afterEvents?: boolean },
): Promise<void> {
  const asked: IncomingRequest[] = []
  const server = createServer(async (request, response) => {
    const incoming = await readIncoming(request)
    asked.push(incoming)
    if (fault && !fault.afterEvents) {
      response.writeHead(fault.fault.status, { 'content-type': 'application/json' })
      return response.end(JSON.stringify(gemini.renderError(fault.fault, 'req_1')))
    }
    if (!incoming.rest.endsWith(':streamGenerateContent')) {
      response.writeHead(200, { 'content-type': 'application/json' })
      return response.end(JSON.stringify(wholeAnswer(incoming)))
    }
    response.writeHead(200, { 'content-type': gemini.streamContentType?.(incoming) ?? '' })
    const writer = gemini.createWriter(context(incoming))
    for (const event of events) {
      const text = writer.write(event)
      if (text === '') continue
      response.write(text)
      await new Promise(setImmediate) // a chunk of its own
    }
    if (fault) response.write(gemini.renderErrorEvent(fault.fault, 'req_1', incoming))
    return response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

function wholeAnswer(incoming: IncomingRequest): unknown {
  if (geminiCountTokens.serves?.(incoming.rest)) return geminiCountTokens.renderAnswer(31)
  if (geminiEmbeddings.serves?.(incoming.rest)) {
    const said = geminiEmbeddings.parseRequest(incoming)
    const inputs = said.ok ? said.value.toEmbeddings?.() : undefined
    assert.ok(inputs?.ok)
    const vectors = inputs.value.inputs.map((_, i) => [i, 0.5])
    return geminiEmbeddings.renderAnswer({ vectors }, context(incoming))
  }
  return gemini.renderAnswer(answer, context(incoming))
}

for (const [name, sdk] of Object.entries({ '@google/genai 3': newest, '@google/genai 2': older })) {
  const client = (baseUrl: string) => new sdk.GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl } })
  const model = 'anthropic/claude-x'

  suite(`the official SDK, ${name}`, () => {
    test('reads a whole answer', async () => {
      await withServer([], async (baseUrl, asked) => {
        const said = await client(baseUrl).models.generateContent({ model, contents: 'Hi' })
        assert.equal(said.text, 'Grüße 🌊')
        assert.deepEqual(
          said.functionCalls?.map(({ id, name: fn, args }) => [id, fn, args]),
          [
            ['toolu_1', 'weather', { city: 'Kiel' }],
            ['toolu_2', 'now', {}],
          ],
        )
        assert.deepEqual(said.usageMetadata, {
          promptTokenCount: 15,
          cachedContentTokenCount: 5,
          candidatesTokenCount: 20,
          thoughtsTokenCount: 4,
          totalTokenCount: 39,
        })
        assert.ok(asked[0])
        const parsed = gemini.parseRequest(asked[0])
        assert.equal(parsed.ok && parsed.value.model, model)
      })
    })

    test('reads a stream, and gives the seals of another provider back with the next turn', async () => {
      await withServer([...unfoldAnswer(answer)], async (baseUrl, asked) => {
        const chat = client(baseUrl).chats.create({ model })
        let text = ''
        let calls = 0
        let last: { finish: unknown; total: unknown } | undefined
        for await (const chunk of await chat.sendMessageStream({ message: 'Hi' })) {
          text += chunk.candidates?.[0]?.content?.parts
            ?.map(part => (part.thought ? '' : (part.text ?? '')))
            .join('')
          calls += chunk.functionCalls?.length ?? 0
          last = { finish: chunk.candidates?.[0]?.finishReason, total: chunk.usageMetadata?.totalTokenCount }
        }
        assert.deepEqual([text, calls, last], ['Grüße 🌊', 2, { finish: 'STOP', total: 39 }])

        const results = ['toolu_1', 'toolu_2'].map((id, i) => ({
          functionResponse: { id, name: i === 0 ? 'weather' : 'now', response: { output: 'ok' } },
        }))
        for await (const _ of await chat.sendMessageStream({ message: results }));
        const again = asked[1] && gemini.parseRequest(asked[1])
        const said = again?.ok ? again.value.toChat?.() : undefined
        assert.ok(said?.ok)
        const [, turn, answered] = said.value.messages
        const thoughts = turn?.parts.filter(part => part.type === 'reasoning')
        assert.deepEqual(thoughts?.map(part => part.type === 'reasoning' && part.signature).filter(Boolean), [
          { dialect: 'anthropic-messages', kind: 'seal', value: 'EqQB' },
        ])
        assert.deepEqual(
          answered?.parts.map(part => part.type === 'tool-result' && part.callId),
          ['toolu_1', 'toolu_2'],
        )
      })
    })

    test('throws on an error, with its status', async () => {
      const fault = new Fault('rate_limited', 'Slow down.')
      await withServer(
        [],
        async baseUrl => {
          const failed = client(baseUrl).models.generateContent({ model, contents: 'Hi' })
          await assert.rejects(
            failed,
            (error: unknown) => error instanceof sdk.ApiError && error.status === 429,
          )
        },
        { fault },
      )
    })

    test('throws on an error in the middle of a stream', async () => {
      const fault = new Fault('provider_disconnected', 'It broke off.')
      await withServer(
        [...unfoldAnswer(answer)].slice(0, 8),
        async baseUrl => {
          const stream = await client(baseUrl).models.generateContentStream({ model, contents: 'Hi' })
          await assert.rejects(async () => {
            for await (const _ of stream);
          }, /It broke off/)
        },
        { fault, afterEvents: true },
      )
    })

    test('counts tokens, and embeds', async () => {
      await withServer([], async baseUrl => {
        const { models } = client(baseUrl)
        assert.equal((await models.countTokens({ model, contents: 'Hi' })).totalTokens, 31)
        const { embeddings } = await models.embedContent({ model, contents: ['a', 'b'] })
        assert.deepEqual(
          embeddings?.map(({ values }) => values),
          [
            [0, 0.5],
            [1, 0.5],
          ],
        )
      })
    })
  })
}
