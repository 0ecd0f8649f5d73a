import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ChatRequest, Message, ToolCallPart, Unsupported } from '#exchange'
import { fitRequest } from '../policy.ts'
import { gemini } from './index.ts'
import { renderGeminiRequest } from './render-request.ts'

const plain: ChatRequest = {
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
  tools: [],
  extras: [],
}
const render = (request: Partial<ChatRequest>, model = 'gemini-3-flash-preview') =>
  renderGeminiRequest({ ...plain, ...request }, { model })

suite('what a provider is told', () => {
  const call = (id: string, name: string, more: Partial<ToolCallPart> = {}): ToolCallPart => ({
    type: 'tool-call',
    id,
    name,
    arguments: '{}',
    ...more,
  })
  const result = (callId: string, text: string, more = {}) =>
    ({ type: 'tool-result', callId, parts: [{ type: 'text', text }], ...more }) as const

  test('has only leading instructions as such', () => {
    const messages: Message[] = [
      { role: 'system', parts: [{ type: 'text', text: 'a' }] },
      { role: 'developer', parts: [{ type: 'text', text: 'b' }] },
      { role: 'user', parts: [{ type: 'text', text: 'c' }] },
      { role: 'system', parts: [{ type: 'text', text: 'd' }] },
    ]
    const fitted = fitRequest(
      { ...plain, messages },
      {
        fields: [],
        takes: gemini.takes,
        target: 'google/g',
        model: 'g',
        quirks: new Set<string>(),
        unsupported: undefined as Unsupported | undefined,
      },
    )
    assert.ok(fitted.ok)
    assert.deepEqual(fitted.value.dropped, ['later_system'])
    assert.deepEqual(render(fitted.value.request), {
      systemInstruction: { parts: [{ text: 'a' }, { text: 'b' }] },
      contents: [{ role: 'user', parts: [{ text: 'c' }, { text: 'd' }] }],
    })
    assert.deepEqual(render({ messages: messages.slice(0, 1) }), {
      contents: [{ role: 'user', parts: [{ text: 'a' }] }],
    })
  })

  test('has the results of a turn in the order of its calls, by name and id, before anything else', () => {
    const messages: Message[] = [
      { role: 'assistant', parts: [call('1', 'f'), call('2', 'g')] },
      { role: 'user', parts: [{ type: 'text', text: 'and?' }, result('2', '{"x":1}')] },
      { role: 'user', parts: [result('1', 'one')] },
    ]
    const { contents } = render({ messages }, 'gemini-2.5-pro') as {
      contents: { role: string; parts: unknown[] }[]
    }
    assert.deepEqual(contents[1], {
      role: 'user',
      parts: [
        { functionResponse: { id: '1', name: 'f', response: { result: 'one' } } },
        { functionResponse: { id: '2', name: 'g', response: { x: 1 } } },
        { text: 'and?' },
      ],
    })
  })

  test('answers a call that nobody answered, since Google counts them', () => {
    const messages: Message[] = [
      { role: 'assistant', parts: [call('1', 'f'), call('2', 'g')] },
      { role: 'user', parts: [result('1', 'one')] },
    ]
    const { contents } = render({ messages }) as { contents: { parts: unknown[] }[] }
    assert.deepEqual(contents[1]?.parts[1], {
      functionResponse: { id: '2', name: 'g', response: { error: 'No result was given.' } },
    })
  })

  test('keeps ids that come again in a later turn apart', () => {
    const turn = (name: string, text: string): Message[] => [
      { role: 'assistant', parts: [call('1', name)] },
      { role: 'user', parts: [result('1', text)] },
    ]
    const { contents } = render({ messages: [...turn('f', 'a'), ...turn('g', 'b')] }) as {
      contents: { parts: { functionResponse?: { name: string } }[] }[]
    }
    assert.deepEqual(
      [1, 3].map(i => contents[i]?.parts[0]?.functionResponse?.name),
      ['f', 'g'],
    )
  })

  const responses: Record<string, [text: string, isError: boolean, response: object]> = {
    'a text': ['sunny', false, { result: 'sunny' }],
    'an object': ['{"a": 1}', false, { a: 1 }],
    'a list': ['[1]', false, { result: '[1]' }],
    'an object with a reference': ['{"$ref":"#/a"}', false, { result: '{"$ref":"#/a"}' }],
    'a deep reference': ['{"a":[{"$ref":"b"}]}', false, { result: '{"a":[{"$ref":"b"}]}' }],
    'an object that reads like our wrapping': ['{"result":1}', false, { result: '{"result":1}' }],
    'an error': ['no such city', true, { error: 'no such city' }],
    nothing: ['', false, { result: '' }],
  }
  for (const [what, [text, isError, response]] of Object.entries(responses)) {
    test(`says of a tool ${what}`, () => {
      const messages: Message[] = [
        { role: 'assistant', parts: [call('1', 'f')] },
        { role: 'user', parts: [result('1', text, isError ? { isError } : {})] },
      ]
      const { contents } = render({ messages }) as {
        contents: { parts: { functionResponse: { response: unknown } }[] }[]
      }
      assert.deepEqual(contents[1]?.parts[0]?.functionResponse.response, response)
    })
  }

  test('has images of a result inside of it, or beside it for older models', () => {
    const image = { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'AQID' } } as const
    const messages: Message[] = [
      { role: 'assistant', parts: [call('1', 'f')] },
      { role: 'user', parts: [{ type: 'tool-result', callId: '1', parts: [image] }] },
    ]
    const inlineData = { mimeType: 'image/png', data: 'AQID' }
    const functionResponse = { id: '1', name: 'f', response: { result: '' } }
    const told = (model: string) =>
      (render({ messages }, model) as { contents: { parts: unknown }[] }).contents[1]?.parts
    assert.deepEqual(told('gemini-3-flash-preview'), [
      { functionResponse: { ...functionResponse, parts: [{ inlineData }] } },
    ])
    assert.deepEqual(told('gemini-2.5-pro'), [{ functionResponse }, { inlineData }])
  })

  test('gives Gemini’s seals back, leaves out others, and says where one was lost', () => {
    const seal = { dialect: 'gemini', kind: 'seal', value: 'AQID' } as const
    const foreign = { dialect: 'anthropic-messages', kind: 'seal', value: 'x' } as const
    const messages: Message[] = [
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', text: 'hm', signature: foreign },
          call('1', 'f', { signature: seal }),
          call('2', 'f'),
        ],
      },
      { role: 'user', parts: [result('1', 'a'), result('2', 'b')] },
      {
        role: 'assistant',
        parts: [{ type: 'text', text: 'ok', signature: seal }, call('3', 'f'), call('4', 'f')],
      },
      { role: 'user', parts: [result('3', 'a'), result('4', 'b')] },
    ]
    const seals = (model: string) =>
      (
        render({ messages }, model) as {
          contents: { role: string; parts: { thoughtSignature?: string }[] }[]
        }
      ).contents
        .filter(({ role }) => role === 'model')
        .map(({ parts }) => parts.map(({ thoughtSignature }) => thoughtSignature))
    const lost = 'skip_thought_signature_validator'
    assert.deepEqual(seals('gemini-3.1-pro-preview'), [
      [undefined, 'AQID', undefined],
      ['AQID', lost, undefined],
    ])
    assert.deepEqual(seals('gemini-2.5-pro'), [
      [undefined, 'AQID', undefined],
      ['AQID', undefined, undefined],
    ])
  })

  const f = { type: 'function', name: 'f' } as const
  const g = { type: 'function', name: 'g', schema: { type: 'object', properties: {}, required: [] } } as const
  const h = {
    type: 'function',
    name: 'h',
    schema: {
      type: 'object',
      properties: { a: { $ref: '#/$defs/a' } },
      additionalProperties: false,
      $defs: { a: {} },
    },
  } as const

  test('has the whole schema of a function, and none where it takes nothing', () => {
    assert.deepEqual(render({ tools: [f, g, h] }).tools, [
      { functionDeclarations: [{ name: 'f' }, { name: 'g' }, { name: 'h', parametersJsonSchema: h.schema }] },
    ])
  })

  const choices: [NonNullable<ChatRequest['toolChoice']>, object][] = [
    [{ type: 'auto' }, { mode: 'AUTO' }],
    [{ type: 'none' }, { mode: 'NONE' }],
    [{ type: 'required' }, { mode: 'ANY' }],
    [
      { type: 'tool', name: 'f' },
      { mode: 'ANY', allowedFunctionNames: ['f'] },
    ],
    [
      { type: 'allowed', mode: 'required', names: ['f', 'g'] },
      { mode: 'ANY', allowedFunctionNames: ['f', 'g'] },
    ],
  ]
  for (const [toolChoice, functionCallingConfig] of choices) {
    test(`says the choice of tools ${JSON.stringify(toolChoice)}`, () => {
      assert.deepEqual(render({ tools: [f, g], toolChoice }).toolConfig, { functionCallingConfig })
    })
  }

  test('declares no others where only some may be called and none must', () => {
    const told = render({ tools: [f, g], toolChoice: { type: 'allowed', mode: 'auto', names: ['g'] } })
    assert.deepEqual(told.tools, [{ functionDeclarations: [{ name: 'g' }] }])
    assert.deepEqual(told.toolConfig, { functionCallingConfig: { mode: 'AUTO' } })
  })

  test('has a schema of the answer without what Google’s cannot say', () => {
    const schema = {
      type: 'object',
      properties: { const: { const: 'a' }, enum: { anyOf: [{ const: 1 }, { type: 'null' }] } },
    }
    assert.deepEqual(render({ format: { type: 'json-schema', schema } }).generationConfig, {
      responseMimeType: 'application/json',
      responseJsonSchema: {
        type: 'object',
        properties: { const: { enum: ['a'] }, enum: { anyOf: [{ enum: [1] }, { type: 'null' }] } },
      },
    })
  })

  const thinking: [model: string, ChatRequest['reasoning'], object | undefined][] = [
    ['gemini-2.5-flash', { effort: 'low' }, { thinkingBudget: 1024, includeThoughts: true }],
    ['gemini-2.5-flash', { effort: 'none' }, { thinkingBudget: 0 }],
    ['gemini-2.5-pro', { effort: 'none' }, { thinkingBudget: 128 }],
    ['gemini-2.5-flash', { effort: 'max' }, { thinkingBudget: 24_576, includeThoughts: true }],
    [
      'gemini-2.5-pro',
      { budgetTokens: 5000, show: 'none' },
      { thinkingBudget: 5000, includeThoughts: false },
    ],
    ['gemini-2.5-pro', { adaptive: true }, { thinkingBudget: -1, includeThoughts: true }],
    ['gemini-3-pro-preview', { effort: 'medium' }, { thinkingLevel: 'HIGH', includeThoughts: true }],
    ['gemini-3.1-pro-preview', { effort: 'medium' }, { thinkingLevel: 'MEDIUM', includeThoughts: true }],
    ['google/gemini-3.1-pro-preview', { effort: 'minimal' }, { thinkingLevel: 'LOW', includeThoughts: true }],
    ['gemini-3-flash-preview', { effort: 'none' }, { thinkingLevel: 'MINIMAL' }],
    ['gemini-3.8-flash', { effort: 'none' }, { thinkingLevel: 'LOW' }],
    ['gemini-4-carbon', { effort: 'xhigh' }, { thinkingLevel: 'HIGH', includeThoughts: true }],
    ['gemini-3-flash-preview', { budgetTokens: 9000 }, { thinkingLevel: 'MEDIUM', includeThoughts: true }],
    ['gemini-3-flash-preview', { show: 'auto' }, { includeThoughts: true }],
    ['gemini-3-flash-preview', { adaptive: true }, { includeThoughts: true }],
    ['gemini-2.0-flash', { effort: 'none' }, undefined],
  ]
  for (const [model, reasoning, thinkingConfig] of thinking) {
    test(`${model} thinks by ${JSON.stringify(reasoning)}`, () => {
      const { generationConfig } = render({ ...(reasoning && { reasoning }) }, model)
      assert.deepEqual(generationConfig, thinkingConfig && { thinkingConfig })
    })
  }

  test('names the type of a file by its ending where the caller did not', () => {
    const file = (url: string) => ({ type: 'file', source: { kind: 'url', url } }) as const
    const parts = [file('https://x.example/a.PDF?v=1'), file('https://x.example/a')]
    assert.deepEqual(render({ messages: [{ role: 'user', parts }] }).contents, [
      {
        role: 'user',
        parts: [
          { fileData: { mimeType: 'application/pdf', fileUri: 'https://x.example/a.PDF?v=1' } },
          { fileData: { fileUri: 'https://x.example/a' } },
        ],
      },
    ])
  })
})

