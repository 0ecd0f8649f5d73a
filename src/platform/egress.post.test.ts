import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import { assertRefused, egressFor } from '../../test/support/egress.ts'
import { startPlainServer, startTlsServer } from '../../test/support/tls-server.ts'

const sent = {
  headers: { 'content-type': 'application/json', 'x-of-ours': '1' },
  body: Buffer.from('{"a":1}'),
}

async function read(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

describe('a post', () => {
  it('brings a body and its headers to a checked address, and tells the status alone', async () => {
    let body = ''
    const server = await startTlsServer(async (request, response) => {
      body = `${request.method} ${request.headers['x-of-ours']} ${await read(request)}`
      response.writeHead(503, { 'retry-after': '7', 'set-cookie': 'a=b' }).end('busy')
    })
    const reply = await egressFor().post(`https://files.sluice.test:${server.port}/hook?x=1`, sent)
    assert.deepEqual(reply, { ok: true, status: 503, retryAfter: '7' })
    assert.equal(body, 'POST 1 {"a":1}')
    assert.equal(server.requests[0]?.path, '/hook?x=1')
  })

  it('does not follow a redirect, which could lead anywhere', async () => {
    const server = await startTlsServer((_, response) =>
      response.writeHead(307, { location: 'https://127.0.0.1/' }).end(),
    )
    const reply = await egressFor().post(`https://files.sluice.test:${server.port}/`, sent)
    assert.deepEqual(reply, { ok: true, status: 307, retryAfter: undefined })
    assert.equal(server.requests.length, 1)
  })

  it('goes to public addresses over https alone, unless the owner named the host', async () => {
    const server = await startPlainServer((_, response) => response.end())
    const host = `127.0.0.1:${server.port}`
    assertRefused(await egressFor().post(`http://${host}/`, sent), 'not_allowed', /^Only https/)
    assertRefused(await egressFor().post('https://10.0.0.1/', sent), 'not_allowed', /not a public address/)
    assert.equal(server.requests.length, 0)
    const named = await egressFor({ allowHosts: [host] }).post(`http://${host}/`, sent)
    assert.deepEqual(named, { ok: true, status: 200, retryAfter: undefined })
  })

  it('to a server that says nothing ends with `close`', async () => {
    const arrived = Promise.withResolvers<void>()
    const server = await startTlsServer(() => arrived.resolve())
    const egress = egressFor()
    const reply = egress.post(`https://files.sluice.test:${server.port}/`, sent)
    await arrived.promise
    await egress.close()
    assertRefused(await reply, 'unreachable', /given up/)
  })
})
