import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { assertRefused, egressFor } from '../../test/support/egress.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startPlainServer, startTlsServer } from '../../test/support/tls-server.ts'
import { isPublicAddress } from './egress.address.ts'

describe('a fetch', () => {
  it('brings what is there, over a connection to the checked address, with nothing of ours in it', async () => {
    const server = await startTlsServer((_, response) =>
      response
        .writeHead(200, { 'content-type': 'Image/PNG; charset=x', 'set-cookie': 'a=b' })
        .end(Buffer.from([1, 2, 3])),
    )
    const result = await egressFor().fetch(
      `https://files.sluice.test:${server.port}/a%20b.png?x=1&y=%2F#part`,
      { mostBytes: 3 },
    )
    assert.deepEqual(result, { ok: true, mediaType: 'image/png', bytes: Buffer.from([1, 2, 3]) })
    const [request] = server.requests
    assert.equal(request?.path, '/a%20b.png?x=1&y=%2F')
    assert.equal(request?.servername, 'files.sluice.test')
    const [host, connection] = [`files.sluice.test:${server.port}`, 'close']
    assert.deepEqual(Object.fromEntries(pairs(request?.headers ?? [])), {
      host,
      connection,
      'user-agent': 'sluice',
      accept: '*/*',
      'accept-encoding': 'identity',
    })
    await eventually('the connection is closed', () => server.sockets.size === 0)
  })

  it('may go to an address or to a name with a dot at its end, if the certificate is for it', async () => {
    const server = await startTlsServer((_, response) => response.end('here'))
    for (const host of ['127.0.0.1', 'files.sluice.test.']) {
      const result = await egressFor().fetch(`https://${host}:${server.port}/`, { mostBytes: 4 })
      assert.deepEqual(result, { ok: true, mediaType: undefined, bytes: Buffer.from('here') })
    }
    assert.deepEqual(
      server.requests.map(({ servername }) => servername),
      [undefined, 'files.sluice.test'],
    )
  })

  it('goes on to the next address of a host when there is nobody at the first', async () => {
    const server = await startTlsServer((_, response) => response.end('here'))
    const egress = egressFor({ resolve: async () => ['127.0.0.9', '127.0.0.1'], isPublic: () => true })
    const result = await egress.fetch(`https://files.sluice.test:${server.port}/`, { mostBytes: 4 })
    assert.equal(result.ok, true)
  })

  it('refuses a certificate of another name, and one that nobody vouches for', async () => {
    const server = await startTlsServer((_, response) => response.end('here'))
    const at = (host: string): string => `https://${host}:${server.port}/`
    const wrong = await egressFor().fetch(at('wrong.sluice.test'), { mostBytes: 4 })
    assertRefused(wrong, 'unreachable', /secure connection to wrong\.sluice\.test/)
    const unknown = await egressFor({ ca: undefined }).fetch(at('files.sluice.test'), { mostBytes: 4 })
    assertRefused(unknown, 'unreachable', /secure connection/)
    assert.equal(server.requests.length, 0)
  })

  it('counts only an answer of status 200, and says which other there was', async () => {
    const server = await startTlsServer((request, response) =>
      response.writeHead(Number(request.url?.slice(1))).end('gone'),
    )
    for (const status of [201, 204, 206, 300, 304, 400, 404, 500]) {
      const result = await egressFor().fetch(`https://files.sluice.test:${server.port}/${status}`, {
        mostBytes: 9,
      })
      assertRefused(result, 'bad_status', new RegExp(`status ${status}`))
    }
  })

  it('answers as off when the owner turned it off, and asks nobody', async () => {
    const resolve = (): Promise<string[]> => assert.fail('looked up')
    const egress = egressFor({ enabled: false, resolve, allowHosts: ['files.sluice.test'] })
    assertRefused(await egress.fetch('https://files.sluice.test/', { mostBytes: 1 }), 'off', /not fetched/)
  })

  it('passes on no header by which nobody could tell the type, and none that is not one', async () => {
    const types = [
      'text',
      'a/b\u00a0c',
      ['image/png', 'text/html'],
      'application/vnd.a+json',
      ' TEXT/Plain ;a',
    ]
    const server = await startTlsServer((request, response) => {
      response.setHeader('content-type', types[Number(request.url?.slice(1))] ?? '').end()
    })
    const read = types.map(async (_, i) => {
      const result = await egressFor().fetch(`https://files.sluice.test:${server.port}/${i}`, {
        mostBytes: 1,
      })
      return result.ok ? result.mediaType : result
    })
    assert.deepEqual(await Promise.all(read), [
      undefined,
      undefined,
      undefined,
      'application/vnd.a+json',
      'text/plain',
    ])
  })
})

