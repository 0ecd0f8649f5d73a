import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Type } from 'typebox'
import { checkEgress, createEgress, egressConfig, loadConfig, renderProblems, systemClock } from '#platform'

const schema = Type.Object({ egress: egressConfig }, { additionalProperties: false })

function read(text: string): ReturnType<typeof loadConfig<typeof schema>> {
  return loadConfig({
    schema,
    checks: [{ reads: ['egress'], check: checkEgress }],
    text,
    file: 'sluice.yaml',
    env: {},
  })
}

describe('the section on egress', () => {
  it('has its defaults: on, bounded, and no host exempt', () => {
    const loaded = read('egress:')
    assert.deepEqual(loaded.ok && loaded.config.egress, {
      enabled: true,
      timeout: 10_000,
      max_bytes: 20 * 1024 * 1024,
      allow_hosts: [],
    })
  })

  const right = [
    'files.internal',
    'Files_2.internal:8080',
    '10.0.0.5',
    '10.0.0.5:80',
    '[fd00::1]',
    '[fd00::1]:443',
  ]
  it('takes every host that it accepts', async () => {
    const loaded = read(`egress: { enabled: false, allow_hosts: ${JSON.stringify(right)} }`)
    assert.ok(loaded.ok, loaded.ok ? '' : renderProblems(loaded.problems, ''))
    const { enabled, timeout, allow_hosts } = loaded.config.egress
    const egress = createEgress({
      enabled,
      clock: systemClock,
      timeoutMs: timeout,
      maxRedirects: 3,
      allowHosts: allow_hosts,
    })
    await egress.close()
  })

  const wrong = [
    '',
    '*',
    '*.internal',
    'https://a',
    'a/b',
    'a@b',
    'a:',
    'a:b',
    'a b',
    'fd00::1',
    'a:1:2',
    'a#',
  ]
  const noHost = ['1.2.3.4.5', '256.256.256.256', 'a:0', 'a:65536', '[::1::]', 'a.0x1g.9']
  for (const host of [...wrong, ...noHost]) {
    it(`says where a host is none: ${JSON.stringify(host)}`, () => {
      const loaded = read(`egress: { allow_hosts: [files.internal, ${JSON.stringify(host)}] }`)
      assert.ok(!loaded.ok, 'it was accepted')
      assert.deepEqual(
        loaded.problems.map(({ path }) => path),
        ['egress.allow_hosts[1]'],
      )
    })
  }
})
