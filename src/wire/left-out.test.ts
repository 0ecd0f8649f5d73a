import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { accept, type CallerDialect, type Decision, type Dialect, type Unsupported } from '#exchange'
import { dialects } from './dialects.ts'
import { openPassage, type Passage } from './passage.ts'

type Json = Record<string, unknown>

/* What an earlier turn holds of another provider's model: as far as it is not given back, that is said. */

interface Asking {
  to: Dialect
  model?: string
  unsupported?: Unsupported
}

async function open(from: CallerDialect, body: Json, asking: Asking): Promise<Decision<Passage>> {
  const { to, model = 'm', unsupported } = asking
  const request = { body: Buffer.from(JSON.stringify(body)), rest: 'm:generateContent', query: {} }
  const passage = await openPassage(accept(dialects[from].parseRequest(request)), {
    speaks: [to],
    quirks: new Set(),
    target: `there/${model}`,
    model,
    unsupported,
    context: { hex: '0123456789abcdef0123456789abcdef', createdAtMs: 0 },
    fetchMedia: () => assert.fail('nothing is to be fetched'),
    memory: () => ({ remember: () => {}, recall: () => undefined }),
  })
  return passage ?? assert.fail('no way')
}

async function sent(from: CallerDialect, body: Json, asking: Asking): Promise<[Json, readonly string[]]> {
  const { body: bytes, dropped } = accept(await open(from, body, asking))
  return [JSON.parse(bytes.toString()) as Json, dropped]
}

const thinking = (...blocks: Json[]): Json => ({
  model: 'm',
  max_tokens: 9000,
  messages: [
    { role: 'user', content: 'Where?' },
    { role: 'assistant', content: [...blocks, { type: 'text', text: 'Here.' }] },
    { role: 'user', content: 'Why?' },
  ],
})
const signed = { type: 'thinking', thinking: 'Hm.', signature: 'c2VhbA==' }
const redacted = { type: 'redacted_thinking', data: 'c2VhbA==' }

suite('earlier thinking', () => {
  const chat = {
    model: 'm',
    messages: [
      { role: 'user', content: 'Where?' },
      { role: 'assistant', content: 'Here.', reasoning_content: 'Hm.' },
      { role: 'user', content: 'Why?' },
    ],
  }

  test('that nobody signed is named where it is left out', async () => {
    for (const to of ['anthropic-messages', 'bedrock-converse'] as const) {
      const [body, dropped] = await sent('openai-chat', chat, { to, model: 'claude-sonnet-4-5' })
      assert.deepEqual(dropped, ['messages[].reasoning_content'], to)
      assert.ok(!JSON.stringify(body).includes('Hm.'))
    }
  })

  test('without words is named where its seal is worth nothing', async () => {
    const gemini = { to: 'gemini', model: 'gemini-3-flash' } as const
    const [, dropped] = await sent('anthropic-messages', thinking(redacted), gemini)
    assert.deepEqual(dropped, ['messages[].content[].thinking'])
    assert.deepEqual((await sent('anthropic-messages', thinking(signed), gemini))[1], [])
  })

  test('is given back to who signed it, and only the rest is named', async () => {
    const claude = { to: 'bedrock-converse', model: 'anthropic.claude-sonnet-4-5' } as const
    const [body, dropped] = await sent('anthropic-messages', thinking(signed), claude)
    assert.deepEqual(dropped, [])
    assert.ok(JSON.stringify(body).includes('"signature":"c2VhbA=="'))
    const unsigned = { type: 'thinking', thinking: 'So.', signature: '' }
    const [both, left] = await sent('anthropic-messages', thinking(signed, unsigned), claude)
    assert.deepEqual(left, ['messages[].content[].thinking'])
    assert.ok(JSON.stringify(both).includes('"signature":"c2VhbA=="'))
    const nova = { to: 'bedrock-converse', model: 'amazon.nova-pro' } as const
    assert.deepEqual((await sent('anthropic-messages', thinking(signed), nova))[1], left)
  })

  test('refuses the request where nothing may be left out', async () => {
    const strict = { to: 'anthropic-messages', model: 'claude-sonnet-4-5', unsupported: 'error' } as const
    const decision = await open('openai-chat', chat, strict)
    assert.ok(!decision.ok)
    assert.match(decision.message, /^`messages\[\]\.reasoning_content`/)
  })
})

