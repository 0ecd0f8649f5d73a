import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Type } from 'typebox'
import { configReader } from '#platform'
import { alertsConfig, checkAlerts } from './index.ts'

const secret = `whsec_${Buffer.alloc(24, 1).toString('base64')}`

const read = configReader({
  schema: Type.Object({ alerts: alertsConfig }),
  checks: [{ reads: ['alerts'], check: checkAlerts }],
})

function load(destination: string) {
  return read({
    text: `alerts:\n  destinations:\n    ops: ${destination}\n`,
    file: 'sluice.yaml',
    env: { SECRET: secret },
  })
}

const smtp = 'host: mail.acme.test'
const email = (more: string): string =>
  `{ type: email, from: a@acme.test, to: [b@acme.test], smtp: { ${more} } }`

describe('a destination', () => {
  it('of each type is read with its defaults', () => {
    for (const good of [
      '{ type: webhook, url: https://hooks.acme.test/x, secret: ${SECRET} }',
      '{ type: webhook, url: http://10.0.0.5:8080/x, secret: ${SECRET}, old_secret: ${SECRET}, internal: true }',
      '{ type: slack, url: https://hooks.slack.com/services/T/B/x, kinds: [budget_share], severity: critical }',
      email(smtp),
      email(`${smtp}, user: sluice, password: x, security: tls, port: 465`),
      '{ type: email, from: "Sluice <a@acme.test>", to: ["Ops, all <b@acme.test>"], smtp: { host: localhost, security: none } }',
    ]) {
      const loaded = load(good)
      assert.ok(loaded.ok, `${good}: ${loaded.ok ? '' : JSON.stringify(loaded.problems)}`)
    }
  })

  const wrong: Record<string, [text: string, path: string, message: RegExp]> = {
    'without an address': ['{ type: slack }', 'alerts.destinations.ops', /`url` is missing/],
    'of a webhook without a secret': [
      '{ type: webhook, url: https://a.test }',
      'alerts.destinations.ops',
      /`secret` is missing/,
    ],
    'with a secret that is too short': [
      '{ type: webhook, url: https://a.test, secret: whsec_YWJj }',
      'alerts.destinations.ops.secret',
      /3 bytes/,
    ],
    'with a secret of another kind': [
      '{ type: webhook, url: https://a.test, secret: hunter2-hunter2 }',
      'alerts.destinations.ops.secret',
      /whsec_/,
    ],
    'at an address without TLS': [
      '{ type: slack, url: http://hooks.acme.test/ }',
      'alerts.destinations.ops.url',
      /Only https/,
    ],
    'at an address with a password': [
      '{ type: slack, url: https://u:p@acme.test/ }',
      'alerts.destinations.ops.url',
      /user name or a password/,
    ],
    'with what means nothing to it': [
      '{ type: slack, url: https://a.test, secret: ${SECRET} }',
      'alerts.destinations.ops.secret',
      /means nothing to type `slack`/,
    ],
    'of an unknown type': ['{ type: pager }', 'alerts.destinations.ops.type', /one of webhook, slack, email/],
    'of an unknown kind': [
      '{ type: slack, url: https://a.test, kinds: [budget_shares] }',
      'alerts.destinations.ops.kinds[0]',
      /one of budget_share/,
    ],
    'with a user and no password': [
      email(`${smtp}, user: sluice`),
      'alerts.destinations.ops.smtp',
      /belong together/,
    ],
    'with a password and no TLS': [
      email(`${smtp}, user: sluice, password: x, security: none`),
      'alerts.destinations.ops.smtp.security',
      /not sent without TLS/,
    ],
    'with a line break in an address': [
      '{ type: email, from: "a@acme.test\\r\\nbcc: c@evil.test", to: [b@acme.test], smtp: { host: x } }',
      'alerts.destinations.ops.from',
      /Write an address/,
    ],
  }
  for (const [what, [text, path, message]] of Object.entries(wrong)) {
    it(`${what} is refused, where it stands`, () => {
      const loaded = load(text)
      const problems = loaded.ok ? [] : loaded.problems
      assert.deepEqual(
        problems.map(problem => problem.path),
        [path],
      )
      const { message: said = '', hint = '' } = problems[0] ?? {}
      assert.match(`${said} ${hint}`, message)
      assert.doesNotMatch(`${said} ${hint}`, /hunter2|YWJj/)
    })
  }
})
