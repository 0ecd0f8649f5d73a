import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Asked, accept, type CallerDialect, type Dialect } from '#exchange'
import { dialects } from './dialects.ts'
import { openPassage } from './passage.ts'

type Json = Record<string, unknown>

const messages = [{ role: 'user', content: 'Where?' }]
const contents = [{ role: 'user', parts: [{ text: 'Where?' }] }]

/** A request of each dialect that names a cap; the first of each is the plainest. */
const requests: Partial<Record<CallerDialect, Json[]>> = {
  'openai-chat': [
    { model: 'm', messages, max_completion_tokens: 900 },
    { model: 'm', messages, max_tokens: 900 },
    { model: 'm', messages },
    { model: 'm', messages, max_tokens: null },
  ],
  'openai-responses': [
    { model: 'm', input: 'Where?', max_output_tokens: 900 },
    { model: 'm', input: 'Where?' },
  ],
  'anthropic-messages': [{ model: 'm', messages, max_tokens: 900 }],
  gemini: [
    { contents, generationConfig: { maxOutputTokens: 900 } },
    { contents, generation_config: { max_output_tokens: 900 } },
    { contents, generationConfig: { max_output_tokens: 900, temperature: 1 } },
    { contents },
    { contents, generationConfig: null },
  ],
}

/** Where each dialect's providers look for it. */
const capIn: Partial<Record<Dialect, (body: Json) => unknown>> = {
  'openai-chat': body => body.max_completion_tokens ?? body.max_tokens,
  'openai-responses': body => body.max_output_tokens,
  'anthropic-messages': body => body.max_tokens,
  gemini: ({ generationConfig, generation_config: snake }) => {
    const config = (generationConfig ?? snake) as Json
    return config.maxOutputTokens ?? config.max_output_tokens
  },
  'bedrock-converse': body => (body.inferenceConfig as Json).maxTokens,
}

