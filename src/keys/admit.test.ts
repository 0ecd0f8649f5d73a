import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Caller } from '#exchange'
import { admit } from './admit.ts'

const caller = (models?: string[]): Caller => ({
  organization: 'acme',
  project: 'shop',
  keyId: 'config/web',
  keyName: 'web',
  role: 'key',
  ...(models && { models }),
})

describe('admit', () => {
  it('lets a key without a list use every model', () => {
    assert(admit(caller(), 'openai/gpt-5').ok)
  })

  it('lets only keys with the permission have requests passed through, and with a list only for its models', () => {
    const passthrough = {
      family: 'openai',
      method: 'GET',
      path: '/v1/files',
      query: '',
      provider: undefined,
    } as const
    const codeOf = (who: Caller, model: string): string => {
      const decision = admit(who, model, passthrough)
      return decision.ok ? 'ok' : decision.code
    }
    const may = { ...caller(), passthrough: true }
    const listed = { ...caller(['draw']), passthrough: true }
    assert.deepEqual(
      [codeOf(caller(), ''), codeOf(caller(), 'draw'), codeOf(may, ''), codeOf(may, 'draw')],
      ['permission_denied', 'permission_denied', 'ok', 'ok'],
    )
    assert.deepEqual(
      [codeOf(listed, ''), codeOf(listed, 'draw'), codeOf(listed, 'speak')],
      ['permission_denied', 'ok', 'model_not_allowed'],
    )
    assert.equal(codeOf({ ...caller(), role: 'admin' }, ''), 'ok')
  })

  it('matches whole names, and patterns up to their star', () => {
    const may = caller(['smart', 'openai/*'])
    for (const model of ['smart', 'openai/gpt-5', 'openai/']) assert(admit(may, model).ok, model)
    for (const model of ['smarter', 'smar', 'openai', 'Smart', 'azure/openai/gpt-5', '']) {
      assert(!admit(may, model).ok, model)
    }
    assert(admit(caller(['*']), 'anything').ok)
  })

  it('lets a key with an empty list use nothing', () => {
    assert(!admit(caller([]), 'smart').ok)
  })

  it('names what the key may use, in bounded length', () => {
    const refusal = admit(caller(['smart', 'openai/*']), 'x'.repeat(10_000))
    assert(!refusal.ok && refusal.code === 'model_not_allowed')
    assert.match(refusal.message, /It may use: smart, openai\/\*\.$/)
    assert(refusal.message.length < 300)
    const many = admit(caller(Array.from({ length: 30 }, (_, n) => `m${n}`)), 'x')
    assert(!many.ok)
    assert.match(many.message, /m19 and 10 more\.$/)
  })
})
