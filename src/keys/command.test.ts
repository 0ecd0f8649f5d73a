import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock } from '#platform'
import { runKeysCommand } from './command.ts'

const clock: Clock = { now: () => Date.UTC(2026, 0, 1), monotonic: () => 0, after: () => () => undefined }

const key = {
  id: 'key_1',
  key: 'sk-sluice-secret',
  hint: 'sk-sluice-…cret',
  name: 'web',
  organization: 'acme',
  project: 'shop',
  role: 'key',
  models: ['smart'],
  expires_at: null,
  revoked_at: null,
}

/** Runs a command against an API that gives these answers in order. */
async function run(argv: string[], ...answers: object[]) {
  const asked: unknown[][] = []
  const lines: string[] = []
  const code = await runKeysCommand(argv, {
    async client<Answer>(...request: unknown[]) {
      asked.push(request)
      return JSON.parse(JSON.stringify(answers.shift() ?? assert.fail('asked too much'))) as Answer
    },
    write: line => lines.push(line),
    clock,
  })
  return { code, asked, output: lines.join('\n') }
}

describe('sluice keys', () => {
  it('creates a key from flags and shows it once', async () => {
    const flags = '--name web --organization acme --project shop --models smart,openai/* --expires 30d'
    const { code, asked, output } = await run(['create', ...flags.split(' ')], key)
    assert.equal(code, 0)
    const body = { name: 'web', organization: 'acme', project: 'shop', models: ['smart', 'openai/*'] }
    assert.deepEqual(asked, [
      ['POST', '/sluice/v1/keys', { ...body, expires_at: '2026-01-31T00:00:00.000Z' }],
    ])
    assert.match(output, /sk-sluice-secret/)
  })

  it('lists all pages', async () => {
    const pages = [
      { data: [key], has_more: true, next: 'key_1' },
      { data: [{ ...key, id: 'key_0', models: null }], has_more: false },
    ]
    const { asked, output } = await run(['list', '--organization', 'acme'], ...pages)
    assert.deepEqual(asked, [
      ['GET', '/sluice/v1/keys?organization=acme'],
      ['GET', '/sluice/v1/keys?organization=acme&after=key_1'],
    ])
    assert.match(output, /key_1.*smart.*\nkey_0.*all models/)
  })

  it('revokes a key', async () => {
    const { asked, output } = await run(['revoke', 'key_1'], {
      ...key,
      revoked_at: '2026-01-01T00:00:00.000Z',
    })
    assert.deepEqual(asked, [['DELETE', '/sluice/v1/keys/key_1']])
    assert.match(output, /web \(key_1\) is revoked/)
  })

  it('answers a wrong command line with what is wrong, the usage and exit code 2, and asks nothing', async () => {
    const wrong = [
      'create',
      'create --nmae web',
      'create --name web --expires soon',
      'revoke',
      'revoke a b',
      'delete',
    ]
    for (const line of wrong) {
      const { code, output, asked } = await run(line.split(' '))
      assert.equal(code, 2, line)
      assert.match(output, /Usage:/)
      assert.deepEqual(asked, [])
    }
  })

  it('never turns an empty list of models into all models', async () => {
    const { asked } = await run(['create', '--name', 'web', '--models', ''], key)
    assert.deepEqual(asked[0]?.[2], { name: 'web', models: [] })
  })
})
