import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { type ByteAnswer, head, piece, startByteUpstream, whole } from './support/byte-upstream.ts'
import { type CallOnRecord, callOfFeature } from './support/call-log.ts'
import { startSluice } from './support/sluice.ts'
import { errorEvents, type StreamDialect, streamUntil, wholeBodies } from './support/whole-streams.ts'

/**
 * Every way in which an answer can break off, from a provider of each dialect, to a caller of each dialect: no SDK
 * takes one for a whole answer, and nor does the call log. openai-node takes the bare end of a stream for its good
 * end, so that the last words of a broken one must be an error.
 */

const dialects: readonly StreamDialect[] = ['chat', 'responses', 'messages', 'gemini']

const events = { 'content-type': 'text/event-stream' }
const json = { 'content-type': 'application/json' }

/** As an HTTP stream that ends in good order: whatever is missing is missing in the events. */
const delivers =
  (...texts: string[]): ByteAnswer =>
  socket =>
    socket.write(
      head(200, { ...events, 'transfer-encoding': 'chunked' }) + texts.map(piece).join('') + piece(''),
    )

const withoutEnd = (text: string): string =>
  head(200, { ...events, 'transfer-encoding': 'chunked' }) + piece(text)

/** Well compressed, but not to its end. */
function gzipped(headers: Record<string, string>, text: string): Buffer {
  const bytes = gzipSync(text).subarray(0, -12)
  const length = String(bytes.length)
  return Buffer.concat([
    Buffer.from(head(200, { ...headers, 'content-encoding': 'gzip', 'content-length': length })),
    bytes,
  ])
}

function brokenStreams(dialect: StreamDialect): Record<string, ByteAnswer> {
  const until = (last: Parameters<typeof streamUntil>[1]): string => streamUntil(dialect, last)
  const said = until('text')
  const nearEnd = until('usage')
  const end = until('end').slice(nearEnd.length)
  // Gemini has no end mark of its own to come early: there the last event is the whole of the end.
  const early: Record<string, ByteAnswer> =
    dialect === 'gemini'
      ? {}
      : {
          'the end mark in the lifecycle': delivers(until('lifecycle'), earlyEnds[dialect]),
          'the end mark in the text': delivers(said, earlyEnds[dialect]),
          'the end mark in the arguments of a call': delivers(until('arguments'), earlyEnds[dialect]),
        }
  return {
    ...early,
    'the end of the stream before its first event': delivers(': hello\n\n'),
    'the end of the stream in its lifecycle': delivers(until('lifecycle')),
    'the end of the stream in a thought': delivers(until('reasoning')),
    'the end of the stream in a text': delivers(said),
    'the end of the stream in the arguments of a call': delivers(until('arguments')),
    'the end of the stream before its finish': delivers(until('restOfArguments')),
    'the end of the stream after its finish': delivers(until('finish')),
    'the end of the stream after its usage': delivers(nearEnd),
    'half an event in the text': delivers(said.slice(0, -20)),
    'half of the last event': delivers(nearEnd, end.slice(0, Math.floor(end.length / 2))),
    'an event with half of its JSON': delivers(`${said}data: {"type":"x","choices":[{\n\n`, end),
    'an error in the text': delivers(said, errorEvents[dialect], end),
    'an error after the finish': delivers(until('finish'), errorEvents[dialect]),
    'a reset in the text': socket => socket.write(withoutEnd(said), () => socket.resetAndDestroy()),
    'a reset after the usage': socket => socket.write(withoutEnd(nearEnd), () => socket.resetAndDestroy()),
    'the end of the connection in the text': socket => socket.end(withoutEnd(said)),
    'the end of the connection in a piece of HTTP': socket => socket.end(withoutEnd(said).slice(0, -9)),
    'the end of the connection of a stream that has no length': socket =>
      socket.end(head(200, { ...events, connection: 'close' }) + said),
    'a stream shorter than its length': socket =>
      socket.end(whole(200, events, said + end).slice(0, -end.length)),
    'a stream whose compression breaks off': socket => socket.end(gzipped(events, until('end'))),
  }
}

const earlyEnds: Readonly<Record<Exclude<StreamDialect, 'gemini'>, string>> = {
  chat: 'data: [DONE]\n\n',
  responses: 'data: [DONE]\n\n',
  messages: 'event: message_stop\ndata: {"type":"message_stop"}\n\n',
}

function brokenBodies(dialect: StreamDialect): Record<string, ByteAnswer> {
  const body = wholeBodies[dialect]
  const half = body.slice(0, Math.floor(body.length / 2))
  return {
    'a body shorter than its length': socket => socket.end(whole(200, json, body).slice(0, -10)),
    'a body without the end of its chunks': socket =>
      socket.end(head(200, { ...json, 'transfer-encoding': 'chunked' }) + piece(body)),
    'half a body, well delivered': socket => socket.write(whole(200, json, half)),
    'half a body until the connection ends': socket =>
      socket.end(head(200, { ...json, connection: 'close' }) + half),
    'half a body, then a reset': socket =>
      socket.write(whole(200, json, body).slice(0, -10), () => socket.resetAndDestroy()),
    'a body whose compression breaks off': socket => socket.end(gzipped(json, body)),
    'a body of nothing': socket => socket.write(whole(200, json, '')),
  }
}

