import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { accept } from '#exchange'
import { dialects, openPassage } from '#wire'
import { mostOutput } from './most-output.ts'

const known: Readonly<Record<string, number>> = {
  'gpt-5': 128_000,
  'gpt-5-mini-2025-08-07': 128_000,
  'gpt-5.2': 128_000,
  'gpt-5-codex': 128_000,
  'gpt-5-chat-latest': 16_384,
  'gpt-5.1-chat-latest': 16_384,
  'gpt-5-pro': 272_000,
  'gpt-4.1-nano': 32_768,
  'gpt-4o': 16_384,
  'gpt-4o-mini-2024-07-18': 16_384,
  'gpt-4o-2024-05-13': 4_096,
  'chatgpt-4o-latest': 16_384,
  'gpt-4-turbo': 4_096,
  'gpt-4-0613': 8_192,
  'gpt-4': 8_192,
  'gpt-3.5-turbo-0125': 4_096,
  'gpt-oss-120b': 131_072,
  'openai/gpt-oss-20b': 131_072,
  o1: 100_000,
  'o1-mini': 65_536,
  'o3-mini': 100_000,
  'o4-mini-2025-04-16': 100_000,
  'gemini-1.5-pro': 8_192,
  'gemini-2.0-flash': 8_192,
  'gemini-2.5-pro': 65_536,
  'models/gemini-3-pro-preview': 65_536,
  'gemini-3.1-pro-preview': 65_536,
}

const claudes = [
  'claude-3-haiku-20240307',
  'claude-3-5-sonnet-20241022',
  'claude-3-7-sonnet-latest',
  'claude-opus-4-20250514',
  'claude-opus-4-0',
  'claude-opus-4@20250514',
  'claude-opus-4-1-20250805',
  'claude-opus-4.1',
  'claude-opus-4-5-20251101',
  'claude-opus-4-6',
  'claude-opus-4-8',
  'claude-sonnet-4-20250514',
  'claude-sonnet-4',
  'claude-sonnet-4-5',
  'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
  'claude-sonnet-4-6',
  'claude-sonnet-5',
  'claude-haiku-4-5-20251001',
  'claude-haiku-5-5',
  'claude-fable-5-1',
  'claude-of-tomorrow',
]

describe('the most output of a model', () => {
  for (const [model, tokens] of Object.entries(known)) {
    it(`is ${tokens} of ${model}`, () => assert.equal(mostOutput(model), tokens))
  }

  it('is not guessed', () => {
    for (const model of ['', 'sim-1', 'llama-3.3', 'gpt-9', 'my-gpt-4', 'gemini-9-pro', 'o5', 'gpt-4-mine'])
      assert.equal(mostOutput(model), undefined, model)
  })

  for (const model of claudes) {
    it(`of ${model} is what it is told where a caller sets no cap`, async () => {
      const body = Buffer.from('{"model":"m","messages":[{"role":"user","content":"x"}]}')
      const asked = accept(dialects['openai-chat'].parseRequest({ body, rest: '', query: {} }))
      const passage = await openPassage(asked, {
        speaks: ['anthropic-messages'],
        quirks: new Set(),
        target: `a/${model}`,
        model,
        unsupported: undefined,
        context: { hex: '0'.repeat(32), createdAtMs: 0 },
        fetchMedia: () => assert.fail('nothing is to be fetched'),
        memory: () => ({ remember: () => {}, recall: () => undefined }),
      })
      const sent = JSON.parse(accept(passage ?? assert.fail('no way')).body.toString())
      assert.equal(mostOutput(model), sent.max_tokens)
    })
  }
})
