import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { ChatRequest, Message } from '#exchange'
import { renderGeminiRequest } from './render-request.ts'
import { readGenerateContent } from './to-chat.ts'

const hello = { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] }
const plain: ChatRequest = {
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
  tools: [],
  extras: [],
}
const render = (request: Partial<ChatRequest>, model = 'gemini-3-flash-preview') =>
  renderGeminiRequest({ ...plain, ...request }, { model })

suite('what a caller says', () => {
  test('may be spelled with underscores, but for what is the model’s or the tool’s own', () => {
    const snake = {
      system_instruction: { parts: [{ text: 'Be short.' }] },
      contents: [
        { role: 'user', parts: [{ inline_data: { mime_type: 'image/png', data: 'AQ' } }] },
        {
          role: 'model',
          parts: [{ function_call: { name: 'f', args: { my_arg: 1 } }, thought_signature: 'AQID' }],
        },
        { role: 'user', parts: [{ function_response: { name: 'f', response: { my_out: 2 } } }] },
      ],
      generation_config: {
        max_output_tokens: 5,
        response_mime_type: 'application/json',
        thinking_config: { thinking_budget: 7 },
      },
      tool_config: { function_calling_config: { mode: 'ANY' } },
      tools: [
        {
          function_declarations: [
            { name: 'f', parameters: { type: 'OBJECT', properties: { my_arg: { type: 'INTEGER' } } } },
          ],
        },
      ],
    }
    assert.deepEqual(readGenerateContent(snake), {
      messages: [
        { role: 'system', parts: [{ type: 'text', text: 'Be short.' }] },
        {
          role: 'user',
          parts: [{ type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'AQ==' } }],
        },
        {
          role: 'assistant',
          parts: [
            {
              type: 'tool-call',
              id: 'call_1_0',
              name: 'f',
              arguments: '{"my_arg":1}',
              signature: { dialect: 'gemini', kind: 'seal', value: 'AQID' },
            },
          ],
        },
        {
          role: 'user',
          parts: [
            {
              type: 'tool-result',
              callId: 'call_1_0',
              name: 'f',
              parts: [{ type: 'text', text: '{"my_out":2}' }],
            },
          ],
        },
      ],
      tools: [
        {
          type: 'function',
          name: 'f',
          schema: { type: 'object', properties: { my_arg: { type: 'integer' } } },
        },
      ],
      extras: [],
      toolChoice: { type: 'required' },
      format: { type: 'json' },
      reasoning: { budgetTokens: 7 },
      maxOutputTokens: 5,
    })
  })

  test('answers parallel calls without ids by name, in order', () => {
    const call = (city: string) => ({ functionCall: { name: 'weather', args: { city } } })
    const result = (degrees: number) => ({ functionResponse: { name: 'weather', response: { degrees } } })
    const { messages } = readGenerateContent({
      contents: [
        { role: 'model', parts: [call('Kiel'), call('Ulm')] },
        { role: 'function', parts: [result(3), result(7)] },
      ],
    })
    const ids = messages.map(({ parts }) =>
      parts.map(part => ('callId' in part ? part.callId : 'id' in part && part.id)),
    )
    assert.deepEqual(ids, [
      ['call_0_0', 'call_0_1'],
      ['call_0_0', 'call_0_1'],
    ])
  })

  test('about an earlier answer may be in the pieces it was streamed in', () => {
    const piece = (...parts: unknown[]) => ({ role: 'model', parts })
    const { messages } = readGenerateContent({
      contents: [
        piece({ text: 'Hm', thought: true }),
        piece({ text: '.', thought: true }, { text: 'Grü' }),
        piece({ text: 'ße' }),
        piece({ text: '', thoughtSignature: 'AQID' }),
        piece({ text: 'B' }, { functionCall: { name: 'f' } }),
        piece({ text: '' }),
        { role: 'user', parts: [{ functionResponse: { name: 'f', response: {} } }] },
      ],
    })
    assert.deepEqual(messages[0]?.parts, [
      { type: 'reasoning', text: 'Hm.' },
      { type: 'text', text: 'Grüße', signature: { dialect: 'gemini', kind: 'seal', value: 'AQID' } },
      { type: 'text', text: 'B' },
      { type: 'tool-call', id: 'call_4_1', name: 'f', arguments: '{}' },
    ])
    assert.equal(messages.length, 2)
  })

  test('in schemas of OpenAPI is said in JSON Schema', () => {
    const parameters = {
      type: 'OBJECT',
      properties: {
        tags: { type: 'ARRAY', items: { type: 'STRING', maxLength: '8' }, min_items: '1' },
        when: { type: 'STRING', format: 'date-time', nullable: true },
        kind: { type: 'STRING', enum: ['a', 'b'], nullable: true },
        either: { anyOf: [{ type: 'NUMBER' }, { type: 'STRING' }], nullable: true },
      },
      required: ['tags'],
      propertyOrdering: ['tags', 'when'],
    }
    const { tools } = readGenerateContent({
      ...hello,
      tools: [{ functionDeclarations: [{ name: 'f', parameters }] }],
    })
    assert.deepEqual(tools[0]?.type === 'function' && tools[0].schema, {
      type: 'object',
      properties: {
        tags: { type: 'array', minItems: 1, items: { type: 'string', maxLength: 8 } },
        when: { type: ['string', 'null'], format: 'date-time' },
        kind: { type: ['string', 'null'], enum: ['a', 'b', null] },
        either: { anyOf: [{ type: 'number' }, { type: 'string' }, { type: 'null' }] },
      },
      required: ['tags'],
    })
  })

  test('and no other dialect knows is named with its weight', () => {
    const { extras } = readGenerateContent({
      ...hello,
      safetySettings: [{}],
      cachedContent: 'cachedContents/1',
      labels: { a: 'b' },
      unheardOf: 1,
      generationConfig: {
        mediaResolution: 'X',
        responseModalities: ['AUDIO'],
        topP: 1,
        new_thing: 1,
        responseMimeType: 'text/x.enum',
      },
      toolConfig: { retrievalConfig: { latLng: {} } },
    })
    assert.deepEqual(extras.map(({ field, weight }) => `${field}: ${weight}`).sort(), [
      'cachedContent: meaning',
      'generationConfig.mediaResolution: hint',
      'generationConfig.newThing: meaning',
      'generationConfig.responseMimeType: meaning',
      'generationConfig.responseModalities: meaning',
      'labels: hint',
      'safetySettings: hint',
      'toolConfig.retrievalConfig: meaning',
      'unheardOf: meaning',
    ])
  })

  test('and everybody gives is no wish: an answer in words', () => {
    const { extras } = readGenerateContent({ ...hello, generationConfig: { responseModalities: ['TEXT'] } })
    assert.deepEqual(extras, [])
  })

  test('may be a single object where a list is meant, as Google takes it', () => {
    const [declared, text] = [{ name: 'f' }, { text: 'Hi' }]
    const lists = {
      systemInstruction: { parts: [{ text: 'Be short.' }] },
      contents: [{ role: 'user', parts: [text] }],
      tools: [{ functionDeclarations: [declared] }],
    }
    const single = {
      systemInstruction: { parts: { text: 'Be short.' } },
      contents: { role: 'user', parts: text },
      tools: { functionDeclarations: declared },
    }
    assert.deepEqual(readGenerateContent(single), readGenerateContent(lists))
    assert.throws(() => readGenerateContent({ ...hello, tools: 'f' }), /`tools` must be an array/)
  })

  test('about a stretch of a video is kept for Google, in a part of its own too', () => {
    const videoMetadata = { startOffset: '2s', endOffset: '10s' }
    const contents = [{ role: 'user', parts: [{ text: 'Hi' }, { videoMetadata }] }]
    assert.deepEqual(readGenerateContent({ contents }).messages[0]?.parts.at(-1), {
      type: 'opaque',
      dialect: 'gemini',
      value: { videoMetadata },
    })
  })

  test('of Google’s own tools is kept for Google', () => {
    const { tools } = readGenerateContent({ ...hello, tools: [{ googleSearch: {} }, { code_execution: {} }] })
    assert.deepEqual(
      tools.map(tool => [tool.type, tool.type !== 'function' && tool.name]),
      [
        ['hosted', 'googleSearch'],
        ['hosted', 'codeExecution'],
      ],
    )
  })

  test('about thinking is understood in each of its measures', () => {
    const said = (thinkingConfig: object) =>
      readGenerateContent({ ...hello, generationConfig: { thinkingConfig } }).reasoning
    assert.deepEqual(said({ thinkingBudget: 0 }), { effort: 'none' })
    assert.deepEqual(said({ thinkingBudget: -1, includeThoughts: true }), { adaptive: true, show: 'auto' })
    assert.deepEqual(said({ thinkingBudget: 512, includeThoughts: false }), {
      budgetTokens: 512,
      show: 'none',
    })
    assert.deepEqual(said({ thinkingLevel: 'low' }), { effort: 'low' })
    assert.equal(said({}), undefined)
  })
})

