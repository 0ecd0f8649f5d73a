import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Asked, accept, type CallerDialect, type Decision } from '#exchange'
import { addressFor } from './address.ts'
import { parsePassthrough } from './parse-request.ts'
import { PassingTap } from './tap.ts'
import { readPassedUsage } from './usage.ts'

const jsonType = 'application/json'
const formType = 'multipart/form-data; boundary=XX'

interface Given {
  method?: string
  url?: string
  contentType?: string
  body?: string | Buffer
  provider?: string
  dialect?: CallerDialect
}

function parse(given: Given): Decision<Asked> {
  const { method = 'POST', url = '/v1/images/generations', contentType = jsonType, body = '' } = given
  return parsePassthrough(
    { method, url, contentType, body: Buffer.from(body), provider: given.provider },
    given.dialect ?? 'openai-chat',
  )
}

const part = (name: string, value: string): string =>
  `--XX\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`

describe('the address of a request that is passed through', () => {
  it('is taken when each of its steps says plainly what it is', () => {
    for (const url of [
      '/v1/files/file-abc.1/content',
      '/v1/vector_stores/vs_1/files/',
      '/v1/models/ft:gpt-4o:acme::1',
      '/v1/a/%20%C3%A9%40%3A',
      '/v1beta/models/a/b:predict',
      '/upload/v1beta/files?uploadType=media&x=a%2Fb/../c',
    ])
      assert.ok(parse({ url }).ok, url)
  })

  it('never reaches the provider with a step that is dots, or a character in disguise', () => {
    const step = fc.constantFrom(
      '..',
      '.',
      '%2e',
      '%2E',
      'a',
      '%2f',
      '%5c',
      '\\',
      '',
      '%25',
      '%41',
      '%00',
      '%0a',
    )
    const property = fc.property(
      fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
      steps => {
        const url = `/v1/${steps.map(parts => parts.join('')).join('/')}`
        const decision = parse({ url, method: 'GET' })
        if (!decision.ok) return
        const { passthrough } = decision.value
        assert.ok(passthrough)
        const { own } = addressFor(passthrough, '')
        assert.equal(new URL(`http://x/base${own}`).pathname, `/base${own}`)
        assert.equal(decodeURIComponent(own), own)
      },
    )
    fc.assert(property)
  })

  it('loses what may be a credential, and nothing else of its query', () => {
    const queryOf = (query: string): string | undefined =>
      accept(parse({ url: `/v1/files?${query}` })).passthrough?.query
    assert.equal(queryOf('a=1&key=secret&b=%zz&a=2&flag'), 'a=1&b=%zz&a=2&flag')
    assert.equal(queryOf('%6Bey=secret&Key=x&access_token=y&api-key=z&monkey=1'), 'monkey=1')
  })

  it('names Gemini’s models, with slashes and as a step of the path', () => {
    const asked = accept(parse({ url: '/v1beta/models/google/veo:predict', dialect: 'gemini' }))
    assert.equal(asked.model, 'google/veo')
    const { passthrough } = asked
    assert.ok(passthrough)
    assert.deepEqual(addressFor(passthrough, 'x/veo'), { upload: false, own: '/models/x%2Fveo:predict' })
  })
})

