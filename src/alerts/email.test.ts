import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '#platform'
import { eventually } from '../../test/support/eventually.ts'
import { testCertificate } from '../../test/support/tls-server.ts'
import { VirtualClock } from '../../test/support/virtual-clock.ts'
import { alertOf } from './desk.contract.ts'
import type { Told } from './destination.ts'
import { type EmailOptions, sendEmail } from './email.ts'
import { startSmtpServer } from './smtp-server.contract.ts'

const told: Told = {
  ...alertOf({ title: 'Budget of Zoë is used up.', detail: { subject: 'acme/Zoë' } }),
  id: '0'.repeat(32),
  raisedAtMs: Date.UTC(2026, 2, 14),
}

function optionsFor(port: number, more: Partial<EmailOptions> = {}): EmailOptions {
  return {
    name: 'mail',
    host: '127.0.0.1',
    port,
    security: 'starttls',
    user: undefined,
    password: undefined,
    from: 'Sluice <sluice@acme.test>',
    to: ['ops@acme.test', 'Boss <boss@acme.test>'],
    clock: systemClock,
    timeoutMs: 10_000,
    ca: testCertificate,
    ...more,
  }
}

const send = (port: number, more: Partial<EmailOptions> = {}, signal = new AbortController().signal) =>
  sendEmail(optionsFor(port, more), told, signal)

describe('an alert by e-mail', () => {
  it('is brought to a mail server over TLS, to everybody, with an id by which it is known again', async () => {
    const server = await startSmtpServer({ login: 'sluice\0pass word' })
    assert.deepEqual(await send(server.port, { user: 'sluice', password: 'pass word' }), { ok: true })
    const [mail] = server.mails
    assert.ok(mail)
    assert.deepEqual(
      [mail.from, mail.to, mail.wasSecure],
      ['sluice@acme.test', ['ops@acme.test', 'boss@acme.test'], true],
    )
    assert.match(mail.text, /^Message-ID: <alert_0+\.mail@acme\.test>\r$/m)
    assert.match(mail.text, /^Date: Sat, 14 Mar 2026 00:00:00 \+0000\r$/m)
    assert.match(mail.text, /^Subject: =\?UTF-8\?/m)
    assert.match(mail.text, /acme\/Zo=C3=AB/)
    await eventually('the server is left politely', () => server.commands.at(-1) === 'QUIT')
  })

  it('is not sent to a server that offers no TLS, unless the owner wants none', async () => {
    const server = await startSmtpServer({ offersTls: false })
    const refused = await send(server.port)
    assert.equal(refused.ok, false)
    assert.equal(server.mails.length, 0)
    assert.deepEqual(await send(server.port, { security: 'none' }), { ok: true })
    assert.equal(server.mails[0]?.wasSecure, false)
  })

  it('is not sent to a server whose certificate nobody vouches for', async () => {
    const server = await startSmtpServer()
    assert.equal((await send(server.port, { ca: undefined })).ok, false)
    assert.equal(server.mails.length, 0)
  })

  it('says why it failed, and nothing of the password', async () => {
    const closed = await startSmtpServer({ login: 'sluice\0right' })
    const login = { user: 'sluice', password: 'wr0ng-secret' }
    assert.deepEqual(await send(closed.port, login), {
      ok: false,
      error: 'The mail server did not take the user and password.',
    })
    const full = await startSmtpServer({ says: { MAIL: '452 4.3.1 no room' } })
    const refused = await send(full.port)
    assert.match(refused.ok ? '' : refused.error, /^The mail server failed: .*452 4\.3\.1 no room/)
    const nobody = await send(1)
    assert.match(nobody.ok ? '' : nobody.error, /ECONNREFUSED/)
  })

  it('reaches those whom the server knows, though it does not know all', async () => {
    const server = await startSmtpServer()
    const to = ['ops@acme.test', 'nobody@acme.test']
    assert.deepEqual(await send(server.port, { to }), { ok: true })
    assert.deepEqual(server.mails[0]?.to, to)
  })

  it('to a server that says nothing ends in time, and when it is given up', async () => {
    const silent = await startSmtpServer({ says: { EHLO: undefined } })
    const clock = new VirtualClock()
    const late = send(silent.port, { clock })
    await eventually('it has been greeted', () => silent.commands.length === 1)
    await clock.pass(10_000)
    assert.deepEqual(await late, { ok: false, error: 'The conversation took more than 10 seconds.' })
    const end = new AbortController()
    const given = send(silent.port, { clock }, end.signal)
    await eventually('it has been greeted', () => silent.commands.length === 2)
    end.abort()
    assert.deepEqual(await given, { ok: false, error: 'It was given up.' })
    assert.equal(clock.timers, 0)
  })
})
