import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import type { Clock } from '#platform'
import { atEnd } from '../../test/support/cleanup.ts'
import { assertRefused, egressFor } from '../../test/support/egress.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startTlsServer } from '../../test/support/tls-server.ts'

describe('time', () => {
  it('ends a fetch whose answer drips for ever', async () => {
    const clock = handClock()
    const server = await startTlsServer((_, response) => {
      response.writeHead(200).write('x')
      const drip = setInterval(() => response.write('x'), 5)
      response.on('close', () => clearInterval(drip))
    })
    const fetching = egressFor({ clock, timeoutMs: 5_000 }).fetch(
      `https://files.sluice.test:${server.port}/`,
      { mostBytes: 1e6 },
    )
    await eventually('a request comes', () => server.requests.length === 1)
    clock.advance(4_999)
    assert.equal(await Promise.race([fetching, pause(60)]), 'still waiting')
    clock.advance(1)
    assertRefused(await fetching, 'timeout', /within 5 seconds/)
    await eventually('the connection is closed', () => server.sockets.size === 0)
  })

  it('ends a fetch that redirects slowly: it is counted over all of it', async () => {
    const clock = handClock()
    const server = await startTlsServer((request, response) => {
      if (request.url === '/2') return // never
      clock.advance(4_000)
      response.writeHead(302, { location: '/2' }).end()
    })
    const url = `https://files.sluice.test:${server.port}/1`
    const fetching = egressFor({ clock, timeoutMs: 5_000 }).fetch(url, { mostBytes: 9 })
    await eventually('a request comes', () => server.requests.length === 2)
    clock.advance(1_000)
    assertRefused(await fetching, 'timeout', /5 seconds/)
  })

  it('ends a look-up that nobody answers', async () => {
    const clock = handClock()
    const fetching = egressFor({ clock, resolve: () => new Promise(() => {}) }).fetch(
      'https://files.sluice.test/',
      { mostBytes: 9 },
    )
    clock.advance(10_000)
    assertRefused(await fetching, 'timeout', /10 seconds/)
  })

  it('ends a handshake that nobody answers, and its connection', async () => {
    const clock = handClock()
    const silent = await startSilentServer()
    const fetching = egressFor({ clock }).fetch(`https://files.sluice.test:${silent.port}/`, { mostBytes: 9 })
    await eventually('a connection comes', () => silent.open() === 1)
    clock.advance(10_000)
    assertRefused(await fetching, 'timeout', /10 seconds/)
    await eventually('the connection is closed', () => silent.open() === 0)
  })

  it('leaves no timer behind when it was not needed', async () => {
    const clock = handClock()
    const server = await startTlsServer((_, response) => response.end('here'))
    await egressFor({ clock }).fetch(`https://files.sluice.test:${server.port}/`, { mostBytes: 9 })
    assert.equal(clock.timers(), 0)
  })
})

describe('a fetch that is given up', () => {
  it('ends at once when its caller hangs up, and is not begun when the caller has already', async () => {
    const silent = await startSilentServer()
    const caller = new AbortController()
    const url = `https://files.sluice.test:${silent.port}/`
    const fetching = egressFor().fetch(url, { mostBytes: 9, signal: caller.signal })
    await eventually('a connection comes', () => silent.open() === 1)
    caller.abort()
    assertRefused(await fetching, 'unreachable', /given up/)
    await eventually('the connection is closed', () => silent.open() === 0)
    const late = egressFor({ resolve: () => assert.fail('looked up') })
    assertRefused(await late.fetch(url, { mostBytes: 9, signal: caller.signal }), 'unreachable', /given up/)
  })

  it('waits for no look-up that began as it was given up', { timeout: 10_000 }, async () => {
    const caller = new AbortController()
    const resolve = (): Promise<string[]> => {
      caller.abort()
      return new Promise(() => {})
    }
    const options = { mostBytes: 9, signal: caller.signal }
    const result = await egressFor({ resolve }).fetch('https://files.sluice.test/', options)
    assertRefused(result, 'unreachable', /given up/)
  })

  it('ends at once at whatever moment that is, over TLS and without', { timeout: 60_000 }, async () => {
    const silent = await startSilentServer()
    const egress = egressFor({ allowHosts: [`files.sluice.test:${silent.port}`] })
    for (const scheme of ['https', 'http'])
      for (let moment = 0; moment < 80; moment++) {
        const caller = new AbortController()
        const url = `${scheme}://files.sluice.test:${silent.port}/`
        const fetching = egress.fetch(url, { mostBytes: 9, signal: caller.signal })
        for (let i = 0; i < moment % 60; i++) await undefined // a turn of promises each
        for (let i = 60; i < moment; i++) await new Promise(setImmediate) // and then of the loop
        caller.abort()
        assertRefused(await fetching, 'unreachable', /given up/)
      }
    await eventually('the connections are closed', () => silent.open() === 0)
  })

  it('ends with the egress', async () => {
    const silent = await startSilentServer()
    const egress = egressFor()
    const fetching = egress.fetch(`https://files.sluice.test:${silent.port}/`, { mostBytes: 9 })
    await eventually('a connection comes', () => silent.open() === 1)
    await egress.close()
    assertRefused(await fetching, 'unreachable', /given up/)
    await eventually('the connection is closed', () => silent.open() === 0)
  })
})

async function pause(ms: number): Promise<string> {
  return await new Promise(resolve => setTimeout(() => resolve('still waiting'), ms))
}

/** Takes connections and says nothing. */
async function startSilentServer(): Promise<{ port: number; open(): number }> {
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.resume()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  atEnd(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  const address = server.address()
  return { port: typeof address === 'object' && address ? address.port : 0, open: () => sockets.size }
}

/** A clock that goes by hand. */
function handClock(): Clock & { advance(ms: number): void; timers(): number } {
  const due = new Map<() => void, number>()
  let now = 0
  return {
    now: () => now,
    monotonic: () => now,
    after(ms, work) {
      const timer = (): void => work()
      due.set(timer, now + ms)
      return () => due.delete(timer)
    },
    advance(ms) {
      now += ms
      for (const [timer, at] of due) {
        if (at > now) continue
        due.delete(timer)
        timer()
      }
    },
    timers: () => due.size,
  }
}
