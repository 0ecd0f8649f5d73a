import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { accept, type ChatRequest, type Decision, type Message, type Part } from '#exchange'
import { fitRequest } from '../policy.ts'
import { documentName } from './formats.ts'
import { bedrockConverse } from './index.ts'
import type { Json } from './recorded.ts'

const sonnet = 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0'
const nova = 'us.amazon.nova-pro-v1:0'

const user = (...parts: (string | Part)[]): Message => ({
  role: 'user',
  parts: parts.map(part => (typeof part === 'string' ? { type: 'text', text: part } : part)) as never,
})
const said = (...parts: Part[]): Message => ({ role: 'assistant', parts: parts as never })
const call = (id: string, input = '{}'): Part => ({ type: 'tool-call', id, name: 'f', arguments: input })
const result = (callId: string, text: string, isError?: boolean): Part => ({
  type: 'tool-result',
  callId,
  parts: text === '' ? [] : [{ type: 'text', text }],
  ...(isError !== undefined && { isError }),
})
const tool = { type: 'function' as const, name: 'f', description: 'F', schema: { type: 'object' } }

function ask(fields: Partial<ChatRequest>): ChatRequest {
  return { messages: [user('Hi')], tools: [], extras: [], ...fields }
}

function fit(
  fields: Partial<ChatRequest>,
  model: string,
): Decision<{ request: ChatRequest; dropped: string[] }> {
  const target = { model, target: `bedrock/${model}`, quirks: new Set<string>(), unsupported: undefined }
  return fitRequest(ask(fields), { ...target, fields: [], takes: bedrockConverse.takes })
}

/** As a call would have it: what cannot be taken is refused or taken out first. */
function render(fields: Partial<ChatRequest>, model = sonnet): Json {
  const { request } = accept(fit(fields, model))
  return bedrockConverse.renderRequest(request, { model, stream: false, quirks: new Set() })
}