const text = fc.string({ unit: 'grapheme', minLength: 1 })
const words = fc.record({ type: fc.constant('text' as const), text })
const sealed = { signature: { dialect: 'gemini', kind: 'seal', value: 'AQID' } } as const
const picture = {
  type: 'image',
  source: { kind: 'data', mediaType: 'image/png', base64: 'AQID' },
} as const

/** Turns that take turns; a turn of the model's that calls is followed by the results. */
const conversation = fc
  .array(
    fc.record({
      ask: fc.array(words, { minLength: 1, maxLength: 3 }),
      say: fc.array(words, { minLength: 1, maxLength: 2 }),
      calls: fc.nat(3),
      out: text,
      failed: fc.boolean(),
      sees: fc.boolean(),
    }),
    { maxLength: 4 },
  )
  .map(turns =>
    turns.flatMap(({ ask, say, calls, out, failed, sees }, t): Message[] => {
      const ids = Array.from({ length: calls }, (_, i) => `call_${t}_${i}`)
      const results = ids.map(callId => ({
        type: 'tool-result' as const,
        callId,
        name: 'f',
        parts: [{ type: 'text' as const, text: out }],
        ...(failed && { isError: true }),
      }))
      return [
        { role: 'user', parts: sees ? [...ask, picture] : ask },
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', text: 'hm', ...sealed },
            ...say,
            ...ids.map((id, i) => ({
              type: 'tool-call' as const,
              id,
              name: 'f',
              arguments: '{"a":1}',
              ...(i === 0 && sealed),
            })),
          ],
        },
        ...(calls > 0
          ? [
              { role: 'user' as const, parts: results },
              { role: 'assistant' as const, parts: say },
            ]
          : []),
      ]
    }),
  )
  .filter(messages => messages.length > 0)