suite('a picture that a model made', () => {
  const inlineData = { mimeType: 'image/png', data: 'AAAA' }
  const gemini = {
    contents: [
      { role: 'user', parts: [{ text: 'Draw.' }] },
      { role: 'model', parts: [{ inlineData }] },
      { role: 'user', parts: [{ text: 'Larger.' }] },
    ],
  }

  test('is named, and its place is kept, where a model’s turn can have none', async () => {
    for (const to of ['openai-chat', 'anthropic-messages', 'bedrock-converse'] as const) {
      const [body, dropped] = await sent('gemini', gemini, { to, model: 'claude-sonnet-4-5' })
      assert.deepEqual(dropped, ['contents[].parts[].inlineData'], to)
      assert.ok(JSON.stringify(body.messages).includes('[an image]'), to)
    }
  })

  test('comes back from a caller of Chat Completions as it was given', async () => {
    const url = 'data:image/png;base64,AAAA'
    const messages = [
      { role: 'user', content: 'Draw.' },
      { role: 'assistant', content: '', images: [{ type: 'image_url', image_url: { url } }] },
      { role: 'user', content: 'Larger.' },
    ]
    const [body, dropped] = await sent('openai-chat', { model: 'm', messages }, { to: 'gemini' })
    assert.deepEqual(dropped, [])
    assert.deepEqual((body.contents as Json[])[1], { role: 'model', parts: [{ inlineData }] })
    const [, lost] = await sent(
      'openai-chat',
      { model: 'm', messages },
      { to: 'anthropic-messages', model: 'claude-sonnet-4-5' },
    )
    assert.deepEqual(lost, ['messages[].images'])
  })
})

test('what a model said aloud, and is named by an id, is named where it is left out', async () => {
  const messages = [
    { role: 'user', content: 'Say it.' },
    { role: 'assistant', audio: { id: 'audio_1' } },
    { role: 'user', content: 'Louder.' },
  ]
  const [, dropped] = await sent('openai-chat', { model: 'm', messages }, { to: 'gemini' })
  assert.deepEqual(dropped, ['messages[].audio'])
})

test('two messages of an assistant in a row stay two', async () => {
  const input = [
    { role: 'user', content: 'Hi' },
    { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'I look.' }] },
    { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'It is there.' }] },
    { type: 'function_call', call_id: 'call_1', name: 'go', arguments: '{}' },
    { type: 'function_call_output', call_id: 'call_1', output: 'gone' },
  ]
  const [{ messages }] = await sent('openai-responses', { model: 'm', input }, { to: 'openai-chat' })
  assert.deepEqual(
    (messages as Json[]).map(({ role, content }) => [role, content]),
    [
      ['user', 'Hi'],
      ['assistant', 'I look.'],
      ['assistant', 'It is there.'],
      ['tool', 'gone'],
    ],
  )
})

test('tools that are given in the midst of a conversation are refused by their name', async () => {
  const definition = { name: 'now', input_schema: { type: 'object' } }
  const content = [{ type: 'tool_addition', tool: { type: 'tool_definition', definition } }]
  const body = {
    model: 'm',
    max_tokens: 100,
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'system', content },
    ],
  }
  const decision = await open('anthropic-messages', body, { to: 'openai-chat' })
  assert.ok(!decision.ok)
  assert.deepEqual([decision.code, decision.detail?.param], ['unsupported_parameter', 'messages[].content[]'])
  const drop = { to: 'openai-chat', unsupported: 'drop' } as const
  assert.deepEqual((await sent('anthropic-messages', body, drop))[1], ['messages[].content[]'])
})

test('a refusal calls a PDF a PDF', async () => {
  const content = [{ type: 'file', file: { file_data: 'data:video/mp4;base64,AAAA', filename: 'a.mp4' } }]
  const body = { model: 'm', messages: [{ role: 'user', content }] }
  const decision = await open('openai-chat', body, { to: 'anthropic-messages', model: 'claude-sonnet-4-5' })
  assert.ok(!decision.ok)
  assert.match(decision.message, /\(PDF and files as data\)/)
})
