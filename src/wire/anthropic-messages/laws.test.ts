import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { accept, type ChatRequest, type Message } from '#exchange'
import { type Json, render, toChat, tool, user } from './asking.fixture.ts'

const text = fc.string({ minLength: 1 }).filter(text => text.trim() !== '')
const cache = fc.constantFrom({}, { cache: {} }, { cache: { ttl: '1h' as const } })
const textPart = fc.tuple(text, cache).map(([text, mark]) => ({ type: 'text' as const, text, ...mark }))
const image = fc.tuple(fc.webUrl(), cache).map(([url, mark]) => ({
  type: 'image' as const,
  source: { kind: 'url' as const, url },
  ...mark,
}))
const file = fc.record({ text, filename: text, cite: fc.boolean() }).map(({ text, filename, cite }) => ({
  type: 'file' as const,
  source: { kind: 'text' as const, text, mediaType: 'text/plain' },
  filename,
  cite,
}))
const thought = fc.tuple(fc.string(), fc.string({ minLength: 1 })).map(([text, value]) => ({
  type: 'reasoning' as const,
  text,
  signature: { dialect: 'anthropic-messages' as const, kind: 'seal' as const, value: `E${value}` },
}))
const opaque = fc.constant({
  type: 'opaque' as const,
  dialect: 'anthropic-messages' as const,
  value: { type: 'web_search_tool_result', tool_use_id: 's', content: [] },
})

/** A round of the conversation: the user asks, the model calls some tools or none, and answers. */
const round = fc.record({
  ask: fc.array(fc.oneof(textPart, image, file), { minLength: 1, maxLength: 3 }),
  thoughts: fc.array(fc.oneof(thought, opaque), { maxLength: 2 }),
  results: fc.array(fc.tuple(fc.dictionary(text, fc.jsonValue()), textPart, fc.boolean()), { maxLength: 3 }),
  answer: textPart,
})

const conversations: fc.Arbitrary<Message[]> = fc.array(round, { minLength: 1, maxLength: 3 }).map(rounds =>
  rounds.flatMap(({ ask, thoughts, results, answer }, n): Message[] => {
    const ids = results.map((_, i) => `call_${n}_${i}`)
    const asked: Message = { role: 'user', parts: ask }
    if (results.length === 0) return [asked, { role: 'assistant', parts: [...thoughts, answer] }]
    const calls = results.map(([input], i) => ({
      type: 'tool-call' as const,
      id: ids[i] ?? '',
      name: 'f',
      arguments: JSON.stringify(input),
    }))
    const given = results.map(([, part, isError], i) => ({
      type: 'tool-result' as const,
      callId: ids[i] ?? '',
      parts: [part],
      isError,
    }))
    return [
      asked,
      { role: 'assistant', parts: [...thoughts, ...calls] },
      { role: 'user', parts: given },
      { role: 'assistant', parts: [answer] },
    ]
  }),
)

const requests: fc.Arbitrary<ChatRequest> = fc.record(
  {
    messages: fc
      .tuple(fc.array(textPart, { minLength: 1, maxLength: 2 }), conversations)
      .map(([parts, rest]): Message[] => [{ role: 'system', parts }, ...rest, user('Go on')]),
    tools: fc.constant([{ ...tool, description: 'F', cache: {} }]),
    extras: fc.constant([]),
    maxOutputTokens: fc.integer({ min: 1, max: 64_000 }),
    temperature: fc.double({ min: 0, max: 0.99, noNaN: true }),
    topK: fc.nat(100),
    stop: fc.array(text, { minLength: 1, maxLength: 4 }),
    serviceTier: fc.constantFrom('auto', 'default'),
    user: text,
    toolChoice: fc.constantFrom<NonNullable<ChatRequest['toolChoice']>>(
      { type: 'auto' },
      { type: 'required' },
      { type: 'tool', name: 'f' },
    ),
    parallelToolCalls: fc.boolean(),
    cache: fc.constantFrom({}, { ttl: '5m' as const }),
  },
  { requiredKeys: ['messages', 'tools', 'extras', 'maxOutputTokens', 'toolChoice'] },
)

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test('a request that is rendered and parsed again is the same', () => {
  fc.assert(
    fc.property(requests, request => {
      const body = render(plain(request) as ChatRequest)
      assert.deepEqual(plain(accept(toChat(body))), plain(request))
    }),
  )
})

test('what is rendered keeps to Anthropic’s rules, whatever the conversation', () => {
  const anyParts = fc.array(
    fc.oneof(
      textPart,
      fc
        .constantFrom('a', 'b', 'a.b', '')
        .map(id => ({ type: 'tool-call', id, name: 'f', arguments: '{' }) as const),
      fc
        .constantFrom('a', 'b', 'a.b', '')
        .map(callId => ({ type: 'tool-result', callId, parts: [] }) as const),
      fc.constant({ type: 'text', text: ' ' } as const),
    ),
    { maxLength: 4 },
  )
  const kinds = { system: ['text'], user: ['text', 'tool-result'], assistant: ['text', 'tool-call'] } as const
  const anyMessage = fc
    .tuple(fc.constantFrom('system', 'user', 'assistant'), anyParts)
    .map(
      ([role, parts]) =>
        ({ role, parts: parts.filter(({ type }) => kinds[role].includes(type as never)) }) as Message,
    )
  fc.assert(
    fc.property(
      fc.array(anyMessage, { minLength: 1, maxLength: 8 }),
      fc.constantFrom('claude-opus-5', 'claude-sonnet-4-5'),
      (messages, model) => {
        const { messages: turns } = render({ messages, tools: [tool] }, model) as {
          messages: { role: string; content: Json[] }[]
        }
        const seen = new Set<unknown>()
        for (const [at, { role, content }] of turns.entries()) {
          const before = turns[at - 1]
          assert.notEqual(role, before?.role)
          if (role === 'system') {
            assert.equal(before?.role, 'user')
            assert.ok(turns[at + 1] === undefined || turns[at + 1]?.role === 'assistant')
          }
          const due = (before?.content ?? []).flatMap(({ type, id }) => (type === 'tool_use' ? [id] : []))
          assert.deepEqual(
            content.slice(0, due.length).map(block => block.tool_use_id),
            due,
          )
          assert.ok(content.slice(due.length).every(({ type }) => type !== 'tool_result'))
          for (const { type, id } of content) {
            if (type !== 'tool_use') continue
            assert.ok(!seen.has(id), 'an id twice')
            seen.add(id)
          }
        }
        assert.ok(!turns.at(-1)?.content.some(({ type }) => type === 'tool_use'))
      },
    ),
    { numRuns: 500 },
  )
})