describe('a look-up', () => {
  it('is made once: a host that changes its address right after has gained nothing', async () => {
    const server = await startTlsServer((_, response) => response.end('here'))
    const asked: string[] = []
    const egress = egressFor({
      resolve: async host => (asked.push(host) === 1 ? ['127.0.0.1'] : ['10.0.0.1']),
    })
    const url = `https://files.sluice.test:${server.port}/`
    assert.equal((await egress.fetch(url, { mostBytes: 9 })).ok, true)
    assert.deepEqual(asked, ['files.sluice.test'])
    assertRefused(await egress.fetch(url, { mostBytes: 9 }), 'not_allowed', /public addresses/)
    assert.equal(server.requests.length, 1)
  })

  it('that brings one address of our own among public ones is refused, and so is one without any, in the same words', async () => {
    const server = await startTlsServer((_, response) => response.end('here'))
    const answers = [
      ['127.0.0.1', '10.0.0.1'],
      ['::ffff:127.0.0.1', '127.0.0.1'],
      ['fe80::1%eth0'],
      ['127.0.0.1', 'nonsense'],
      [],
    ]
    const reasons = new Set<string>()
    for (const addresses of answers) {
      const egress = egressFor({ resolve: async () => addresses })
      const result = await egress.fetch(`https://files.sluice.test:${server.port}/`, { mostBytes: 9 })
      assertRefused(result, 'not_allowed', /public addresses, and only these/)
      if (!result.ok) reasons.add(result.reason)
    }
    assert.equal(reasons.size, 1)
    assert.equal(server.requests.length, 0)
  })

  it('that fails is told without what the system said', async () => {
    const egress = egressFor({ resolve: () => Promise.reject(new Error('ESERVFAIL 10.0.0.53')) })
    const result = await egress.fetch('https://files.sluice.test/', { mostBytes: 9 })
    assert.deepEqual(result, {
      ok: false,
      code: 'unreachable',
      reason: 'The host files.sluice.test could not be looked up.',
    })
  })
})

