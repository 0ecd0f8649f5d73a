import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { type Asked, accept, type CallerDialect } from '#exchange'
import { dialects } from './dialects.ts'
import { tokensPerFile, tokensPerImage } from './media-tally.ts'

type Json = Record<string, unknown>

/** The same words, with a schema of a tool, in each dialect. */
const saying: Partial<Record<CallerDialect, (text: string, schema: Json) => Json>> = {
  'openai-chat': (text, parameters) => ({
    model: 'm',
    messages: [
      { role: 'system', content: text },
      { role: 'user', content: [{ type: 'text', text }] },
      {
        role: 'assistant',
        tool_calls: [
          { id: 'c', type: 'function', function: { name: 'f', arguments: JSON.stringify({ text }) } },
        ],
      },
      { role: 'tool', tool_call_id: 'c', content: text },
    ],
    tools: [{ type: 'function', function: { name: 'f', description: text, parameters } }],
  }),
  'openai-responses': (text, parameters) => ({
    model: 'm',
    instructions: text,
    input: [
      { role: 'user', content: [{ type: 'input_text', text }] },
      { type: 'function_call', call_id: 'c', name: 'f', arguments: JSON.stringify({ text }) },
      { type: 'function_call_output', call_id: 'c', output: text },
    ],
    tools: [{ type: 'function', name: 'f', description: text, parameters }],
  }),
  'anthropic-messages': (text, input_schema) => ({
    model: 'm',
    max_tokens: 9,
    system: text,
    messages: [
      { role: 'user', content: text },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'c', name: 'f', input: { text } }] },
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 'c', content: [{ type: 'text', text }] }],
      },
    ],
    tools: [{ name: 'f', description: text, input_schema }],
  }),
  gemini: (text, parameters) => ({
    systemInstruction: { parts: [{ text }] },
    contents: [
      { role: 'user', parts: [{ text }] },
      { role: 'model', parts: [{ functionCall: { name: 'f', args: { text } } }] },
      { role: 'user', parts: [{ functionResponse: { name: 'f', response: { text } } }] },
    ],
    tools: [{ functionDeclarations: [{ name: 'f', description: text, parameters }] }],
  }),
}

const chatDialects = Object.entries(saying) as [CallerDialect, (text: string, schema: Json) => Json][]

describe('the bounds of an input', () => {
  for (const [dialect, say] of chatDialects) {
    it(`are never below what a tokenizer counts, nor the closer one above the cheap one (${dialect})`, () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.nat(40), (unit, times) => {
          const text = `${unit.toWellFormed()} `.repeat(times + 1)
          const schema = {
            type: 'object',
            properties: { [`a${unit.toWellFormed()}`]: { type: 'string', description: text } },
          }
          const asked = parse(dialect, say(text, schema))
          const said = [text, text, text, text, text, JSON.stringify(schema)]
          const tokens = said.reduce((sum, one) => sum + countTokens(one, { allowedSpecial: 'all' }), 0)
          const close = asked.countInputBound('claude-sonnet-4-5')
          assert.ok(tokens <= close && close <= asked.inputBound, `${tokens} ${close} ${asked.inputBound}`)
        }),
        { numRuns: 60 },
      )
    })
  }

  it('are close by texts alone, not by how they are written', () => {
    const text = '\\u6771'.repeat(1_000) // as Python writes it
    const body = `{"model":"m","messages":[{"role":"user","content":"${text}"}]}`
    const asked = accept(
      dialects['openai-chat'].parseRequest({ body: Buffer.from(body), rest: '', query: {} }),
    )
    assert.ok(asked.inputBound > 6_000)
    assert.ok(asked.countInputBound() < 3_200, String(asked.countInputBound()))
  })

  it('cost nothing where only a count is asked for, and are those of the input for embeddings', () => {
    const count = parse('anthropic-count-tokens', { model: 'm', messages: [{ role: 'user', content: 'x' }] })
    assert.deepEqual([count.inputBound, count.countInputBound()], [0, 0])
    const tokens = Array.from({ length: 500 }, () => 7)
    assert.ok(parse('openai-embeddings', { model: 'm', input: tokens }).inputBound >= 500)
  })
})

