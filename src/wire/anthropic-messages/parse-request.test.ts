import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { accept, type Refusal } from '#exchange'
import { ask, type Json, parse, toChat } from './asking.fixture.ts'

suite('a request that is relayed', () => {
  test('keeps every byte but the model', () => {
    const body = `{ "max_tokens": 10, "model" : "smart", "seed": 12345678901234567890, "messages":[{"role":"user","content":"Hi"}]}`
    const asked = accept(parse(body))
    assert.equal(
      asked.renderFor('claude-opus-5', new Set()).toString(),
      body.replace('"smart"', '"claude-opus-5"'),
    )
    assert.deepEqual([asked.model, asked.stream, asked.wantsUsage], ['smart', false, true])
  })

  test('tells us the user and the feature, and Anthropic only what it takes', () => {
    const asked = accept(parse({ ...ask, stream: true, metadata: { user_id: 'u1', feature: 'search' } }))
    assert.deepEqual([asked.user, asked.feature, asked.stream], ['u1', 'search', true])
    const sent = JSON.parse(asked.renderFor('m', new Set()).toString()) as Json
    assert.deepEqual(sent.metadata, { user_id: 'u1' })
  })

  test('leaves out thinking that another provider sealed or nobody signed', () => {
    const ours = { type: 'thinking', thinking: 'a', signature: 'Eq' }
    const foreign = [
      { type: 'thinking', thinking: 'b', signature: 'sluice1:gemini:seal:xyz' },
      { type: 'redacted_thinking', data: 'sluice1:openai-responses:sealed:xyz' },
    ]
    const unsigned = { type: 'thinking', thinking: 'c', signature: '' }
    const text = { type: 'text', text: 'd' }
    const turn = (content: unknown[]) => ({
      ...ask,
      messages: [...ask.messages, { role: 'assistant', content }, ...ask.messages],
    })
    const sent = (json: unknown, model: string) =>
      (JSON.parse(accept(parse(json)).renderFor(model, new Set()).toString()) as ReturnType<typeof turn>)
        .messages
    const mixed = turn([ours, ...foreign, unsigned, text])
    assert.deepEqual(sent(mixed, 'claude-opus-5'), turn([ours, text]).messages)
    assert.deepEqual(sent(mixed, 'kimi-k3'), turn([ours, unsigned, text]).messages)
    assert.deepEqual(sent(turn([unsigned]), 'claude-opus-5'), [...ask.messages, ...ask.messages])
    assert.deepEqual(sent(turn([unsigned]), 'kimi-k3'), turn([unsigned]).messages)
  })

  const wrong: Record<string, [unknown, string | undefined]> = {
    'no JSON': ['{', undefined],
    'no model': [{ ...ask, model: '' }, 'model'],
    'no bound': [{ ...ask, max_tokens: undefined }, 'max_tokens'],
    'no messages': [{ ...ask, messages: [] }, 'messages'],
    'messages of another type': [{ ...ask, messages: 'Hi' }, 'messages'],
    'a message without a role': [{ ...ask, messages: [{}] }, 'messages[0].role'],
    'a stream that is a word': [{ ...ask, stream: 'yes' }, 'stream'],
  }
  for (const [name, [json, param]] of Object.entries(wrong)) {
    test(`with ${name} is refused by name`, () => {
      const refused = parse(json) as Refusal
      assert.equal(refused.ok, false)
      assert.equal(refused.detail?.param, param)
    })
  }
})