suite('a request for Converse', () => {
  test('goes to its model by a path that an ARN can stand in', () => {
    const model = 'arn:aws:bedrock:us-east-1:1:application-inference-profile/a1'
    assert.equal(
      bedrockConverse.path({ model, stream: true }),
      '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fa1/converse-stream',
    )
  })

  test('is that of the API reference', () => {
    const body = render({
      messages: [{ role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] }, user('Hi')],
      maxOutputTokens: 512,
      temperature: 0.5,
      stop: ['END'],
    })
    assert.deepEqual(body, {
      messages: [{ role: 'user', content: [{ text: 'Hi' }] }],
      system: [{ text: 'Be brief.' }],
      inferenceConfig: { maxTokens: 512, temperature: 0.5, stopSequences: ['END'] },
      additionalModelResponseFieldPaths: ['/stop_sequence', '/delta/stop_sequence'],
    })
  })

  test('says no bound for a model whose bound is not known, and a Claude’s own where the caller says none', () => {
    assert.deepEqual(render({}, nova), { messages: [{ role: 'user', content: [{ text: 'Hi' }] }] })
    assert.deepEqual(render({}).inferenceConfig, { maxTokens: 64_000 })
  })

  test('has the results of all calls first in one turn, in the order of the calls', () => {
    const body = render({
      messages: [
        user('Go'),
        said({ type: 'text', text: 'Calling' }, call('a', '{"n":1}'), call('b')),
        user(result('b', 'B', false)),
        user('And?', result('a', '', true)),
      ],
      tools: [tool],
    })
    assert.deepEqual(body.messages, [
      { role: 'user', content: [{ text: 'Go' }] },
      {
        role: 'assistant',
        content: [
          { text: 'Calling' },
          { toolUse: { toolUseId: 'a', name: 'f', input: { n: 1 } } },
          { toolUse: { toolUseId: 'b', name: 'f', input: {} } },
        ],
      },
      {
        role: 'user',
        content: [
          { toolResult: { toolUseId: 'a', content: [{ text: '(empty)' }], status: 'error' } },
          { toolResult: { toolUseId: 'b', content: [{ text: 'B' }], status: 'success' } },
          { text: 'And?' },
        ],
      },
    ])
    const spec = { name: 'f', description: 'F', inputSchema: { json: { type: 'object', properties: {} } } }
    assert.deepEqual(body.toolConfig, { tools: [{ toolSpec: spec }] })
  })

  test('alternates, answers every call once, and has no blank text, whatever was said', () => {
    const id = fc.constantFrom('a', 'b', 'c', 'x'.repeat(80), 'with space')
    const text = fc.constantFrom('', ' ', 'hello')
    const message: fc.Arbitrary<Message> = fc.oneof(
      fc
        .array(
          fc.oneof(
            text.map(text => ({ type: 'text', text }) as Part),
            id.map(id => result(id, 'r')),
          ),
          { minLength: 1 },
        )
        .map(parts => user(...parts)),
      fc
        .array(
          fc.oneof(
            text.map(text => ({ type: 'text', text }) as Part),
            id.map(id => call(id)),
          ),
          { minLength: 1 },
        )
        .map(parts => said(...parts)),
    )
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 8 }), messages => {
        const all = [...messages, user('Go on')]
        const turns = render({ messages: all, tools: [tool] }).messages as { role: string; content: Json[] }[]
        for (const [at, { role, content }] of turns.entries()) {
          assert.notEqual(role, turns[at + 1]?.role)
          assert.ok(content.every(block => !('text' in block) || String(block.text).trim() !== ''))
          const calls = content.flatMap(({ toolUse }) => (toolUse ? [(toolUse as Json).toolUseId] : []))
          const results = turns[at + 1]?.content.flatMap(({ toolResult }) =>
            toolResult ? [(toolResult as Json).toolUseId] : [],
          )
          if (calls.length > 0) assert.deepEqual(results, calls)
          for (const id of calls) assert.match(String(id), /^[\w-]{1,64}$/)
        }
      }),
    )
  })

  test('has images and documents as bytes, with names that are taken and a text beside them', () => {
    const base64 = Buffer.from('%PDF').toString('base64')
    const [turn] = render({
      messages: [
        user(
          { type: 'image', source: { kind: 'data', mediaType: 'image/jpeg', base64: '/9j/' } },
          {
            type: 'file',
            source: { kind: 'data', mediaType: 'application/pdf', base64 },
            filename: 'My_Report (v2).final.pdf',
          },
          { type: 'file', source: { kind: 'text', text: 'grass' }, cite: true },
          { type: 'file', source: { kind: 'text', text: 'grass' } },
        ),
      ],
    }).messages as Json[]
    assert.deepEqual(turn?.content, [
      { image: { format: 'jpeg', source: { bytes: '/9j/' } } },
      { document: { format: 'pdf', name: 'My Report (v2) final', source: { bytes: base64 } } },
      {
        document: {
          format: 'txt',
          name: 'Document 3',
          source: { text: 'grass' },
          citations: { enabled: true },
        },
      },
      { document: { format: 'txt', name: 'Document 4', source: { bytes: 'Z3Jhc3M=' } } },
      { text: '(see the document)' },
    ])
  })

  test('gives a document a name that is taken, whatever it was called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), name => {
        assert.match(documentName(name, 1), /^(?=.{1,200}$)[a-zA-Z0-9\-()[\]]+( [a-zA-Z0-9\-()[\]]+)*$/)
      }),
    )
  })

  test('keeps the marks of what to cache, each behind what it marks', () => {
    const body = render({
      messages: [
        { role: 'system', parts: [{ type: 'text', text: 'S', cache: { ttl: '1h' } }] },
        user('a', { type: 'text', text: 'b', cache: {} }),
      ],
      tools: [{ ...tool, cache: {} }],
      cache: { ttl: '5m' },
    })
    assert.deepEqual(body.system, [{ text: 'S' }, { cachePoint: { type: 'default', ttl: '1h' } }])
    assert.deepEqual(body.messages, [
      {
        role: 'user',
        content: [
          { text: 'a' },
          { text: 'b' },
          { cachePoint: { type: 'default' } },
          { cachePoint: { type: 'default', ttl: '5m' } },
        ],
      },
    ])
    assert.deepEqual((body.toolConfig as { tools: Json[] }).tools.at(-1), { cachePoint: { type: 'default' } })
    const llama = accept(fit({ cache: {} }, 'meta.llama3-1-70b-instruct-v1:0'))
    assert.deepEqual(llama.dropped, ['automatic_cache'])
  })
})