const base64 = Buffer.alloc(900_000, 7).toString('base64')
const url = `data:image/png;base64,${base64}`
const far = 'https://example.com/picture.png'

/** What is no text, in each way that a dialect has for it: how many pictures and how many files. */
const media: [string, CallerDialect, Json, { images?: number; files?: number }][] = [
  ['a picture', 'openai-chat', chat({ type: 'image_url', image_url: { url } }), { images: 1 }],
  [
    'a picture by its address',
    'openai-chat',
    chat({ type: 'image_url', image_url: { url: far } }),
    { images: 1 },
  ],
  ['a bare address', 'openai-chat', chat({ type: 'image_url', image_url: far }), { images: 1 }],
  [
    'a PDF',
    'openai-chat',
    chat({ type: 'file', file: { file_data: `data:application/pdf;base64,${base64}` } }),
    { files: 1 },
  ],
  ['a kept file', 'openai-chat', chat({ type: 'file', file: { file_id: 'file-1' } }), { files: 1 }],
  ['a film', 'openai-chat', chat({ type: 'video_url', video_url: { url: far } }), { files: 1 }],
  ['a picture', 'openai-responses', input({ type: 'input_image', image_url: url }), { images: 1 }],
  ['a kept picture', 'openai-responses', input({ type: 'input_image', file_id: 'file-1' }), { images: 1 }],
  ['a file by its address', 'openai-responses', input({ type: 'input_file', file_url: far }), { files: 1 }],
  [
    'a picture of a tool',
    'openai-responses',
    {
      model: 'm',
      input: [
        { type: 'function_call_output', call_id: 'c', output: [{ type: 'input_image', image_url: url }] },
      ],
    },
    { images: 1 },
  ],
  [
    'a screen',
    'openai-responses',
    {
      model: 'm',
      input: [
        {
          type: 'computer_call_output',
          call_id: 'c',
          output: { type: 'computer_screenshot', image_url: url },
        },
      ],
    },
    { images: 1 },
  ],
  [
    'an item by its id',
    'openai-responses',
    { model: 'm', input: [{ type: 'item_reference', id: 'msg_1' }] },
    { files: 1 },
  ],
  [
    'a picture',
    'anthropic-messages',
    blocks({ type: 'image', source: { type: 'base64', media_type: 'image/png', data: base64 } }),
    { images: 1 },
  ],
  [
    'a picture by its address',
    'anthropic-messages',
    blocks({ type: 'image', source: { type: 'url', url: far } }),
    { images: 1 },
  ],
  [
    'a PDF',
    'anthropic-messages',
    blocks({ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: base64 } }),
    { files: 1 },
  ],
  [
    'a picture of a tool',
    'anthropic-messages',
    blocks({
      type: 'tool_result',
      tool_use_id: 't',
      content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: base64 } }],
    }),
    { images: 1 },
  ],
  [
    'a page fetched',
    'anthropic-messages',
    blocks({
      type: 'web_fetch_tool_result',
      tool_use_id: 't',
      content: {
        type: 'web_fetch_result',
        content: {
          type: 'document',
          source: { type: 'base64', media_type: 'application/pdf', data: base64 },
        },
      },
    }),
    { files: 1 },
  ],
  ['a picture', 'gemini', parts({ inlineData: { mimeType: 'image/png', data: base64 } }), { images: 1 }],
  [
    'a picture in the other spelling',
    'gemini',
    parts({ inline_data: { mime_type: 'image/png', data: base64 } }),
    { images: 1 },
  ],
  ['a kept picture', 'gemini', parts({ fileData: { mimeType: 'image/png', fileUri: far } }), { images: 1 }],
  ['a film', 'gemini', parts({ fileData: { fileUri: 'https://youtu.be/x' } }), { files: 1 }],
  [
    'a picture of a function',
    'gemini',
    parts({
      functionResponse: {
        name: 'f',
        response: {},
        parts: [{ inlineData: { mimeType: 'image/png', data: base64 } }],
      },
    }),
    { images: 1 },
  ],
]