describe('a redirect', () => {
  it('is followed, relative and to another host, without the cookies of the one before', async () => {
    const server = await startTlsServer((request, response) => {
      const to: Record<string, string> = {
        '/1': '/2?a=b',
        '/2?a=b': `https://other.sluice.test:${server.port}/3`,
      }
      const location = to[request.url ?? '']
      if (location === undefined) return response.end('here')
      return response.writeHead(302, { location, 'set-cookie': 'a=b' }).end('elsewhere')
    })
    const result = await egressFor().fetch(`https://files.sluice.test:${server.port}/1`, { mostBytes: 4 })
    assert.equal(result.ok && result.bytes.toString(), 'here')
    assert.deepEqual(
      server.requests.map(({ path, servername }) => `${servername}${path}`),
      ['files.sluice.test/1', 'files.sluice.test/2?a=b', 'other.sluice.test/3'],
    )
    assert.doesNotMatch(JSON.stringify(server.requests), /cookie|referer/i)
  })

  const refused: Record<string, [location: string, reason: RegExp]> = {
    'to our own network': ['https://10.0.0.1/', /^After a redirect: 10\.0\.0\.1 is not a public/],
    'to ourselves, as IPv6': ['https://[::1]/', /^After a redirect: ::1 is not/],
    'to ourselves, as one number': ['//2130706434/', /^After a redirect: 127\.0\.0\.2 is not/],
    'to a name of our own network': ['https://inside.sluice.test/', /public addresses/],
    'to http': ['http://files.sluice.test/', /Only https/],
    'to a file': ['file:///etc/passwd', /Only https/],
    'to an address with a password': ['https://a:b@files.sluice.test/', /password/],
    'to nowhere': ['https://', /^After a redirect: This is not an address/],
  }
  for (const [where, [location, reason]] of Object.entries(refused)) {
    it(`is refused ${where}`, async () => {
      const server = await startTlsServer((_, response) => response.writeHead(307, { location }).end())
      const egress = egressFor({
        resolve: async host => [host === 'inside.sluice.test' ? '172.16.0.9' : '127.0.0.1'],
      })
      const result = await egress.fetch(`https://files.sluice.test:${server.port}/`, { mostBytes: 9 })
      assertRefused(result, 'not_allowed', reason)
      assert.equal(server.requests.length, 1)
    })
  }

  it('is refused when its host has moved into our own network meanwhile', async () => {
    const server = await startTlsServer((_, response) => response.writeHead(308, { location: '/2' }).end())
    const asked: string[] = []
    const egress = egressFor({
      resolve: async host => [asked.push(host) === 1 ? '127.0.0.1' : '169.254.169.254'],
    })
    const result = await egress.fetch(`https://files.sluice.test:${server.port}/`, { mostBytes: 9 })
    assertRefused(result, 'not_allowed', /public addresses/)
    assert.equal(server.requests.length, 1)
  })

  it('that leads round in a circle ends after as many as are allowed', async () => {
    const server = await startTlsServer((_, response) => response.writeHead(301, { location: '/' }).end())
    const result = await egressFor().fetch(`https://files.sluice.test:${server.port}/`, { mostBytes: 9 })
    assertRefused(result, 'bad_status', /more than 3 redirects/)
    assert.equal(server.requests.length, 4)
  })

  it('that does not say where to is no answer', async () => {
    const server = await startTlsServer((_, response) => response.writeHead(302).end())
    const result = await egressFor().fetch(`https://files.sluice.test:${server.port}/`, { mostBytes: 9 })
    assertRefused(result, 'bad_status', /status 302/)
  })
})

describe('an answer', () => {
  const most = 100_000

  it('that says it is too large is refused before it is read', async () => {
    const server = await startTlsServer((_, response) => {
      response.writeHead(200, { 'content-length': most + 1 }).write('x') // and never more
    })
    const result = await egressFor().fetch(`https://files.sluice.test:${server.port}/`, { mostBytes: most })
    assertRefused(result, 'too_large', /more than 100000 bytes/)
    await eventually('the connection is closed', () => server.sockets.size === 0)
  })

  it('that has no end is read to the bound and no further', async () => {
    const chunk = Buffer.alloc(10_000)
    const server = await startTlsServer((_, response) => {
      const pour = (): void => {
        while (!response.destroyed && response.write(chunk));
      }
      response.on('drain', pour)
      pour()
    })
    const result = await egressFor().fetch(`https://files.sluice.test:${server.port}/`, { mostBytes: most })
    assertRefused(result, 'too_large', /more than 100000 bytes/)
    await eventually('the connection is closed', () => server.sockets.size === 0)
  })

  it('of exactly the bound is whole and one byte more too large, said beforehand or not', async () => {
    const server = await startTlsServer((request, response) => {
      if (request.url === '/said') response.writeHead(200, { 'content-length': most })
      else response.writeHead(200)
      response.write(Buffer.alloc(most - 1))
      response.end(Buffer.alloc(1))
    })
    for (const path of ['said', 'unsaid']) {
      const url = `https://files.sluice.test:${server.port}/${path}`
      const result = await egressFor().fetch(url, { mostBytes: most })
      assert.equal(result.ok && result.bytes.length, most)
      assertRefused(
        await egressFor().fetch(url, { mostBytes: most - 1 }),
        'too_large',
        /more than 99999 bytes/,
      )
    }
  })

  it('that would unpack to something huge is never unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    assert.ok(bomb.length < most)
    for (const encoding of ['gzip', 'x-gzip', 'br', 'deflate', 'zstd', 'gzip, gzip', 'identity, gzip']) {
      const server = await startTlsServer((_, response) =>
        response.writeHead(200, { 'content-encoding': encoding }).end(bomb),
      )
      const result = await egressFor().fetch(`https://files.sluice.test:${server.port}/`, { mostBytes: most })
      assertRefused(result, 'bad_status', /compressed/)
    }
  })

  it('with headers without end, that breaks off, or that is not HTTP, is none', async () => {
    const server = await startTlsServer((request, response) => {
      const { socket } = request
      if (request.url === '/headers') return response.writeHead(200, { 'x-long': 'x'.repeat(20_000) }).end()
      if (request.url === '/noise') return socket.end('SSH-2.0-OpenSSH_9.9\r\n')
      if (request.url === '/silence') return socket.end()
      response.writeHead(200, { 'content-length': 10 }).write('half')
      return socket.end()
    })
    for (const path of ['headers', 'noise', 'silence', 'half']) {
      const url = `https://files.sluice.test:${server.port}/${path}`
      assertRefused(await egressFor().fetch(url, { mostBytes: 99 }), 'unreachable', /broke off/)
    }
    assert.equal(server.requests.length, 4)
  })
})

