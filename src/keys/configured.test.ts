import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ConfiguredKey, ConfiguredKeysError, indexConfiguredKeys } from './configured.ts'
import { digest } from './credential.ts'

const web: ConfiguredKey = { name: 'web', key: 'sk-my-own', organization: 'acme', project: 'shop' }

describe('configured keys', () => {
  it('may be any string', () => {
    const keys = indexConfiguredKeys([web, { ...web, name: 'odd', key: 'ключ 🔑', models: ['fast'] }])
    assert.deepEqual(keys.find(digest('sk-my-own')), {
      caller: { organization: 'acme', project: 'shop', keyId: 'config/web', keyName: 'web', role: 'key' },
    })
    assert.deepEqual(keys.find(digest('ключ 🔑'))?.caller.models, ['fast'])
    assert.equal(keys.find(digest('sk-my-ow')), undefined)
  })

  it('are no admin keys, whatever they are named', () => {
    const keys = indexConfiguredKeys([{ ...web, name: 'admin' }], 'the admin key')
    assert.equal(keys.find(digest('sk-my-own'))?.caller.role, 'key')
    assert.equal(keys.find(digest('the admin key'))?.caller.role, 'admin')
    assert.equal(keys.hasAdmin, true)
  })

  it('are refused when they cannot be told apart, or end at no time', () => {
    const wrong: [readonly ConfiguredKey[], string?][] = [
      [[web, { ...web, name: 'app' }]],
      [[web, { ...web, key: 'sk-another' }]],
      [[web], web.key],
      [[{ ...web, key: '' }]],
      [[], ''],
      [[{ ...web, expires_at: 'some day' }]],
    ]
    for (const [keys, adminKey] of wrong) {
      assert.throws(() => indexConfiguredKeys(keys, adminKey), ConfiguredKeysError)
    }
  })

  it('never name a value in an error', () => {
    assert.throws(
      () => indexConfiguredKeys([web, { ...web, name: 'app' }]),
      (cause: Error) => !cause.message.includes(web.key) && cause.message.includes('`web`'),
    )
  })
})
