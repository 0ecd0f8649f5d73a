import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Message } from '#exchange'
import { chatOf, type Json, refusalOf } from './asking.fixture.ts'

suite('what a caller of Responses asks', () => {
  test('is read with every kind of item in its place', () => {
    const { messages } = chatOf({
      instructions: 'Be brief.',
      input: [
        { role: 'developer', content: 'Speak Norwegian.' },
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'What is this?' },
            { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'low' },
            { type: 'input_image', image_url: 'https://a.example/b.png', detail: null },
            { type: 'input_image', file_id: 'file-1', detail: 'auto' },
            { type: 'input_file', file_data: 'data:application/pdf;base64,AAAA', filename: 'a.pdf' },
            { type: 'input_file', file_url: 'https://a.example/a.pdf' },
          ],
        },
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [
            { type: 'summary_text', text: 'Hm.' },
            { type: 'summary_text', text: 'So.' },
          ],
          encrypted_content: 'gAAA',
        },
        {
          type: 'message',
          id: 'msg_1',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: 'I look.', annotations: [] }],
        },
        { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'find', arguments: '' },
        { type: 'custom_tool_call', id: 'ctc_1', call_id: 'call_2', name: 'shell', input: 'ls' },
        {
          type: 'function_call_output',
          call_id: 'call_1',
          output: [{ type: 'input_text', text: '{"$ref":1}' }],
        },
        { type: 'custom_tool_call_output', call_id: 'call_2', output: 'a' },
        { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search' } },
        { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
        { role: 'user', content: 'Why?' },
      ],
    })
    const search = { id: 'ws_1', type: 'web_search_call', status: 'completed', action: { type: 'search' } }
    const expected: Message[] = [
      { role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
      { role: 'developer', parts: [{ type: 'text', text: 'Speak Norwegian.' }] },
      {
        role: 'user',
        parts: [
          { type: 'text', text: 'What is this?' },
          { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'AAAA' }, detail: 'low' },
          { type: 'image', source: { kind: 'url', url: 'https://a.example/b.png' } },
          {
            type: 'image',
            source: { kind: 'id', id: 'file-1', dialect: 'openai-responses' },
            detail: 'auto',
          },
          {
            type: 'file',
            source: { kind: 'data', mediaType: 'application/pdf', base64: 'AAAA' },
            filename: 'a.pdf',
          },
          { type: 'file', source: { kind: 'url', url: 'https://a.example/a.pdf' } },
        ],
      },
      {
        role: 'assistant',
        parts: [
          {
            type: 'reasoning',
            text: 'Hm.\n\nSo.',
            signature: { dialect: 'openai-responses', kind: 'sealed', value: 'gAAA' },
          },
          { type: 'text', text: 'I look.' },
          { type: 'tool-call', id: 'call_1', name: 'find', arguments: '{}' },
          { type: 'tool-call', id: 'call_2', name: 'shell', arguments: 'ls', custom: true },
        ],
      },
      {
        role: 'user',
        parts: [
          {
            type: 'tool-result',
            callId: 'call_1',
            name: 'find',
            parts: [{ type: 'text', text: '{"$ref":1}' }],
          },
          {
            type: 'tool-result',
            callId: 'call_2',
            name: 'shell',
            parts: [{ type: 'text', text: 'a' }],
            custom: true,
          },
        ],
      },
      {
        role: 'assistant',
        parts: [
          { type: 'opaque', dialect: 'openai-responses', value: search },
          { type: 'refusal', text: 'No.' },
        ],
      },
      { role: 'user', parts: [{ type: 'text', text: 'Why?' }] },
    ]
    assert.deepEqual(messages, expected)
  })

  test('brings back the seals of other dialects', () => {
    const { messages } = chatOf({
      input: [
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [],
          encrypted_content: 'sluice1:anthropic-messages:seal:Eq',
        },
        {
          type: 'function_call',
          call_id: 'c',
          name: 'f',
          arguments: '{}',
          encrypted_content: 'sluice1:gemini:seal:Ci',
        },
        { type: 'function_call_output', call_id: 'c', output: '' },
      ],
    })
    assert.deepEqual(messages[0]?.parts, [
      {
        type: 'reasoning',
        text: '',
        signature: { dialect: 'anthropic-messages', kind: 'seal', value: 'Eq' },
      },
      {
        type: 'tool-call',
        id: 'c',
        name: 'f',
        arguments: '{}',
        signature: { dialect: 'gemini', kind: 'seal', value: 'Ci' },
      },
    ])
  })

  test('has strict functions where the schema is strict as it stands, and not where it would have to be changed', () => {
    const closed = {
      type: 'object',
      properties: { a: { type: 'string' } },
      required: ['a'],
      additionalProperties: false,
    }
    const open = { type: 'object', properties: { a: { type: 'string' } } }
    const nested = { ...closed, properties: { a: { type: 'array', items: open } } }
    const schemas = [closed, open, nested, { ...closed, required: [] }]
    const tools = schemas.map(parameters => ({ type: 'function', name: 'f', parameters }))
    const strict = (tools: Json[]): unknown[] =>
      chatOf({ input: 'Hi', tools }).tools.map(tool => tool.type === 'function' && tool.strict)
    assert.deepEqual(strict(tools), [true, undefined, undefined, undefined])
    assert.deepEqual(strict(tools.map(tool => ({ ...tool, strict: true }))), [true, true, true, true])
    assert.deepEqual(strict(tools.map(tool => ({ ...tool, strict: false }))), [false, false, false, false])
  })

  test('says which tool is to be called, in all its forms', () => {
    const tools = [{ type: 'function', name: 'f' }, { type: 'custom', name: 'g' }, { type: 'web_search' }]
    const choice = (tool_choice: unknown): unknown => chatOf({ input: 'Hi', tools, tool_choice }).toolChoice
    assert.deepEqual(choice('required'), { type: 'required' })
    assert.deepEqual(choice({ type: 'function', name: 'f' }), { type: 'tool', name: 'f' })
    assert.deepEqual(choice({ type: 'custom', name: 'g' }), { type: 'tool', name: 'g' })
    assert.deepEqual(choice({ type: 'web_search' }), { type: 'tool', name: 'web_search' })
    const allowed = {
      type: 'allowed_tools',
      mode: 'required',
      tools: [{ type: 'function', name: 'f' }, { type: 'web_search' }],
    }
    assert.deepEqual(choice(allowed), { type: 'allowed', mode: 'required', names: ['f', 'web_search'] })
  })

  test('names what has no word elsewhere', () => {
    const { extras, logprobs, reasoning } = chatOf({
      input: [
        { role: 'assistant', content: 'Hm', phase: 'commentary' },
        { role: 'user', content: 'Hi' },
      ],
      include: ['reasoning.encrypted_content', 'message.output_text.logprobs', 'file_search_call.results'],
      top_logprobs: 3,
      reasoning: { effort: 'low', summary: 'auto', mode: 'pro' },
      truncation: 'auto',
      conversation: 'conv_1',
      prompt: { id: 'pmpt_1' },
      max_tool_calls: 3,
      tools: [{ type: 'function', name: 'f', async: true }],
      novelty: 1,
    })
    const fields = extras.map(({ field, weight }) => `${field} ${weight}`).sort()
    assert.deepEqual(fields, [
      'conversation meaning',
      'include hint',
      'input[].phase hint',
      'max_tool_calls hint',
      'novelty meaning',
      'prompt meaning',
      'reasoning.mode meaning',
      'tools[].async meaning',
      'truncation hint',
    ])
    assert.deepEqual(logprobs, { top: 3 })
    assert.deepEqual(reasoning, { effort: 'low', show: 'auto' })
  })

  const call = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }
  const wrong: Record<string, [request: Json, param: string]> = {
    'no input': [{ input: null }, 'input'],
    'an empty input': [{ input: [] }, 'input'],
    'an input that is a number': [{ input: 7 }, 'input'],
    'an item that is a text': [{ input: ['Hi'] }, 'input[0]'],
    'no model': [{ model: '' }, 'model'],
    'background work': [{ background: true }, 'background'],
    'a stream of a text': [{ stream: 'yes' }, 'stream'],
    'two things to go on from': [
      { previous_response_id: 'resp_1', conversation: 'conv_1' },
      'previous_response_id',
    ],
    'a reference to an item': [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input[0]'],
    'a reference without a type': [{ input: [{ id: 'msg_1' }] }, 'input[0]'],
    'an item of no known type': [{ input: [{ type: 'hologram' }] }, 'input[0].type'],
    'an item called like a method': [{ input: [{ type: 'constructor' }] }, 'input[0].type'],
    'a role of nobody': [{ input: [{ role: 'ghost', content: 'x' }] }, 'input[0].role'],
    'a part of no known type': [
      { input: [{ role: 'user', content: [{ type: 'smell' }] }] },
      'input[0].content[0].type',
    ],
    'bad base64': [
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'data:image/png;base64,*' }] }] },
      'input[0].content[0].image_url',
    ],
    'an image from nowhere': [
      { input: [{ role: 'user', content: [{ type: 'input_image' }] }] },
      'input[0].content[0].image_url',
    ],
    'a file by another protocol': [
      { input: [{ role: 'user', content: [{ type: 'input_file', file_url: 'file:///etc/passwd' }] }] },
      'input[0].content[0].file_url',
    ],
    'an output without its call': [
      { input: [{ type: 'function_call_output', call_id: 'c', output: '' }] },
      'input[0].call_id',
    ],
    'a call without its output': [{ input: [call, { role: 'user', content: 'x' }] }, 'input[0]'],
    'an output that says nothing': [
      { input: [call, { type: 'function_call_output', call_id: 'c' }] },
      'input[1].output',
    ],
    'arguments that are no JSON': [{ input: [{ ...call, arguments: '{' }] }, 'input[0].arguments'],
    'a summary of numbers': [{ input: [{ type: 'reasoning', summary: [7] }] }, 'input[0].summary[0]'],
    'too hot': [{ temperature: 3 }, 'temperature'],
    'an unknown effort': [{ reasoning: { effort: 'heroic' } }, 'reasoning.effort'],
    'a format without its schema': [
      { text: { format: { type: 'json_schema', name: 'x' } } },
      'text.format.schema',
    ],
    'a function without a name': [{ tools: [{ type: 'function' }] }, 'tools[0].name'],
    'a choice of no kind': [{ tool_choice: 'maybe' }, 'tool_choice'],
  }
  for (const [name, [request, param]] of Object.entries(wrong)) {
    test(`is refused by name: ${name}`, () => {
      const refusal = refusalOf(request)
      assert.equal(refusal.detail?.param, param)
      assert.ok(refusal.message.length > 20)
    })
  }
})
