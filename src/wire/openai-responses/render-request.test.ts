import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { ChatRequest, Message } from '#exchange'
import { chatOf, type Json, target } from './asking.fixture.ts'
import { renderResponsesRequest } from './render-request.ts'

suite('what a provider of Responses is asked', () => {
  const request = (more: Partial<ChatRequest>): ChatRequest => ({
    messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
    tools: [],
    extras: [],
    ...more,
  })

  test('keeps nothing there, and has thoughts sealed by models that think', () => {
    assert.deepEqual(renderResponsesRequest(request({}), { ...target, model: 'gpt-5.2', stream: true }), {
      model: 'gpt-5.2',
      input: [{ type: 'message', role: 'user', content: 'Hi' }],
      include: ['reasoning.encrypted_content'],
      store: false,
      stream: true,
    })
    assert.equal(renderResponsesRequest(request({}), target).include, undefined)
  })

  test('has the thoughts of a model nobody knows sealed where it is told how much to think', () => {
    const thinking = (effort: 'low' | 'none', model: string): unknown =>
      renderResponsesRequest(request({ reasoning: { effort } }), { ...target, model }).include
    assert.deepEqual(thinking('low', 'my-deployment'), ['reasoning.encrypted_content'])
    assert.equal(thinking('none', 'my-deployment'), undefined)
    assert.equal(thinking('low', 'gpt-4.1'), undefined)
  })

  test('is told no bound that is too small for it, no default that it refuses, and no user that is too long', () => {
    const asked = renderResponsesRequest(
      request({ maxOutputTokens: 1, temperature: 1, topP: 1, user: 'u'.repeat(65) }),
      { ...target, model: 'gpt-5' },
    )
    assert.equal(asked.max_output_tokens, 16)
    assert.match(String(asked.safety_identifier), /^[0-9a-f]{64}$/)
    assert.ok(!('temperature' in asked) && !('top_p' in asked))
  })

  test('has thoughts shown to callers whose dialects show what was asked for', () => {
    const shown = (reasoning: ChatRequest['reasoning']): unknown =>
      renderResponsesRequest(request(reasoning ? { reasoning } : {}), { ...target, model: 'gpt-5.2' })
        .reasoning
    assert.deepEqual(shown({ budgetTokens: 4000 }), { effort: 'medium', summary: 'auto' })
    assert.deepEqual(shown({ adaptive: true, effort: 'low' }), { effort: 'low', summary: 'auto' })
    assert.deepEqual(shown({ budgetTokens: 4000, show: 'none' }), { effort: 'medium' })
    assert.deepEqual(shown({ effort: 'low' }), { effort: 'low' })
  })

  test('never names a thought that was not kept', () => {
    const signature = { dialect: 'openai-responses', kind: 'reference', value: 'rs_1' } as const
    const { input } = renderResponsesRequest(
      request({
        messages: [
          {
            role: 'assistant',
            parts: [
              { type: 'reasoning', text: 'Hm', signature },
              { type: 'text', text: 'Yes' },
            ],
          },
        ],
      }),
      target,
    )
    assert.deepEqual(input, [{ type: 'message', role: 'assistant', content: 'Yes' }])
  })

  test('says of every function whether it is strict', () => {
    const schema = { type: 'object', properties: {} }
    const { tools } = renderResponsesRequest(
      request({
        tools: [
          { type: 'function', name: 'f', schema },
          { type: 'function', name: 'g', schema, strict: true },
        ],
      }),
      target,
    )
    assert.deepEqual(tools, [
      { type: 'function', name: 'f', parameters: schema, strict: false },
      { type: 'function', name: 'g', parameters: schema, strict: true },
    ])
  })

  test('has results of tools first, and ids that are not too long', () => {
    const id = 'x'.repeat(65)
    const { input } = renderResponsesRequest(
      request({
        messages: [
          { role: 'assistant', parts: [{ type: 'tool-call', id, name: 'f', arguments: '{}' }] },
          {
            role: 'user',
            parts: [
              { type: 'text', text: 'See' },
              {
                type: 'tool-result',
                callId: id,
                parts: [{ type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'AAAA' } }],
              },
            ],
          },
        ],
      }),
      target,
    )
    const [call, result, message] = input as Json[]
    assert.equal(call?.call_id, result?.call_id)
    assert.ok(String(call?.call_id).length <= 64)
    assert.deepEqual(result?.output, [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA' }])
    assert.deepEqual(message, { type: 'message', role: 'user', content: 'See' })
  })

  test('has efforts that the model knows', () => {
    const effort = (model: string, reasoning: ChatRequest['reasoning'] & object): unknown =>
      (renderResponsesRequest(request({ reasoning }), { ...target, model }).reasoning as Json | undefined)
        ?.effort
    assert.equal(effort('gpt-5', { effort: 'minimal' }), 'minimal')
    assert.equal(effort('gpt-5.2', { effort: 'minimal' }), 'low')
    assert.equal(effort('o3', { effort: 'max' }), 'high')
    assert.equal(effort('gpt-5.2', { effort: 'max' }), 'xhigh')
    assert.equal(effort('gpt-5.2', { budgetTokens: 9_000 }), 'medium')
    assert.equal(effort('my-own', { effort: 'minimal' }), 'minimal')
  })

  const text = fc.record({ type: fc.constant('text' as const), text: fc.string({ minLength: 1 }) })
  const image = fc.record({
    type: fc.constant('image' as const),
    source: fc.record({ kind: fc.constant('url' as const), url: fc.webUrl() }),
    detail: fc.constantFrom('auto' as const, 'low' as const),
  })
  const file = fc.constant({
    type: 'file' as const,
    source: { kind: 'data' as const, mediaType: 'application/pdf', base64: 'AAAA' },
    filename: 'a.pdf',
  })
  const said = fc.record({
    role: fc.constant('user' as const),
    parts: fc.array(fc.oneof(text, image, file), { minLength: 1, maxLength: 3 }),
  })
  const thought = fc.record({
    type: fc.constant('reasoning' as const),
    text: fc.string(),
    signature: fc.record({
      dialect: fc.constant('openai-responses' as const),
      kind: fc.constant('sealed' as const),
      value: fc.base64String({ minLength: 4 }),
    }),
  })
  const exchange = fc.record({
    id: fc.uuid(),
    custom: fc.boolean(),
    answer: fc.array(fc.oneof(text, image), { minLength: 1, maxLength: 2 }),
  })
  const turn = fc
    .record({
      before: fc.array(fc.oneof(text, thought), { maxLength: 2 }),
      calls: fc.array(exchange, { minLength: 1, maxLength: 3 }),
    })
    .map(({ before, calls }): Message[] => [
      {
        role: 'assistant',
        parts: [
          ...before,
          ...calls.map(({ id, custom }) => ({
            type: 'tool-call' as const,
            id,
            name: 'f',
            arguments: '{}',
            ...(custom && { custom }),
          })),
        ],
      },
      {
        role: 'user',
        parts: calls.map(({ id, custom, answer }) => ({
          type: 'tool-result' as const,
          callId: id,
          name: 'f',
          parts: answer,
          ...(custom && { custom }),
        })),
      },
    ])
  const messages = fc
    .tuple(
      fc.option(text),
      fc.array(
        fc.oneof(
          said.map((message): Message[] => [message]),
          turn,
        ),
        { minLength: 1, maxLength: 4 },
      ),
    )
    .map(([system, rest]): Message[] => [
      ...(system ? [{ role: 'system' as const, parts: [system] }] : []),
      ...rest.flat(),
    ])
  const settings = fc.record(
    {
      maxOutputTokens: fc.integer({ min: 16, max: 9_999 }),
      temperature: fc.constantFrom(0, 0.5, 2),
      topP: fc.constantFrom(0.1, 0.9),
      verbosity: fc.constantFrom('low' as const, 'high' as const),
      parallelToolCalls: fc.boolean(),
      serviceTier: fc.constant('flex'),
      user: fc.string({ minLength: 1 }),
      metadata: fc.constant({ a: 'b' }),
      promptCacheKey: fc.string(),
      logprobs: fc.record({ top: fc.integer({ min: 0, max: 20 }) }),
      toolChoice: fc.constantFrom<NonNullable<ChatRequest['toolChoice']>>(
        { type: 'required' },
        { type: 'tool', name: 'f' },
        { type: 'tool', name: 'web_search' },
        { type: 'allowed', mode: 'auto', names: ['f', 'g'] },
      ),
      format: fc.constantFrom<NonNullable<ChatRequest['format']>>(
        { type: 'json' },
        { type: 'json-schema', name: 'x', schema: { type: 'object' }, strict: true },
      ),
      reasoning: fc.constantFrom<NonNullable<ChatRequest['reasoning']>>(
        { effort: 'low' },
        { effort: 'high', show: 'auto' },
      ),
    },
    { requiredKeys: [] },
  )
  const tools: ChatRequest['tools'] = [
    { type: 'function', name: 'f', schema: { type: 'object', properties: {} }, strict: false },
    {
      type: 'custom',
      name: 'g',
      description: 'G',
      format: { type: 'grammar', syntax: 'lark', definition: 'x' },
    },
    { type: 'hosted', dialect: 'openai-responses', name: 'web_search', value: { type: 'web_search' } },
  ]

  test('reads back as what was asked', () => {
    fc.assert(
      fc.property(messages, settings, (messages, more) => {
        const asked: ChatRequest = { messages, tools, extras: [], ...more }
        const rendered = renderResponsesRequest(asked, { ...target, model: 'o3' })
        assert.deepEqual(plain(chatOf(rendered)), plain(asked))
      }),
      { numRuns: 300 },
    )
  })
})

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
