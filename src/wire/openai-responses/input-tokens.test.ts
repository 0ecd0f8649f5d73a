import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { accept } from '#exchange'
import { parse, target } from './asking.fixture.ts'
import { openAiInputTokens } from './index.ts'

suite('the count of a request', () => {
  test('is asked with the input alone', () => {
    const asked = accept(
      parse({ model: 'm', input: 'Hi', tools: [{ type: 'function', name: 'f' }] }, openAiInputTokens),
    )
    assert.equal(asked.operation, 'count-tokens')
    const said = accept(asked.toChat?.() ?? assert.fail())
    assert.deepEqual(
      openAiInputTokens.renderRequest({ ...said, temperature: 1, maxOutputTokens: 5 }, target),
      {
        model: 'gpt-4.1',
        input: [{ type: 'message', role: 'user', content: 'Hi' }],
        tools: [
          { type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false },
        ],
      },
    )
  })

  test('is not given for what stands elsewhere', () => {
    const asked = accept(
      parse({ model: 'm', input: 'Hi', previous_response_id: 'resp_1' }, openAiInputTokens),
    )
    const said = asked.toChat?.() ?? assert.fail()
    assert.equal(said.ok ? undefined : said.detail?.param, 'previous_response_id')
    assert.ok(asked.conversation?.after([]).toChat?.().ok)
  })

  test('is a number in its own shape', () => {
    assert.equal(openAiInputTokens.readAnswer({ object: 'response.input_tokens', input_tokens: 11 }), 11)
    assert.equal(openAiInputTokens.readAnswer({ input_tokens: '11' }), undefined)
    assert.deepEqual(openAiInputTokens.renderAnswer(11), {
      object: 'response.input_tokens',
      input_tokens: 11,
    })
  })
})
