import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { seededChance } from '../../test/support/virtual-clock.ts'
import { waitAfter } from './retry.ts'
import { readReply, sign } from './webhook.ts'

describe('a signature of Standard Webhooks', () => {
  it('is that of the published vector', () => {
    // https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/javascript/src/webhook.test.ts
    const signature = sign('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp: '1614265330',
      body: Buffer.from('{"test": 2432232314}'),
    })
    assert.equal(signature, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  })

  it('is taken by the official verifier, whatever the secret and the body, also beside another', () => {
    const secrets = fc.uint8Array({ minLength: 24, maxLength: 64 })
    fc.assert(
      fc.property(secrets, secrets, fc.json(), (bytes, otherBytes, json) => {
        const [secret, other] = [bytes, otherBytes].map(of => `whsec_${Buffer.from(of).toString('base64')}`)
        const timestamp = String(Math.floor(Date.now() / 1_000))
        const of = { id: 'alert_1', timestamp, body: Buffer.from(json) }
        const headers = {
          'webhook-id': of.id,
          'webhook-timestamp': timestamp,
          'webhook-signature': `${sign(other ?? '', of)} ${sign(secret ?? '', of)}`,
        }
        assert.deepEqual(new Webhook(secret ?? '').verify(json, headers), JSON.parse(json))
      }),
    )
  })
})

describe('an answer to a webhook', () => {
  const read = (status: number, retryAfter?: string) => readReply({ ok: true, status, retryAfter }, 1_000_000)

  it('is a success at any 2xx, and at nothing else', () => {
    for (const status of [200, 202, 204, 299]) assert.deepEqual(read(status), { ok: true })
    for (const status of [301, 307, 400, 404, 410, 429, 500, 503]) assert.equal(read(status).ok, false)
  })

  it('may ask to be left alone for some seconds or until a date, and nonsense asks for nothing', () => {
    const waits = ['120', 'Thu, 01 Jan 1970 00:20:00 GMT', 'soon', '-1', 'Thu, 01 Jan 1970 00:00:00 GMT']
    const asked = waits.map(text => {
      const delivery = read(503, text)
      return delivery.ok ? undefined : delivery.waitMs
    })
    assert.deepEqual(asked, [120_000, 200_000, undefined, undefined, undefined])
  })
})

describe('the waits between attempts', () => {
  it('are never shorter than the schedule and never much longer, whatever a receiver asks for', () => {
    const schedule = [5, 300, 1_800, 7_200, 18_000, 36_000, 23_095]
    fc.assert(
      fc.property(fc.nat(1_000), fc.nat(10 ** 9), (seed, askedMs) => {
        const chance = seededChance(seed)
        for (const [n, seconds] of schedule.entries()) {
          const waitMs = waitAfter(n + 1, { askedMs, chance }) ?? assert.fail('it is given up')
          assert.ok(waitMs >= seconds * 1_000 && waitMs <= Math.max(seconds * 1_100, 6 * 3_600_000))
        }
        assert.equal(waitAfter(schedule.length + 1, { chance }), undefined)
      }),
    )
  })
})