suite('what this provider takes', () => {
  const fit = (request: Partial<ChatRequest>, model: string) => {
    const fitted = fitRequest(
      { ...plain, ...request },
      {
        fields: gemini.fields,
        takes: gemini.takes,
        target: `google/${model}`,
        model,
        quirks: new Set<string>(),
        unsupported: undefined,
      },
    )
    return fitted.ok ? fitted.value.dropped : fitted.detail?.param
  }
  const tools = [{ type: 'function', name: 'f' }] as const
  const table: [what: string, Partial<ChatRequest>, model: string, expected: unknown][] = [
    [
      'refuses a penalty to 2.5',
      { presencePenalty: 1 },
      'gemini-2.5-flash',
      'generationConfig.presencePenalty',
    ],
    ['takes a penalty later', { presencePenalty: 1 }, 'gemini-3-flash-preview', []],
    ['takes five stops', { stop: ['1', '2', '3', '4', '5'] }, 'gemini-3-pro', []],
    [
      'refuses six stops',
      { stop: ['1', '2', '3', '4', '5', '6'] },
      'gemini-3-pro',
      'generationConfig.stopSequences',
    ],
    [
      'refuses a schema beside tools to 2.5',
      { tools, format: { type: 'json' } },
      'gemini-2.5-pro',
      'generationConfig.responseMimeType',
    ],
    ['takes a schema beside tools later', { tools, format: { type: 'json' } }, 'gemini-3-pro', []],
    ['leaves out how verbose to be', { verbosity: 'low' }, 'gemini-3-pro', ['verbosity']],
    ['leaves out a seed of 64 bits', { seed: 2 ** 40 }, 'gemini-3-pro', ['generationConfig.seed']],
    [
      'leaves out effort where nothing thinks',
      { reasoning: { effort: 'high' } },
      'gemini-2.0-flash',
      ['generationConfig.thinkingConfig.thinkingLevel'],
    ],
  ]
  for (const [what, request, model, expected] of table) {
    test(what, () => assert.deepEqual(fit(request, model), expected))
  }
})
