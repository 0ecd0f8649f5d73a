import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatAnswer, ChatRequest } from '#exchange'
import { foldEvents, unfoldAnswer } from '../fold.ts'
import { openAiChat } from './index.ts'

const context = {
  hex: '0123456789abcdef0123456789abcdef',
  createdAtMs: 1_700_000_000_000,
  model: 'm',
  estimatedInputTokens: 7,
  showUsage: false,
  request: { body: Buffer.from('{}'), rest: '', query: {} },
}

test('says in every delta of a call what kind of call it is, which strict clients insist on', () => {
  const signature = { dialect: 'gemini' as const, kind: 'seal' as const, value: 'c2VhbA==' }
  const call = { type: 'tool-call' as const, id: 'call_1', name: 'find', arguments: '{}', signature }
  const answer: ChatAnswer = { choices: [{ parts: [call], finish: { reason: 'tool-calls' } }] }
  const writer = openAiChat.createWriter(context)
  const bytes = [...unfoldAnswer(answer)].map(event => writer.write(event)).join('')
  const calls = bytes.split('\n\n').filter(event => event.includes('"tool_calls":['))
  assert.ok(calls.some(event => event.includes('thought_signature')))
  for (const event of calls) assert.match(event, /"function":\{/)
})

test('gives a sealed text its seal beside it, where Google has it, and takes it back', () => {
  const signature = { dialect: 'gemini' as const, kind: 'seal' as const, value: 'c2VhbA==' }
  const text = { type: 'text' as const, text: 'Four.', signature }
  const answer: ChatAnswer = {
    model: 'm',
    choices: [{ parts: [text], finish: { reason: 'stop', raw: 'stop' } }],
  }
  const whole = openAiChat.renderAnswer(answer, context) as { choices: { message: unknown }[] }
  const read = openAiChat.readAnswer(JSON.parse(JSON.stringify(whole)), context)
  assert.deepEqual(read?.choices, answer.choices)
  const writer = openAiChat.createWriter(context)
  const reader = openAiChat.createReader(context)
  const stream = [...unfoldAnswer(answer)].map(event => writer.write(event)).join('')
  assert.deepEqual(foldEvents(reader.push(Buffer.from(stream))).choices, answer.choices)

  const messages = [
    { role: 'user', content: 'Hi' },
    whole.choices[0]?.message,
    { role: 'user', content: 'So?' },
  ]
  const body = Buffer.from(JSON.stringify({ model: 'm', messages }))
  const asked = openAiChat.parseRequest({ body, rest: '', query: {} })
  const said = asked.ok ? asked.value.toChat?.() : undefined
  assert.ok(said?.ok)
  assert.deepEqual(said.value.messages[1]?.parts, [text])
})

test('keeps the seal that Google’s own endpoint gives a text, for that endpoint', () => {
  const message = {
    role: 'assistant',
    content: 'Four.',
    extra_content: { google: { thought_signature: 'QUJD' } },
  }
  const parts = openAiChat.readAnswer({ choices: [{ message, finish_reason: 'stop' }] }, { hex: '' })
    ?.choices[0]?.parts
  assert.ok(parts)
  const sealed = { dialect: 'openai-chat', kind: 'seal', value: 'QUJD' }
  assert.deepEqual(parts, [{ type: 'text', text: 'Four.', signature: sealed }])
  const request: ChatRequest = { messages: [{ role: 'assistant', parts }], tools: [], extras: [] }
  const told = openAiChat.renderRequest(request, { model: 'm', stream: false, quirks: new Set() })
  assert.deepEqual(told.messages, [message])
})

test('tells all citations in one delta, and numbers those that come later, as SDKs put them together', () => {
  const cited = (text: string, ...urls: string[]) => ({
    type: 'text' as const,
    text,
    citations: urls.map(url => ({ kind: 'url' as const, url, title: text })),
  })
  const image = {
    type: 'image' as const,
    source: { kind: 'data' as const, mediaType: 'image/png', base64: 'AAAA' },
  }
  const call = { type: 'tool-call' as const, id: 'call_1', name: 'find', arguments: '{}' }
  const parts = [cited('One', 'https://a.example', 'https://b.example'), cited('Two', 'https://c.example')]
  const answer: ChatAnswer = {
    choices: [
      {
        parts: [...parts, image, image, call, cited('Three', 'https://d.example')],
        finish: { reason: 'stop' },
      },
    ],
  }
  const writer = openAiChat.createWriter(context)
  const deltas = [...unfoldAnswer(answer)]
    .flatMap(event => writer.write(event).split('\n\n'))
    .filter(event => event.startsWith('data: {'))
    .map(event => JSON.parse(event.slice(6)).choices[0].delta)
  const lists = deltas.flatMap(({ annotations }) => (annotations ? [annotations] : []))
  assert.deepEqual(
    lists.map(list =>
      list.map((annotation: { index?: number; url_citation: { url: string } }) => [
        annotation.url_citation.url,
        annotation.index,
      ]),
    ),
    [
      [
        ['https://a.example', undefined],
        ['https://b.example', undefined],
        ['https://c.example', undefined],
      ],
      [['https://d.example', 3]],
    ],
  )
  assert.deepEqual(
    deltas.flatMap(({ images }) => (images ? [images[0].index] : [])),
    [0, 1],
  )
})