suite('thinking', () => {
  const sealed = (dialect: 'bedrock-converse' | 'anthropic-messages' | 'gemini'): Part => ({
    type: 'reasoning',
    text: 'Hm',
    signature: { dialect, kind: 'seal', value: 'EqoB' },
  })
  const thought = { reasoningContent: { reasoningText: { text: 'Hm', signature: 'EqoB' } } }

  test('of a Claude is given back as it was sealed, at Bedrock or at Anthropic; nothing else is', () => {
    const back = (part: Part, model?: string): unknown =>
      (
        render({ messages: [user('a'), said(part, { type: 'text', text: 'b' }), user('c')] }, model)
          .messages as Json[]
      )[1]?.content
    assert.deepEqual(back(sealed('bedrock-converse')), [thought, { text: 'b' }])
    assert.deepEqual(back(sealed('anthropic-messages')), [thought, { text: 'b' }])
    assert.deepEqual(back(sealed('gemini')), [{ text: 'b' }])
    assert.deepEqual(back({ type: 'reasoning', text: 'Hm' }), [{ text: 'b' }])
    assert.deepEqual(back(sealed('bedrock-converse'), nova), [{ text: 'b' }])
    const redacted = { dialect: 'bedrock-converse' as const, kind: 'sealed' as const, value: 'c2VhbGVk' }
    assert.deepEqual(back({ type: 'reasoning', text: '', signature: redacted }), [
      { reasoningContent: { redactedContent: 'c2VhbGVk' } },
      { text: 'b' },
    ])
  })

  test('goes on between tool calls whose thinking Bedrock sealed', () => {
    const body = render({
      messages: [user('a'), said(sealed('bedrock-converse'), call('x')), user(result('x', 'r'))],
      tools: [tool],
      reasoning: { budgetTokens: 2000 },
    })
    assert.deepEqual(body.additionalModelRequestFields, {
      thinking: { type: 'enabled', budget_tokens: 2000 },
    })
  })

  const ways: [model: string, reasoning: ChatRequest['reasoning'], fields: Json | undefined][] = [
    [sonnet, { effort: 'low' }, { thinking: { type: 'enabled', budget_tokens: 4096 } }],
    [
      'anthropic.claude-opus-4-7',
      { effort: 'xhigh' },
      { thinking: { type: 'adaptive' }, output_config: { effort: 'xhigh' } },
    ],
    ['openai.gpt-oss-120b-1:0', { effort: 'xhigh' }, { reasoning_effort: 'high' }],
    [
      'amazon.nova-2-lite-v1:0',
      { effort: 'low' },
      { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'low' } },
    ],
    ['amazon.nova-2-lite-v1:0', { effort: 'none' }, { reasoningConfig: { type: 'disabled' } }],
    [nova, { effort: 'low' }, undefined],
  ]
  for (const [model, reasoning, fields] of ways) {
    test(`is asked of each model in its own way: ${model}, ${JSON.stringify(reasoning)}`, () => {
      assert.deepEqual(
        render({ ...(reasoning && { reasoning }) }, model).additionalModelRequestFields,
        fields,
      )
    })
  }
})

