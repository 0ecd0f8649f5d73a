import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { eventually } from './support/eventually.ts'
import { startSluice } from './support/sluice.ts'
import { startUpstream } from './support/upstream.ts'

const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`

interface Alert {
  id: string
  kind: string
  status: string
  deliveries: { destination: string; state: string }[]
}

describe('alerts of a server that runs', () => {
  it('arrive signed, are listed and acknowledged, survive a kill, and say no secret', async () => {
    const hook = await startUpstream((_, response) => void response.writeHead(204).end())
    const broke = await startUpstream((_, response) => {
      const error = { code: 'insufficient_quota', type: 'insufficient_quota', message: 'You have no credit.' }
      response.writeHead(429, { 'content-type': 'application/json' }).end(JSON.stringify({ error }))
    })
    const address = hook.url.replace('/v1', '/a-path-that-nobody-guesses')
    const sluice = await startSluice({
      env: { ALERT_SECRET: secret },
      config: `
providers:
  house: { base_url: '${broke.url}', retries: 0 }
models:
  m: { targets: [house/x] }
alerts:
  destinations:
    ops: { type: webhook, url: '${address}', secret: '\${ALERT_SECRET}', internal: true }
`,
    })
    const ask = async <Answer>(method: string, path: string, body?: object): Promise<Answer> => {
      const response = await fetch(`${sluice.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${sluice.adminKey}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      })
      return (await response.json()) as Answer
    }

    const tested = await ask<{ data: object[] }>('POST', '/sluice/v1/alerts/test')
    assert.deepEqual(tested.data, [{ destination: 'ops', type: 'webhook', delivered: true, error: null }])

    for (let n = 0; n < 3; n++)
      await ask('POST', '/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content: 'hi' }] })
    const request = await eventually('the alert arrives', () => hook.requests[1])
    const payload = new Webhook(secret).verify(request.body, {
      'webhook-id': String(request.headers['webhook-id']),
      'webhook-timestamp': String(request.headers['webhook-timestamp']),
      'webhook-signature': String(request.headers['webhook-signature']),
    }) as { type: string; data: { title: string } }
    assert.equal(payload.type, 'alert.provider_spend_limit')
    assert.match(payload.data.title, /^Provider house has no credit or quota left/)

    const list = (query = '') => ask<{ data: Alert[] }>('GET', `/sluice/v1/alerts${query}`)
    const delivered = await eventually('its delivery is on record', async () => {
      const { data } = await list()
      return data[0]?.deliveries[0]?.state === 'delivered' && data
    })
    assert.equal(delivered.length, 1)
    await sluice.kill()
    await sluice.restart()
    const [alert] = (await list('?status=open')).data
    assert.equal(alert?.id, delivered[0]?.id)
    await ask('POST', `/sluice/v1/alerts/${alert?.id}/acknowledge`)
    assert.equal((await list('?status=acknowledged')).data.length, 1)
    assert.equal(hook.requests.length, 2)
    for (const said of [sluice.stdout(), sluice.stderr()]) {
      assert.ok(!said.includes(secret))
      assert.ok(!said.includes('a-path-that-nobody-guesses'))
    }
  })
})