describe('an output cap', () => {
  for (const [caller, bodies] of Object.entries(requests) as [CallerDialect, Json[]][]) {
    for (const [provider, read] of Object.entries(capIn) as [Dialect, (body: Json) => unknown][]) {
      it(`reaches a provider of ${provider} from a caller of ${caller}, however it was asked before`, async () => {
        for (const body of bodies) {
          const shorter = parse(caller, body).withOutputCap(77)
          assert.equal(shorter.output?.cap, 77)
          const model = provider === 'anthropic-messages' ? 'claude-sonnet-4-5' : 'm'
          assert.equal(read(await sent(shorter, provider, model)), 77, JSON.stringify(body))
        }
      })
    }
  }

  it('leaves every other byte of the body as it was', () => {
    const body =
      '{ "model" :"m", "seed": 12345678901234567890,\n"max_tokens": 900 , "messages":[{"role":"user","content":"\\u00e9"}] }'
    const shorter = parseText('openai-chat', body).withOutputCap(77)
    assert.equal(
      shorter
        .renderFor('m', new Set())
        .toString()
        .replace(/"model" :"m"/, '"model" :"m"'),
      body.replace('900', '77'),
    )
    const gemini =
      '{"contents":[{"parts":[{"text":"a"}]}] ,"generation_config" : {"top_k": 1.0, "max_output_tokens":900}}'
    assert.equal(
      parseText('gemini', gemini).withOutputCap(77).renderFor('m', new Set()).toString(),
      gemini.replace('900', '77'),
    )
  })

  it('goes by the name that a vendor knows', () => {
    const asked = parse('openai-chat', { model: 'm', messages }).withOutputCap(77)
    const body = JSON.parse(asked.renderFor('m', new Set(['max_tokens'])).toString())
    assert.deepEqual([body.max_tokens, body.max_completion_tokens], [77, undefined])
  })

  it('makes thinking fit below, or gives it up where there is no room', () => {
    const thinking = { type: 'enabled', budget_tokens: 8_000, display: 'omitted' }
    const asked = parse('anthropic-messages', { model: 'm', messages, max_tokens: 16_000, thinking })
    assert.deepEqual(asked.output, { cap: 16_000, choices: 1, thinking: 8_000 })
    const rendered = (cap: number): Json =>
      JSON.parse(asked.withOutputCap(cap).renderFor('m', new Set()).toString())
    assert.deepEqual(rendered(9_000).thinking, thinking)
    assert.deepEqual(rendered(5_000).thinking, { ...thinking, budget_tokens: 2_500 })
    assert.deepEqual(rendered(1_500).thinking, { ...thinking, budget_tokens: 1_024 })
    assert.deepEqual(rendered(1_024).thinking, { type: 'disabled' })
    const gemini = parse('gemini', {
      contents,
      generationConfig: {
        maxOutputTokens: 8_000,
        thinkingConfig: { thinkingBudget: 6_000, includeThoughts: true },
      },
    })
    assert.equal(gemini.output?.thinking, 6_000)
    const config = JSON.parse(
      gemini.withOutputCap(4_000).renderFor('m', new Set()).toString(),
    ).generationConfig
    assert.deepEqual(config, {
      maxOutputTokens: 4_000,
      thinkingConfig: { thinkingBudget: 2_000, includeThoughts: true },
    })
  })

  it('stays when a conversation is gone on with, and can be set then', async () => {
    const asked = parse('openai-responses', { model: 'm', input: 'And?', previous_response_id: 'resp_1' })
    assert.equal(asked.boundless, 'previous_response_id')
    const history = [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Where?' }] }]
    for (const order of ['cap, then history', 'history, then cap']) {
      const whole =
        order === 'cap, then history'
          ? asked.withOutputCap(77).conversation?.after(history)
          : asked.conversation?.after(history).withOutputCap(77)
      assert.equal(whole?.output?.cap, 77, order)
      assert.equal(whole.boundless, undefined)
      const body = await sent(whole, 'openai-responses', 'm')
      assert.equal(body.max_output_tokens, 77)
      assert.match(JSON.stringify(body.input), /Where\?.*And\?/)
      assert.match(
        JSON.stringify(await sent(whole, 'anthropic-messages', 'm')),
        /Where\?.*And\?.*"max_tokens":77/,
      )
    }
  })
})

describe('what is asked of the output', () => {
  it('is bounded only by a number that bounds', () => {
    for (const cap of ['0', '-1', '1e400', '1e18', '1.5', '"900"', 'true', '[900]', '{}']) {
      const text = JSON.stringify({ model: 'm', messages, max_tokens: '@' }).replace('"@"', cap)
      assert.equal(parseText('openai-chat', text).output?.cap, undefined, cap)
    }
  })

  it('is the loosest of two caps, and none where one of them bounds nothing', () => {
    const cap = (more: Json): unknown => parse('openai-chat', { model: 'm', messages, ...more }).output?.cap
    assert.equal(cap({ max_tokens: 5, max_completion_tokens: 900 }), 900)
    assert.equal(cap({ max_tokens: -1, max_completion_tokens: 900 }), undefined)
    assert.equal(cap({ max_tokens: null, max_completion_tokens: 900 }), 900)
  })

  it('is never less than the fewest tokens that some provider takes', () => {
    assert.equal(parse('openai-chat', { model: 'm', messages, max_tokens: 1 }).output?.cap, 16)
  })

  it('counts the choices, in quotes too, and hostile ones within reason', () => {
    const choices = (n: unknown): unknown => parse('openai-chat', { model: 'm', messages, n }).output?.choices
    assert.deepEqual([undefined, null, 1, 3, '4', 0, -5, 2.5].map(choices), [1, 1, 1, 3, 4, 1, 1, 3])
    assert.equal(choices(1e300), 1_000_000)
    assert.equal(parse('gemini', { contents, generationConfig: { candidateCount: 4 } }).output?.choices, 4)
  })

  it('is nothing where no tokens come out', () => {
    assert.equal(parse('openai-embeddings', { model: 'm', input: 'x' }).output, undefined)
    assert.equal(parse('anthropic-count-tokens', { model: 'm', messages }).output, undefined)
  })
})

function parse(dialect: CallerDialect, body: Json): Asked {
  return parseText(dialect, JSON.stringify(body))
}

function parseText(dialect: CallerDialect, text: string): Asked {
  const rest = dialect.startsWith('gemini') ? 'm:generateContent' : ''
  return accept(dialects[dialect].parseRequest({ body: Buffer.from(text), rest, query: {} }))
}

async function sent(asked: Asked, provider: Dialect, model: string): Promise<Json> {
  const passage = await openPassage(asked, {
    speaks: [provider],
    quirks: new Set(),
    target: `there/${model}`,
    model,
    unsupported: undefined,
    context: { hex: '0'.repeat(32), createdAtMs: 0 },
    fetchMedia: () => assert.fail('nothing is to be fetched'),
    memory: () => ({ remember: () => {}, recall: () => undefined }),
  })
  return JSON.parse(accept(passage ?? assert.fail('no way')).body.toString())
}
