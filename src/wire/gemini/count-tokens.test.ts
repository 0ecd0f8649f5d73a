import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ChatRequest } from '#exchange'
import { geminiCountTokens } from './index.ts'

const incoming = (body: unknown, rest = 'gemini-3-flash-preview:generateContent') => ({
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  rest,
  query: {},
})

const hello = { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] }
const plain: ChatRequest = {
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
  tools: [],
  extras: [],
}
suite('a count of tokens', () => {
  const countRest = 'openai/gpt-5:countTokens'
  const ask = (body: unknown) => geminiCountTokens.parseRequest(incoming(body, countRest))

  test('goes through with the model of its inner request exchanged alone', () => {
    const asked = ask(
      '{"generateContentRequest": {"model":"models/x", "contents":[{"parts":[{"text":"Hi"}]}] } }',
    )
    assert.ok(asked.ok)
    assert.equal(
      asked.value.renderFor('gemini-3-pro', new Set()).toString(),
      '{"generateContentRequest": {"model":"models/gemini-3-pro", "contents":[{"parts":[{"text":"Hi"}]}] } }',
    )
    const bare = ask(hello)
    assert.ok(bare.ok)
    assert.equal(bare.value.renderFor('m', new Set()).toString(), JSON.stringify(hello))
  })

  test('is of the whole request where that is given', () => {
    for (const field of ['generateContentRequest', 'generate_content_request']) {
      const asked = ask({
        [field]: { model: 'models/x', ...hello, systemInstruction: { parts: [{ text: 's' }] } },
      })
      assert.ok(asked.ok)
      const said = asked.value.toChat?.()
      assert.ok(said?.ok)
      assert.deepEqual(said.value, {
        ...plain,
        messages: [{ role: 'system', parts: [{ type: 'text', text: 's' }] }, ...plain.messages],
      })
    }
  })

  test('is asked for with instructions and tools', () => {
    const told = geminiCountTokens.renderRequest(
      { ...plain, tools: [{ type: 'function', name: 'f' }] },
      { model: 'gemini-3-pro', stream: false, quirks: new Set() },
    )
    assert.deepEqual(told, {
      generateContentRequest: {
        model: 'models/gemini-3-pro',
        ...hello,
        tools: [{ functionDeclarations: [{ name: 'f' }] }],
      },
    })
    assert.equal(
      geminiCountTokens.path({ model: 'gemini-3-pro', stream: false }),
      '/models/gemini-3-pro:countTokens',
    )
  })

  test('is a number, or no answer', () => {
    assert.equal(geminiCountTokens.readAnswer({ totalTokens: 31, promptTokensDetails: [] }), 31)
    assert.equal(geminiCountTokens.readAnswer({ totalTokens: '31' }), undefined)
    assert.deepEqual(geminiCountTokens.renderAnswer(31), { totalTokens: 31 })
  })

  test('of nothing is refused', () => {
    for (const body of [
      {},
      { contents: 'Hi' },
      { generateContentRequest: [] },
      { generateContentRequest: {} },
    ]) {
      const asked = ask(body)
      assert.equal(!asked.ok && asked.code, 'invalid_request')
    }
  })
})