suite('a request that is translated', () => {
  test('says all that has a word of ours', () => {
    const read = toChat({
      ...ask,
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral', ttl: '1h' } }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
            { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
            { type: 'image', source: { type: 'file', file_id: 'file_1' } },
            {
              type: 'document',
              source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' },
              title: 'T',
              context: 'C',
              citations: { enabled: true },
            },
            { type: 'document', source: { type: 'content', content: 'plain' } },
            { type: 'search_result', source: 's', title: 't', content: [] },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: '', signature: 'Eq' },
            { type: 'tool_use', id: 'c1', name: 'f', input: { a: 1 } },
          ],
        },
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: 'c1', is_error: true, content: 'no' }],
        },
        { role: 'system', content: 'From now on in French.' },
      ],
      tools: [
        { name: 'f', input_schema: { type: 'object' }, strict: true, defer_loading: true },
        { type: 'web_search_20250305', name: 'web_search', max_uses: 2 },
      ],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      output_config: { effort: 'high', format: { type: 'json_schema', schema: { type: 'object' } } },
      thinking: { type: 'enabled', budget_tokens: 2048, display: 'omitted' },
      stop_sequences: ['END'],
      service_tier: 'standard_only',
      metadata: { user_id: 'u' },
      cache_control: { type: 'ephemeral' },
      inference_geo: 'eu',
      speed: 'fast',
      container: null,
    })
    const anthropic = 'anthropic-messages'
    assert.deepEqual(accept(read), {
      messages: [
        { role: 'system', parts: [{ type: 'text', text: 'Be brief.', cache: { ttl: '1h' } }] },
        {
          role: 'user',
          parts: [
            { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'AAAA' } },
            { type: 'image', source: { kind: 'url', url: 'https://example.com/a.png' } },
            { type: 'image', source: { kind: 'id', id: 'file_1', dialect: anthropic } },
            {
              type: 'file',
              source: { kind: 'data', mediaType: 'application/pdf', base64: 'AAAA' },
              filename: 'T',
              context: 'C',
              cite: true,
            },
            { type: 'file', source: { kind: 'text', text: 'plain' } },
            {
              type: 'opaque',
              dialect: anthropic,
              value: { type: 'search_result', source: 's', title: 't', content: [] },
            },
          ],
        },
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', text: '', signature: { dialect: anthropic, kind: 'seal', value: 'Eq' } },
            { type: 'tool-call', id: 'c1', name: 'f', arguments: '{"a":1}' },
          ],
        },
        {
          role: 'user',
          parts: [
            { type: 'tool-result', callId: 'c1', isError: true, parts: [{ type: 'text', text: 'no' }] },
          ],
        },
        { role: 'system', parts: [{ type: 'text', text: 'From now on in French.' }] },
      ],
      tools: [
        { type: 'function', name: 'f', schema: { type: 'object' }, strict: true },
        {
          type: 'hosted',
          dialect: anthropic,
          name: 'web_search',
          value: { type: 'web_search_20250305', name: 'web_search', max_uses: 2 },
        },
      ],
      toolChoice: { type: 'required' },
      parallelToolCalls: false,
      format: { type: 'json-schema', schema: { type: 'object' } },
      reasoning: { effort: 'high', budgetTokens: 2048, show: 'none' },
      maxOutputTokens: 1024,
      stop: ['END'],
      serviceTier: 'default',
      user: 'u',
      cache: {},
      extras: [
        { field: 'inference_geo', value: 'eu', weight: 'meaning' },
        { field: 'speed', value: 'fast', weight: 'hint' },
        { field: 'tools[0].defer_loading', value: true, weight: 'hint' },
      ],
    })
  })

  test('names as an extra what it has no word for', () => {
    const extras = (json: Json) => accept(toChat({ ...ask, ...json })).extras
    assert.deepEqual(extras({ warp: 9 }), [{ field: 'warp', value: 9, weight: 'meaning' }])
    assert.deepEqual(extras({ max_tokens: 0 }), [{ field: 'max_tokens', value: 0, weight: 'meaning' }])
    assert.deepEqual(extras({ output_config: { task_budget: { total: 9 } } }), [
      { field: 'output_config.task_budget', value: { total: 9 }, weight: 'hint' },
    ])
    assert.deepEqual(extras({ thinking: { type: 'disabled' }, output_config: { effort: 'low' } }), [
      { field: 'output_config.effort', value: 'low', weight: 'hint' },
    ])
  })

  test('gives another maker’s seal back to the text or the call that it came with', () => {
    const content = [
      { type: 'text', text: 'a' },
      { type: 'redacted_thinking', data: 'sluice1:gemini:seal:x' },
      { type: 'tool_use', id: 'c', name: 'f', input: {} },
      { type: 'redacted_thinking', data: 'sluice1:gemini:seal:y' },
      { type: 'redacted_thinking', data: 'sluice1:openai-responses:sealed:z' },
    ]
    const { messages } = accept(toChat({ ...ask, messages: [{ role: 'assistant', content }] }))
    const seal = (value: string) => ({ dialect: 'gemini', kind: 'seal', value })
    assert.deepEqual(messages[0]?.parts, [
      { type: 'text', text: 'a', signature: seal('x') },
      { type: 'tool-call', id: 'c', name: 'f', arguments: '{}', signature: seal('y') },
      {
        type: 'reasoning',
        text: '',
        signature: { dialect: 'openai-responses', kind: 'sealed', value: 'z' },
      },
    ])
  })

  const blocks = (...content: unknown[]) => ({ ...ask, messages: [{ role: 'user', content }] })
  const wrong: Record<string, [unknown, string]> = {
    'a block of no known type': [blocks({ type: 'smell' }), 'messages[0].content[0].type'],
    'a result without its call': [
      blocks({ type: 'tool_result', tool_use_id: 'c9' }),
      'messages[0].content[0].tool_use_id',
    ],
    'base64 that is none': [
      blocks({ type: 'image', source: { type: 'base64', media_type: 'image/png', data: '**' } }),
      'messages[0].content[0].source.data',
    ],
    'a source of no kind': [
      blocks({ type: 'image', source: { type: 'ftp' } }),
      'messages[0].content[0].source.type',
    ],
    'an address that is none': [
      blocks({ type: 'image', source: { type: 'url', url: 'file:///etc/passwd' } }),
      'messages[0].content[0].source.url',
    ],
    'a text that is a number': [blocks({ type: 'text', text: 7 }), 'messages[0].content[0].text'],
    'content that is a number': [{ ...ask, messages: [{ role: 'user', content: 7 }] }, 'messages[0].content'],
    'an unknown role': [{ ...ask, messages: [{ role: 'oracle', content: '' }] }, 'messages[0].role'],
    'a temperature above 1': [{ ...ask, temperature: 1.5 }, 'temperature'],
    'a tool without a schema': [{ ...ask, tools: [{ name: 'f' }] }, 'tools[0].input_schema'],
    'a choice of no kind': [{ ...ask, tool_choice: { type: 'some' } }, 'tool_choice.type'],
    'a budget that is too small': [
      { ...ask, thinking: { type: 'enabled', budget_tokens: 5 } },
      'thinking.budget_tokens',
    ],
    'a system of numbers': [{ ...ask, system: [7] }, 'system[0]'],
    'a lifetime of a cache that is none': [
      { ...ask, cache_control: { type: 'ephemeral', ttl: '2h' } },
      'cache_control.ttl',
    ],
  }
  for (const [name, [json, param]] of Object.entries(wrong)) {
    test(`with ${name} is refused by name`, () => {
      const refused = toChat(json) as Refusal
      assert.equal(refused.ok, false)
      assert.equal(refused.code, 'invalid_request')
      assert.equal(refused.detail?.param, param)
    })
  }
})
