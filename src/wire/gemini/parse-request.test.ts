import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { gemini, geminiCountTokens } from './index.ts'

const incoming = (body: unknown, rest = 'gemini-3-flash-preview:generateContent') => ({
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  rest,
  query: {},
})

const hello = { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] }
suite('the address', () => {
  const addresses: Record<string, [model: string, stream: boolean]> = {
    'gemini-2.5-pro:generateContent': ['gemini-2.5-pro', false],
    'gemini-2.5-pro:streamGenerateContent': ['gemini-2.5-pro', true],
    'openai/gpt-5:streamGenerateContent': ['openai/gpt-5', true],
    'models/openai/gpt-5:generateContent': ['openai/gpt-5', false],
    'ollama/llama3:8b:generateContent': ['ollama/llama3:8b', false],
  }
  for (const [rest, [model, stream]] of Object.entries(addresses)) {
    test(`${rest} asks for ${model}`, () => {
      const asked = gemini.parseRequest(incoming(hello, rest))
      assert.ok(asked.ok && gemini.serves?.(rest))
      assert.deepEqual([asked.value.model, asked.value.stream], [model, stream])
    })
  }

  test('asks with a single content too, without a list around it', () => {
    const [contents] = hello.contents
    for (const one of [
      gemini.parseRequest(incoming({ contents })),
      geminiCountTokens.parseRequest(incoming({ contents }, 'm:countTokens')),
    ]) {
      const said = one.ok ? one.value.toChat?.() : undefined
      assert.deepEqual(said?.ok && said.value.messages, [
        { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
      ])
    }
  })

  test('tells by the method whose request it is', () => {
    const methods = ['generateContent', 'streamGenerateContent', 'countTokens', 'embedContent', 'predict', '']
    const serving = methods.map(method =>
      [gemini, geminiCountTokens].map(one => one.serves?.(`a/b:${method}`)),
    )
    assert.deepEqual(serving, [
      [true, false],
      [true, false],
      [false, true],
      [false, false],
      [false, false],
      [false, false],
    ])
    assert.equal(gemini.serves?.('generateContent'), false)
  })

  test('at the provider always asks for events', () => {
    assert.equal(
      gemini.path({ model: 'gemini-3-pro', stream: true }),
      '/models/gemini-3-pro:streamGenerateContent?alt=sse',
    )
    assert.equal(gemini.path({ model: 'tunedModels/x-1', stream: false }), '/tunedModels/x-1:generateContent')
  })
})

suite('a relayed request', () => {
  test('goes through byte for byte', () => {
    const text = '{ "contents" : [{"parts":[{"text":"Hi"}]}], "x": 12345678901234567890 }'
    const asked = gemini.parseRequest(incoming(text))
    assert.ok(asked.ok)
    assert.equal(asked.value.renderFor('other', new Set()).toString(), text)
    assert.equal(asked.value.wantsUsage, true)
  })

  test('loses the seals of other dialects, which Google would refuse, and nothing else', () => {
    const foreign = Buffer.from('sluice1:anthropic-messages:seal:abc').toString('base64')
    const parts = [
      { text: 'a', thought: true, thoughtSignature: foreign },
      { text: 'b', thoughtSignature: 'AQID' },
    ]
    const asked = gemini.parseRequest(incoming({ contents: [{ role: 'model', parts }], labels: { a: 'b' } }))
    assert.ok(asked.ok)
    assert.deepEqual(JSON.parse(asked.value.renderFor('m', new Set()).toString()), {
      contents: [
        {
          role: 'model',
          parts: [
            { text: 'a', thought: true },
            { text: 'b', thoughtSignature: 'AQID' },
          ],
        },
      ],
      labels: { a: 'b' },
    })
  })

  test('says who it is for by its labels', () => {
    const asked = gemini.parseRequest(
      incoming({ ...hello, labels: { feature: 'chat', user_id: 'u1' }, serviceTier: 'flex' }),
    )
    assert.ok(asked.ok)
    const { feature, user, batch } = asked.value
    assert.deepEqual({ feature, user, batch }, { feature: 'chat', user: 'u1', batch: true })
  })
})

suite('a request that is wrong', () => {
  const user = (...parts: unknown[]) => ({ contents: [{ role: 'user', parts }] })
  const wrong: Record<string, [body: unknown, param: string]> = {
    'no contents': [{}, 'contents'],
    'empty contents': [{ contents: [] }, 'contents'],
    'a content that is a text': [{ contents: ['Hi'] }, 'contents[0]'],
    'an unknown role': [{ contents: [{ role: 'system', parts: [] }] }, 'contents[0].role'],
    'an unknown part': [user({ hologram: 1 }), 'contents[0].parts[0]'],
    'an empty part': [user({}), 'contents[0].parts[0]'],
    'a call by the user': [user({ functionCall: { name: 'f' } }), 'contents[0].parts[0]'],
    'a result without its call': [
      user({ functionResponse: { name: 'f', response: {} } }),
      'contents[0].parts[0].functionResponse',
    ],
    'base64 that is none': [
      user({ inlineData: { mimeType: 'image/png', data: '!' } }),
      'contents[0].parts[0].inlineData.data',
    ],
    'data of no type': [user({ inlineData: { data: 'AQID' } }), 'contents[0].parts[0].inlineData.mimeType'],
    'a file at no address': [user({ fileData: { fileUri: 'x' } }), 'contents[0].parts[0].fileData.fileUri'],
    'a temperature of words': [
      { ...hello, generationConfig: { temperature: 'hot' } },
      'generationConfig.temperature',
    ],
    'too many candidates': [
      { ...hello, generationConfig: { candidateCount: 9 } },
      'generationConfig.candidateCount',
    ],
    'stops that are numbers': [
      { ...hello, generationConfig: { stopSequences: [1] } },
      'generationConfig.stopSequences[0]',
    ],
    'alternatives without probabilities': [
      { ...hello, generationConfig: { logprobs: 3 } },
      'generationConfig.logprobs',
    ],
    'a schema for plain text': [
      { ...hello, generationConfig: { responseJsonSchema: {} } },
      'generationConfig.responseMimeType',
    ],
    'an unknown level': [
      { ...hello, generationConfig: { thinkingConfig: { thinkingLevel: 'DEEP' } } },
      'generationConfig.thinkingConfig.thinkingLevel',
    ],
    'an unknown mode': [
      { ...hello, toolConfig: { functionCallingConfig: { mode: 'SOME' } } },
      'toolConfig.functionCallingConfig.mode',
    ],
    'a function of no name': [
      { ...hello, tools: [{ functionDeclarations: [{}] }] },
      'tools[0].functionDeclarations[0].name',
    ],
    'tools that are no list': [{ ...hello, tools: 'f' }, 'tools'],
    'instructions that are a text': [{ ...hello, systemInstruction: 'Be short.' }, 'systemInstruction'],
    'labels that are numbers': [{ ...hello, labels: { a: 1 } }, 'labels.a'],
  }
  for (const [what, [body, param]] of Object.entries(wrong)) {
    test(`${what} is refused by its name`, () => {
      const asked = gemini.parseRequest(incoming(body))
      const said = asked.ok ? asked.value.toChat?.() : asked
      assert.ok(said && !said.ok)
      assert.equal(said.code, 'invalid_request')
      assert.equal(said.detail?.param, param)
    })
  }

  test('JSON that is none is refused as such', () => {
    const asked = gemini.parseRequest(incoming('{'))
    assert.equal(!asked.ok && asked.code, 'invalid_json')
  })
})