suite('what else a caller can ask', () => {
  const schema = { type: 'object', properties: { n: { type: 'integer', minimum: 1 } }, required: ['n'] }
  const format = { type: 'json-schema' as const, name: 'number', schema, strict: true }

  test('a JSON schema goes as text, closed as the decoder wants it', () => {
    const { outputConfig } = render({ format }) as { outputConfig: { textFormat: Json } }
    const { structure, type } = outputConfig.textFormat as { structure: { jsonSchema: Json }; type: string }
    assert.equal(type, 'json_schema')
    assert.equal(structure.jsonSchema.name, 'number')
    assert.deepEqual(JSON.parse(String(structure.jsonSchema.schema)), {
      type: 'object',
      properties: { n: { type: 'integer', description: '{minimum: 1}' } },
      required: ['n'],
      additionalProperties: false,
    })
  })

  const choices: [choice: ChatRequest['toolChoice'], config: unknown][] = [
    [{ type: 'required' }, { any: {} }],
    [{ type: 'tool', name: 'f' }, { tool: { name: 'f' } }],
    [{ type: 'auto' }, undefined],
    [{ type: 'allowed', mode: 'required', names: ['f'] }, { any: {} }],
  ]
  for (const [toolChoice, expected] of choices) {
    test(`tools are chosen among: ${JSON.stringify(toolChoice)}`, () => {
      const other = { ...tool, name: 'g' }
      const body = render({ tools: [tool, other], ...(toolChoice && { toolChoice }) })
      const config = body.toolConfig as { tools: Json[]; toolChoice?: Json }
      assert.deepEqual(config.toolChoice, expected)
      assert.equal(config.tools.length, toolChoice?.type === 'allowed' ? 1 : 2)
    })
  }

  test('no tool may be called: none is told; once one was called, that is refused', () => {
    assert.equal(render({ tools: [tool], toolChoice: { type: 'none' } }).toolConfig, undefined)
    const messages = [user('a'), said(call('x')), user(result('x', 'r'))]
    assert.equal(fit({ messages, tools: [tool], toolChoice: { type: 'none' } }, sonnet).ok, false)
    const named = render({ messages }).toolConfig as { tools: { toolSpec: Json }[] }
    assert.deepEqual(
      named.tools.map(({ toolSpec }) => toolSpec.name),
      ['f'],
    )
  })

  test('metadata goes into the log, the tier where it was wished, top_k to Claude', () => {
    const body = render({ metadata: { team: 'shop' }, serviceTier: 'flex', topK: 5 })
    assert.deepEqual(body.requestMetadata, { team: 'shop' })
    assert.deepEqual(body.serviceTier, { type: 'flex' })
    assert.deepEqual(body.additionalModelRequestFields, { top_k: 5 })
    assert.equal(render({ serviceTier: 'auto' }).serviceTier, undefined)
    assert.deepEqual(accept(fit({ metadata: { team: 'a;b' } }, sonnet)).dropped, ['metadata'])
    assert.equal(fit({ topK: 5 }, nova).ok, false)
  })

  test('what Converse cannot take is refused, not lost', () => {
    const refused: Partial<ChatRequest>[] = [
      { choices: 2 },
      { logprobs: { top: 1 } },
      { format: { type: 'json' } },
      { frequencyPenalty: 1 },
      {
        messages: [user({ type: 'audio', source: { kind: 'data', mediaType: 'audio/wav', base64: 'AAAA' } })],
      },
      {
        messages: [
          user({ type: 'image', source: { kind: 'data', mediaType: 'image/tiff', base64: 'AAAA' } }),
        ],
      },
      { messages: [user({ type: 'opaque', dialect: 'gemini', value: {} })] },
    ]
    for (const fields of refused) assert.equal(fit(fields, sonnet).ok, false, JSON.stringify(fields))
  })

  test('what Bedrock itself said is given back as it was', () => {
    const value = { toolUse: { toolUseId: 's', name: 'search', type: 'server_tool_use', input: {} } }
    const opaque: Part = { type: 'opaque', dialect: 'bedrock-converse', value }
    const [, turn] = render({ messages: [user('a'), said(opaque), user('b')] }).messages as Json[]
    assert.deepEqual(turn?.content, [value])
  })
})