const settings = fc.record(
  {
    temperature: fc.integer({ min: 0, max: 2 }),
    topP: fc.constant(0.5),
    topK: fc.integer({ min: 1, max: 40 }),
    seed: fc.integer(),
    maxOutputTokens: fc.integer({ min: 1, max: 99 }),
    stop: fc.array(text, { minLength: 1, maxLength: 5 }),
    choices: fc.integer({ min: 1, max: 8 }),
    logprobs: fc.record({ top: fc.nat(20) }),
    serviceTier: fc.constantFrom('default', 'flex', 'priority'),
    format: fc.constantFrom<ChatRequest['format'] & {}>(
      { type: 'json' },
      { type: 'json-schema', schema: { type: 'object' } },
    ),
    reasoning: fc.constantFrom<ChatRequest['reasoning'] & {}>(
      { effort: 'low', show: 'auto' },
      { effort: 'high', show: 'none' },
      { show: 'auto' },
    ),
  },
  { requiredKeys: [] },
)

const tooling = fc.constantFrom<Partial<ChatRequest>>(
  {},
  {
    tools: [
      { type: 'function', name: 'f', description: 'd', schema: { type: 'object', properties: { a: {} } } },
    ],
    toolChoice: { type: 'tool', name: 'f' },
  },
  {
    tools: [
      { type: 'function', name: 'f' },
      { type: 'function', name: 'g' },
    ],
    toolChoice: { type: 'allowed', mode: 'required', names: ['f', 'g'] },
  },
  { tools: [{ type: 'hosted', dialect: 'gemini', name: 'googleSearch', value: { googleSearch: {} } }] },
)

test('what is said to a provider is what is read of it again', () => {
  fc.assert(
    fc.property(conversation, settings, tooling, (said, config, choice) => {
      const request: ChatRequest = {
        ...plain,
        ...config,
        ...choice,
        messages: [{ role: 'system', parts: [{ type: 'text', text: 's' }] }, ...said],
      }
      const wire = JSON.parse(JSON.stringify(render(request))) as unknown
      assert.deepEqual(readGenerateContent(wire), JSON.parse(JSON.stringify(request)))
    }),
    { numRuns: 300 },
  )
})
