import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { accept, type ChatRequest, type Message } from '#exchange'
import { call, effort, fit, type Json, render, result, said, tool, user } from './asking.fixture.ts'

suite('settings for Anthropic', () => {
  const settings = (request: Partial<ChatRequest>, model?: string): Json => {
    const {
      model: _model,
      messages: _messages,
      max_tokens: _most,
      tools: _tools,
      ...rest
    } = render(request, model)
    return rest
  }

  test('always have a bound: the caller’s, cut to the model’s own', () => {
    assert.equal(render({}).max_tokens, 64_000)
    assert.equal(render({}, 'claude-opus-4-20250514').max_tokens, 32_000)
    assert.equal(render({}, 'claude-opus-4-1@20250805').max_tokens, 32_000)
    assert.equal(render({}, 'anthropic.claude-3-5-haiku-20241022-v1:0').max_tokens, 8192)
    assert.equal(render({}, 'claude-3-haiku-20240307').max_tokens, 4096)
    assert.equal(render({}, 'claude-opus-9-9').max_tokens, 128_000)
    assert.equal(render({ maxOutputTokens: 9 }).max_tokens, 9)
    assert.equal(render({ maxOutputTokens: 1e6 }).max_tokens, 64_000)
    assert.equal(render({ maxOutputTokens: 1e6 }, 'kimi-k3').max_tokens, 1e6)
  })

  test('say an effort in the way of the model', () => {
    const adaptive = { type: 'adaptive' }
    assert.deepEqual(settings(effort('high')), { thinking: { type: 'enabled', budget_tokens: 24_576 } })
    assert.deepEqual(settings({ ...effort('high'), maxOutputTokens: 4000 }), {
      thinking: { type: 'enabled', budget_tokens: 3200 },
    })
    assert.deepEqual(settings(effort('xhigh'), 'claude-sonnet-4-6'), {
      thinking: adaptive,
      output_config: { effort: 'high' },
    })
    assert.deepEqual(settings(effort('xhigh'), 'claude-opus-5'), {
      thinking: adaptive,
      output_config: { effort: 'xhigh' },
    })
    assert.deepEqual(settings(effort('minimal'), 'claude-opus-5'), {
      thinking: adaptive,
      output_config: { effort: 'low' },
    })
    assert.deepEqual(settings({ reasoning: { budgetTokens: 9000, show: 'none' } }, 'claude-opus-4-8'), {
      thinking: { ...adaptive, display: 'omitted' },
      output_config: { effort: 'medium' },
    })
    assert.deepEqual(settings({ reasoning: { budgetTokens: 9000, show: 'auto' } }, 'claude-opus-4-6'), {
      thinking: { type: 'enabled', budget_tokens: 9000, display: 'summarized' },
    })
    assert.deepEqual(settings(effort('high'), 'claude-3-5-haiku-latest'), {})
  })

  test('keep a budget between 1024 and the bound', () => {
    fc.assert(
      fc.property(
        fc.option(fc.integer({ min: 1, max: 200_000 }), { nil: undefined }),
        fc.integer({ min: 1, max: 200_000 }),
        fc.constantFrom('claude-sonnet-4-5', 'claude-opus-4-6', 'claude-3-7-sonnet-latest'),
        (maxOutputTokens, budgetTokens, model) => {
          const body = render(
            { reasoning: { budgetTokens }, ...(maxOutputTokens && { maxOutputTokens }) },
            model,
          )
          const thinking = body.thinking as { budget_tokens: number } | undefined
          if (!thinking) return assert.ok(Number(body.max_tokens) <= 1024)
          assert.ok(thinking.budget_tokens >= 1024 && thinking.budget_tokens < Number(body.max_tokens))
        },
      ),
    )
  })

  test('tell each model not to think in the way it takes', () => {
    assert.deepEqual(settings(effort('none')), { thinking: { type: 'disabled' } })
    assert.deepEqual(settings(effort('none'), 'claude-sonnet-5-5'), { thinking: { type: 'between_tools' } })
    assert.deepEqual(settings(effort('none'), 'claude-opus-5-5'), { output_config: { effort: 'low' } })
    assert.deepEqual(settings(effort('none'), 'claude-fable-5'), { output_config: { effort: 'low' } })
    assert.deepEqual(settings(effort('none'), 'claude-3-haiku-20240307'), {})
  })

  test('go without thinking where a tool is forced, or the turn’s own thinking is lost, and name it', () => {
    const required = { ...effort('high'), tools: [tool], toolChoice: { type: 'required' } } as const
    assert.deepEqual(settings(required), { tool_choice: { type: 'any' } })
    assert.deepEqual(accept(fit(required)).dropped, ['output_config.effort'])
    const lost = { ...effort('high'), tools: [tool], messages: [user('Hi'), call('a'), result('a')] }
    assert.deepEqual(settings(lost), {})
    assert.deepEqual(accept(fit(lost)).dropped, ['output_config.effort'])
    assert.deepEqual(
      settings(lost, 'claude-opus-5').thinking,
      { type: 'adaptive' },
      'adaptive thinking needs none',
    )
    const signature = { dialect: 'anthropic-messages', kind: 'seal', value: 'Eq' } as const
    const kept: Message = {
      role: 'assistant',
      parts: [{ type: 'reasoning', text: '', signature }, ...call('a').parts] as never,
    }
    const whole = { ...lost, messages: [user('Hi'), kept, result('a')] }
    assert.deepEqual(settings(whole), { thinking: { type: 'enabled', budget_tokens: 24_576 } })
    assert.deepEqual(accept(fit(whole)).dropped, [])
    const over = { ...lost, messages: [...lost.messages, said('Done'), user('Again')] }
    assert.deepEqual(settings(over), { thinking: { type: 'enabled', budget_tokens: 24_576 } })
  })

  const refusals: Record<string, [Partial<ChatRequest>, string, string | undefined]> = {
    'a temperature above 1': [{ temperature: 1.2 }, 'claude-sonnet-4-5', 'temperature'],
    'a temperature that fits': [{ temperature: 0.2 }, 'claude-sonnet-4-5', undefined],
    'a temperature while thinking': [
      { temperature: 0.2, ...effort('low') },
      'claude-sonnet-4-5',
      'temperature',
    ],
    'a temperature of a model without one': [{ temperature: 0.2 }, 'claude-opus-4-7', 'temperature'],
    'the usual temperature of such a model': [{ temperature: 1, topP: 1 }, 'claude-opus-5', undefined],
    'both ways of sampling': [{ temperature: 0.2, topP: 0.9 }, 'claude-opus-4-5', 'top_p'],
    'both ways, of an older model': [{ temperature: 0.2, topP: 0.9 }, 'claude-sonnet-4-0', undefined],
    'a stop of white space': [{ stop: ['\n'] }, 'claude-sonnet-4-5', 'stop_sequences'],
    'a forced tool that the model refuses': [
      { tools: [tool], toolChoice: { type: 'tool', name: 'f' } },
      'claude-opus-5-5',
      'tool_choice.name',
    ],
    'a schema with keys of the model’s choice': [
      {
        format: { type: 'json-schema', schema: { type: 'object', additionalProperties: { type: 'string' } } },
      },
      'claude-sonnet-4-5',
      'output_config.format',
    ],
    'a schema, of a model without': [
      { format: { type: 'json-schema', schema: { type: 'string' } } },
      'claude-sonnet-4-0',
      'output_config.format',
    ],
    'any JSON': [{ format: { type: 'json' } }, 'claude-opus-5', 'json'],
    'a beginning of the answer': [{ messages: [user('Hi'), said('So')] }, 'claude-sonnet-4-5', undefined],
    'a beginning, of a newer model': [{ messages: [user('Hi'), said('So')] }, 'claude-opus-4-6', 'messages'],
    'a picture of another format': [
      {
        messages: [
          {
            role: 'user',
            parts: [{ type: 'image', source: { kind: 'data', mediaType: 'image/tiff', base64: 'AAAA' } }],
          },
        ],
      },
      'claude-opus-5',
      'messages[].content[].source',
    ],
    'a file kept elsewhere': [
      {
        messages: [
          {
            role: 'user',
            parts: [{ type: 'file', source: { kind: 'id', id: 'x', dialect: 'openai-chat' } }],
          },
        ],
      },
      'claude-opus-5',
      'messages[].content[].source',
    ],
    'penalties of nothing': [{ frequencyPenalty: 0, presencePenalty: 0 }, 'claude-opus-5', undefined],
    'a penalty': [{ frequencyPenalty: 0.5 }, 'claude-opus-5', 'frequency_penalty'],
  }
  for (const [name, [request, model, param]] of Object.entries(refusals)) {
    test(`${param === undefined ? 'take' : 'refuse'} ${name}`, () => {
      const fitted = fit(request, model)
      assert.equal(fitted.ok ? undefined : fitted.detail?.param, param)
      if (param !== undefined) assert.equal(accept(fit(request, model, 'drop')).dropped.includes(param), true)
    })
  }

  test('sample as asked, and say no default to a model that refuses to be told', () => {
    assert.deepEqual(settings({ temperature: 0.2, topK: 3 }), { temperature: 0.2, top_k: 3 })
    assert.deepEqual(settings({ temperature: 1, topP: 0.9 }), { top_p: 0.9 })
    assert.deepEqual(settings({ temperature: 0.3, topP: 1 }), { temperature: 0.3 })
    assert.deepEqual(settings({ temperature: 1, topP: 1 }, 'claude-opus-5'), {})
  })

  test('choose among tools', () => {
    const two = { tools: [tool, { ...tool, name: 'g' }] }
    const choose = (toolChoice: NonNullable<ChatRequest['toolChoice']>, parallelToolCalls?: boolean) =>
      render({ ...two, toolChoice, ...(parallelToolCalls !== undefined && { parallelToolCalls }) })
    assert.deepEqual(choose({ type: 'none' }, false).tool_choice, { type: 'none' })
    assert.deepEqual(choose({ type: 'required' }, false).tool_choice, {
      type: 'any',
      disable_parallel_tool_use: true,
    })
    assert.deepEqual(choose({ type: 'tool', name: 'g' }).tool_choice, { type: 'tool', name: 'g' })
    assert.deepEqual(render({ ...two, parallelToolCalls: false }).tool_choice, {
      type: 'auto',
      disable_parallel_tool_use: true,
    })
    const allowed = choose({ type: 'allowed', mode: 'required', names: ['g'] })
    assert.deepEqual(allowed.tool_choice, { type: 'any' })
    assert.deepEqual(
      (allowed.tools as Json[]).map(({ name }) => name),
      ['g'],
    )
  })

  test('close a schema, and move into words what the decoder refuses', () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        age: { type: 'integer', minimum: 0, description: 'Years' },
        pattern: { type: 'string', pattern: '^a', format: 'uri' },
        tags: {
          type: 'array',
          items: { $ref: '#/$defs/tag', description: 'A tag' },
          minItems: 1,
          maxItems: 3,
        },
        either: { oneOf: [{ type: 'null' }, { type: 'string', format: 'color' }] },
      },
      required: ['age'],
      $defs: { tag: { type: 'string', enum: ['a', 'b'] } },
    }
    const { output_config: config } = render({ format: { type: 'json-schema', name: 'x', schema } })
    assert.deepEqual(config, {
      format: {
        type: 'json_schema',
        schema: {
          type: 'object',
          properties: {
            age: { type: 'integer', description: 'Years\n\n{minimum: 0}' },
            pattern: { type: 'string', format: 'uri', description: '{pattern: "^a"}' },
            tags: {
              type: 'array',
              items: { $ref: '#/$defs/tag' },
              minItems: 1,
              description: '{maxItems: 3}',
            },
            either: { anyOf: [{ type: 'null' }, { type: 'string', description: '{format: "color"}' }] },
          },
          required: ['age'],
          $defs: { tag: { type: 'string', enum: ['a', 'b'] } },
          additionalProperties: false,
        },
      },
    })
  })

  test('pass a tool’s schema whole unless it is strict', () => {
    const schema = {
      type: 'object',
      properties: { a: { type: 'integer', minimum: 1 } },
      $defs: {},
      anyOf: [{}],
    }
    const sent = (strict?: boolean, model?: string) =>
      (
        render({ tools: [{ ...tool, schema, ...(strict !== undefined && { strict }) }] }, model)
          .tools as Json[]
      )[0]
    assert.deepEqual(sent(), { name: 'f', input_schema: schema })
    assert.deepEqual(sent(true, 'claude-sonnet-4-0'), { name: 'f', input_schema: schema })
    assert.deepEqual(sent(true), {
      name: 'f',
      strict: true,
      input_schema: {
        type: 'object',
        properties: { a: { type: 'integer', description: '{minimum: 1}' } },
        $defs: {},
        anyOf: [{}],
        additionalProperties: false,
      },
    })
    assert.deepEqual((render({ tools: [{ type: 'function', name: 'f' }] }).tools as Json[])[0], {
      name: 'f',
      input_schema: { type: 'object', properties: {} },
    })
  })
})