describe('the model of a request that is passed through', () => {
  it('is exchanged wherever JSON says it, and no other byte with it', () => {
    const asked = accept(parse({ body: '{"model":"b", "x":1.0,"model":"a"}' }))
    assert.equal(asked.model, 'a')
    assert.equal(asked.renderFor('c', new Set()).toString(), '{"model":"c", "x":1.0,"model":"c"}')
  })

  it('is exchanged in a form, whatever bytes its other parts hold', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isFirst) => {
      const file = Buffer.concat([Buffer.from(part('file', '').slice(0, -2)), bytes, Buffer.from('\r\n')])
      const form = (model: string): Buffer => {
        const parts = [Buffer.from(part('model', model)), file]
        return Buffer.concat([...(isFirst ? parts : parts.toReversed()), Buffer.from('--XX--\r\n')])
      }
      const asked = accept(parse({ contentType: formType, body: form('draw') }))
      assert.equal(asked.model, 'draw')
      assert.deepEqual(asked.renderFor('a longer name', new Set()), form('a longer name'))
    })
    fc.assert(property)
  })

  it('is none where nobody could exchange it, and the bytes stay as they are', () => {
    const cases: Given[] = [
      { body: '{"model":7}' },
      { body: '{"model":""}' },
      { body: '[{"model":"a"}]' },
      { body: 'no JSON, whatever its type says' },
      { body: '{"model":"a"}', contentType: 'text/plain' },
      { body: '{"model":"a"}', method: 'DELETE' },
      { body: '{"model":"a"}', url: '/v1/batches' },
      { body: '{"model":"a"}', url: '/v1/messages/batches/x/cancel' },
      { body: `${part('other', 'a')}--XX--`, contentType: formType },
    ]
    for (const given of cases) {
      const asked = accept(parse(given))
      assert.equal(asked.model, '', JSON.stringify(given))
      assert.equal(asked.renderFor('b', new Set()).toString(), given.body)
    }
  })

  it('is refused where two readers might find two of them', () => {
    const twice = `${part('model', 'a')}${part('model', 'b')}--XX--`
    const cases: Given[] = [
      { body: '{"model":"a","Model":"b"}' },
      { body: twice, contentType: formType },
      { body: `${part('model', 'a')}--XX--\r\n${part('model', 'b')}--XX--`, contentType: formType },
      { body: `${part('model', 'a')}--XX--`, contentType: `${formType}; boundary=YY` },
      {
        body: `${part('x', 'a')}--XX--`.replace('name="x"', 'name="x"; name="model"'),
        contentType: formType,
      },
      { body: `${part('x', 'a')}--XX--`.replace('name="x"', "name*=utf-8''model"), contentType: formType },
      { body: `${part('x', 'a')}--XX--`.replace('\r\n\r\n', '\n\n'), contentType: formType },
      { body: part('model', 'a'), contentType: formType },
      { body: `${part('x', part('model', 'a'))}--XX--`, contentType: formType },
      { body: `preamble\r\n${part('model', 'a')}--XX--`, contentType: formType },
      { body: `${part('model', 'a\r\nb')}--XX--`, contentType: formType },
      { body: '{"model":"models/b"}', url: '/v1beta/models/a:predict', dialect: 'gemini' },
    ]
    for (const given of cases) {
      const decision = parse(given)
      assert.ok(!decision.ok && decision.code === 'invalid_request', JSON.stringify(given))
    }
  })

  it('is its provider’s own where the provider is named', () => {
    const provider = 'up'
    assert.equal(accept(parse({ body: '{"model":"a"}', provider })).model, 'up/a')
    assert.equal(accept(parse({ body: '{"model":"up/a"}', provider })).model, 'up/a')
    assert.equal(accept(parse({ body: '{}', provider })).model, '')
  })
})

describe('the usage of an answer that is passed through', () => {
  it('is read in every way that vendors report it', () => {
    const image = {
      input_tokens: 10,
      input_tokens_details: { text_tokens: 4, image_tokens: 6 },
      output_tokens: 9,
      output_tokens_details: { image_tokens: 8, text_tokens: 1 },
    }
    const heard = { input_tokens: 5, input_token_details: { audio_tokens: 4 }, output_tokens: 2 }
    const cases: [Parameters<typeof readPassedUsage>, object | undefined][] = [
      [['openai', { usage: image }], { input: 4, imageInput: 6, output: 1, imageOutput: 8 }],
      [['openai', { usage: heard }], { input: 1, audioInput: 4, output: 2 }],
      [['openai', { usage: { prompt_tokens: 3, completion_tokens: 1 } }], { input: 3, output: 1 }],
      [['openai', { usage: { total_tokens: 7 } }], { input: 7 }],
      [['openai', { usage: { type: 'duration', seconds: 3 } }], undefined],
      [['openai', { usage: 'much' }], undefined],
      [['openai', {}], undefined],
      [['anthropic', { usage: { input_tokens: 2, output_tokens: 1 } }], { input: 2, output: 1 }],
      [['gemini', { usageMetadata: { promptTokenCount: 2, totalTokenCount: 3 } }], { input: 2, output: 1 }],
    ]
    for (const [given, expected] of cases)
      assert.deepEqual(readPassedUsage(...given), expected, JSON.stringify(given))
  })

  it('is found in events wherever they are split, and every byte passed on', () => {
    const usage = { input_tokens: 3, output_tokens: 2 }
    const bytes = Buffer.from(`data: {"a":1}\n\ndata: ${JSON.stringify({ usage })}\n\ndata: [DONE]\n\n`)
    for (let at = 0; at <= bytes.length; at += 1) {
      const tap = new PassingTap({ isEvents: true, readUsage: event => readPassedUsage('openai', event) })
      const out = Buffer.concat([tap.push(bytes.subarray(0, at)), tap.push(bytes.subarray(at)), tap.finish()])
      assert.ok(out.equals(bytes))
      assert.deepEqual([tap.facts.usage, tap.facts.ended], [{ input: 3, output: 2 }, true])
    }
  })

  it('is not looked for in an event without end', () => {
    const tap = new PassingTap({ isEvents: true, readUsage: () => ({ input: 1 }) })
    const piece = Buffer.alloc(6 * 1024 * 1024, 'x')
    for (let n = 0; n < 4; n += 1) assert.equal(tap.push(piece), piece)
    assert.equal(tap.facts.usage, undefined)
  })
})