describe('what is no text', () => {
  for (const [name, dialect, body, { images = 0, files = 0 }] of media) {
    it(`counts as the largest of its kind, whatever its bytes: ${name} (${dialect})`, () => {
      const rest = parse(dialect, body).inputBound - images * tokensPerImage - files * tokensPerFile
      assert.ok(rest > 0 && rest < 1_000, String(rest))
    })
  }

  it('is bounded by what the vendor of the model bills at most for a picture', () => {
    const asked = parse('openai-chat', chat({ type: 'image_url', image_url: { url } }))
    assert.ok(asked.countInputBound('claude-sonnet-4-5') < 6_000)
    assert.ok(asked.countInputBound('gpt-4o-mini-2024-07-18') > 48_169)
    assert.ok(asked.countInputBound('a-stranger') > 48_169)
  })

  it('is text where it stands in a text, and where it is one', () => {
    assert.ok(parse('openai-chat', chat({ type: 'text', text: url })).inputBound > 1_200_000)
    const plain = { type: 'file', file: { file_data: `data:text/csv;base64,${base64}` } }
    const bound = parse('openai-chat', chat(plain)).inputBound
    assert.ok(bound > 1_200_000 && bound < 1_202_000)
    const input = { type: 'image', source: { type: 'base64', data: base64 } }
    const call = { role: 'assistant', content: [{ type: 'tool_use', id: 'c', name: 'f', input }] }
    const asked = parse('anthropic-messages', { model: 'm', max_tokens: 1, messages: [call] })
    assert.ok(asked.inputBound > 1_200_000)
  })
})

describe('what cannot be bounded', () => {
  const messages = [{ role: 'user', content: 'x' }]
  const contents = [{ parts: [{ text: 'x' }] }]
  const cases: [CallerDialect, Json, string | undefined][] = [
    ['openai-chat', { model: 'm', messages, web_search_options: {} }, 'web_search_options'],
    [
      'openai-chat',
      { model: 'm', messages, tools: [{ type: 'function' }, { type: 'web_search' }] },
      'tools[1] (web_search)',
    ],
    ['openai-chat', { model: 'm', messages, tools: [{ type: 'function' }, { type: 'custom' }] }, undefined],
    [
      'openai-responses',
      { model: 'm', input: 'x', tools: [{ type: 'file_search' }] },
      'tools[0] (file_search)',
    ],
    ['openai-responses', { model: 'm', input: 'x', prompt: { id: 'p' } }, 'prompt'],
    ['openai-responses', { model: 'm', input: 'x', tools: [{ type: 'function', name: 'f' }] }, undefined],
    [
      'anthropic-messages',
      {
        model: 'm',
        max_tokens: 1,
        messages,
        tools: [{ name: 'f' }, { type: 'web_search_20250305', name: 'web_search' }],
      },
      'tools[1] (web_search_20250305)',
    ],
    [
      'anthropic-messages',
      { model: 'm', max_tokens: 1, messages, tools: [{ type: 'bash_20250124', name: 'bash' }] },
      undefined,
    ],
    ['anthropic-messages', { model: 'm', max_tokens: 1, messages, mcp_servers: [{}] }, 'mcp_servers'],
    ['anthropic-messages', { model: 'm', max_tokens: 1, messages, mcp_servers: [] }, undefined],
    [
      'gemini',
      { contents, tools: [{ functionDeclarations: [] }, { googleSearch: {} }] },
      'tools[1] (googleSearch)',
    ],
    ['gemini', { contents, cachedContent: 'cachedContents/1' }, 'cachedContent'],
    ['gemini', { contents }, undefined],
  ]
  for (const [dialect, body, field] of cases) {
    it(`is named: ${field ?? 'nothing'} (${dialect}, ${JSON.stringify(body).length} bytes)`, () => {
      assert.equal(parse(dialect, body).boundless, field)
    })
  }
})

function chat(part: Json): Json {
  return { model: 'm', messages: [{ role: 'user', content: [part] }] }
}

function input(part: Json): Json {
  return { model: 'm', input: [{ role: 'user', content: [part] }] }
}

function blocks(block: Json): Json {
  return { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: [block] }] }
}

function parts(part: Json): Json {
  return { contents: [{ role: 'user', parts: [part] }] }
}

function parse(dialect: CallerDialect, body: Json): Asked {
  const rest = dialect.startsWith('gemini') ? 'm:generateContent' : ''
  return accept(dialects[dialect].parseRequest({ body: Buffer.from(JSON.stringify(body)), rest, query: {} }))
}