describe('a host that the owner named', () => {
  it('may be of our own network and speak plain http, at the port that was named', async () => {
    const server = await startPlainServer((_, response) => response.end('here'))
    const other = await startPlainServer((_, response) => response.end('secret'))
    const egress = egressFor({
      isPublic: isPublicAddress,
      allowHosts: [`Inside.Sluice.TEST:${server.port}`, `[::ffff:7f00:1]:${server.port}`],
    })
    for (const url of [
      `http://inside.sluice.test:${server.port}/`,
      `http://INSIDE.sluice.test.:${server.port}`,
    ])
      assert.equal((await egress.fetch(url, { mostBytes: 9 })).ok, true, url)
    const mapped = await egress.fetch(`http://[::ffff:127.0.0.1]:${server.port}/`, { mostBytes: 9 })
    assert.equal(mapped.ok, true, 'an address in another spelling is the same')
    assert.equal(server.requests.length, 3)
    for (const url of [
      `http://inside.sluice.test:${other.port}/`,
      `http://127.0.0.1:${server.port}/`,
      `http://a.inside.sluice.test:${server.port}/`,
      `http://a@inside.sluice.test:${server.port}/`,
      `http://:a@inside.sluice.test:${server.port}/`,
      `ftp://inside.sluice.test:${server.port}/`,
    ])
      assertRefused(await egress.fetch(url, { mostBytes: 9 }), 'not_allowed', /./)
    assert.equal(server.requests.length, 3)
    assert.equal(other.requests.length, 0)
  })

  it('takes nobody with it: what it redirects to is held against the same rules', async () => {
    const inside = await startPlainServer((_, response) => response.end('secret'))
    const server = await startPlainServer((_, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${inside.port}/` }).end(),
    )
    const egress = egressFor({ allowHosts: [`inside.sluice.test:${server.port}`] })
    const result = await egress.fetch(`http://inside.sluice.test:${server.port}/`, { mostBytes: 9 })
    assertRefused(result, 'not_allowed', /^After a redirect: Only https/)
    assert.equal(inside.requests.length, 0)
  })

  it('without a port is named for the usual ones', async () => {
    const egress = egressFor({ allowHosts: ['inside.sluice.test'], resolve: async () => [] })
    for (const url of ['http://inside.sluice.test/', 'https://inside.sluice.test:443/'])
      assertRefused(await egress.fetch(url, { mostBytes: 9 }), 'unreachable', /could not be looked up/)
    const elsewhere = await egress.fetch('https://inside.sluice.test:8443/', { mostBytes: 9 })
    assertRefused(elsewhere, 'not_allowed', /public addresses/)
  })

  it('is found as the system finds it', async () => {
    const server = await startPlainServer((_, response) => response.end('here'))
    const egress = egressFor({ resolve: undefined, allowHosts: [`localhost:${server.port}`] })
    const result = await egress.fetch(`http://localhost:${server.port}/`, { mostBytes: 9 })
    assert.equal(result.ok && result.bytes.toString(), 'here')
  })
})

function pairs(raw: readonly string[]): [string, string][] {
  return raw.flatMap((text, i) =>
    i % 2 === 0 ? [[text.toLowerCase(), raw[i + 1] ?? ''] as [string, string]] : [],
  )
}
