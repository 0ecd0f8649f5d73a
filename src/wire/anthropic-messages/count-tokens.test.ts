import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { accept, type ChatRequest } from '#exchange'
import { ask, effort } from './asking.fixture.ts'
import { anthropicCountTokens } from './index.ts'

suite('counting tokens', () => {
  test('asks about the prompt alone', () => {
    const body = Buffer.from(JSON.stringify({ model: 'm', messages: ask.messages, system: 'S', tools: [] }))
    const asked = accept(anthropicCountTokens.parseRequest({ body, rest: '', query: {} }))
    assert.deepEqual(
      [asked.operation, asked.dialect, asked.stream],
      ['count-tokens', 'anthropic-count-tokens', false],
    )
    const said = asked.toChat?.() ?? assert.fail()
    const whole: ChatRequest = {
      ...accept(said),
      maxOutputTokens: 5,
      temperature: 0,
      stop: ['a'],
      user: 'u',
      ...effort('high'),
    }
    const rendered = anthropicCountTokens.renderRequest(whole, {
      model: 'claude-opus-5',
      stream: false,
      quirks: new Set(),
    })
    assert.deepEqual(rendered, {
      model: 'claude-opus-5',
      system: [{ type: 'text', text: 'S' }],
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
      thinking: { type: 'adaptive' },
      output_config: { effort: 'high' },
    })
  })

  test('reads and tells a count, and nothing else', () => {
    assert.equal(anthropicCountTokens.readAnswer({ input_tokens: 2095 }), 2095)
    assert.equal(anthropicCountTokens.readAnswer({ input_tokens: 'many' }), undefined)
    assert.deepEqual(anthropicCountTokens.renderAnswer(7), { input_tokens: 7 })
    assert.deepEqual(anthropicCountTokens.readFacts(Buffer.from('{"input_tokens":7}')), {
      usage: undefined,
      model: undefined,
    })
    assert.equal(anthropicCountTokens.readFacts(Buffer.from('{}')), undefined)
  })
})