const slug = (what: string): string => what.replaceAll(/\W+/g, '-')

const answers: Record<string, ByteAnswer> = {}
for (const dialect of dialects) {
  const all = {
    ...brokenStreams(dialect),
    ...brokenBodies(dialect),
    'whole stream': delivers(streamUntil(dialect, 'end')),
    'whole body': (socket => socket.write(whole(200, json, wholeBodies[dialect]))) satisfies ByteAnswer,
  }
  for (const [what, answer] of Object.entries(all)) answers[`${dialect}-${slug(what)}`] = answer
}

const upstream = await startByteUpstream(answers)
const key = 'sk-test-truncation-0123456789'
const sluice = await startSluice({
  config: `
providers:
  chat: { dialect: openai, base_url: ${upstream.url}, api_key: k, retries: 0 }
  responses: { dialect: openai-responses, base_url: ${upstream.url}, api_key: k, retries: 0 }
  messages: { dialect: anthropic, base_url: ${upstream.url}, api_key: k, retries: 0 }
  gemini: { dialect: gemini, base_url: ${upstream.url}beta, api_key: k, retries: 0 }
keys:
  - { name: web, key: ${key}, organization: acme, project: shop }
`,
})

const openai = new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: key, maxRetries: 0 })
const anthropic = new Anthropic({ baseURL: sluice.url, apiKey: key, maxRetries: 0 })
const google = new GoogleGenAI({
  apiKey: key,
  httpOptions: { baseUrl: sluice.url, retryOptions: { attempts: 1 } },
})

interface Ask {
  model: string
  headers: Record<string, string>
}
interface Asking {
  stream(ask: Ask): Promise<AsyncIterable<unknown>>
  whole(ask: Ask): Promise<unknown>
}

const question = 'Where is it?'
const said = [{ role: 'user' as const, content: question }]

/** A caller of each dialect, by its maker's SDK. */
const callers: Record<StreamDialect, Asking> = {
  chat: {
    stream: ({ model, headers }) =>
      openai.chat.completions.create({ model, messages: said, stream: true }, { headers }),
    whole: ({ model, headers }) => openai.chat.completions.create({ model, messages: said }, { headers }),
  },
  responses: {
    stream: ({ model, headers }) =>
      openai.responses.create({ model, input: question, stream: true }, { headers }),
    whole: ({ model, headers }) => openai.responses.create({ model, input: question }, { headers }),
  },
  messages: {
    stream: ({ model, headers }) =>
      anthropic.messages.create({ model, messages: said, max_tokens: 99, stream: true }, { headers }),
    whole: ({ model, headers }) =>
      anthropic.messages.create({ model, messages: said, max_tokens: 99 }, { headers }),
  },
  gemini: {
    stream: ({ model, headers }) =>
      google.models.generateContentStream({
        model,
        contents: question,
        config: { httpOptions: { headers } },
      }),
    whole: ({ model, headers }) =>
      google.models.generateContent({ model, contents: question, config: { httpOptions: { headers } } }),
  },
}

/** What became of an answer: for the SDK, and on the call log. */
async function hear(
  caller: StreamDialect,
  model: string,
  kind: keyof Asking,
): Promise<{ error: unknown; call: CallOnRecord }> {
  const feature = slug(`${caller}-${model}`)
  const ask = { model, headers: { 'x-sluice-feature': feature } }
  let error: unknown
  try {
    if (kind === 'whole') await callers[caller].whole(ask)
    else for await (const event of await callers[caller].stream(ask)) assert.ok(event)
  } catch (cause) {
    error = cause
  }
  return { error, call: await callOfFeature(sluice, feature) }
}

for (const provider of dialects) {
  suite(`an answer of ${provider} that breaks off`, () => {
    for (const [kind, cases] of [
      ['stream', brokenStreams(provider)],
      ['whole', brokenBodies(provider)],
    ] as const) {
      for (const what of Object.keys(cases)) {
        test(`by ${what} is a whole answer for nobody`, async () => {
          const model = `${provider}/${provider}-${slug(what)}`
          const heard = await Promise.all(dialects.map(caller => hear(caller, model, kind)))
          for (const [i, { error, call }] of heard.entries()) {
            const who = `${dialects[i]} before ${model}`
            assert.ok(error instanceof Error, `the SDK throws: ${who}`)
            assert.equal(call.status, 'failed', who)
            assert.deepEqual(
              call.attempts.map(({ status }) => status),
              ['failed'],
              who,
            )
          }
        })
      }
    }

    test('is a whole one when it does not', async () => {
      for (const kind of ['stream', 'whole'] as const) {
        const model = `${provider}/${provider}-whole-${kind === 'stream' ? 'stream' : 'body'}`
        const heard = await Promise.all(dialects.map(caller => hear(caller, model, kind)))
        for (const { error, call } of heard) {
          assert.equal(error, undefined)
          assert.equal(call.status, 'succeeded')
          assert.equal(call.usage.source, 'provider')
        }
      }
    })
  })
}
