import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { atEnd } from '../../test/support/cleanup.ts'
import { eventually } from '../../test/support/eventually.ts'
import { createHostResolver, type HostResolver } from './egress.resolve.ts'

type Family = 'A' | 'AAAA'
/** Addresses as bytes, the code of an error, or silence. */
type Answer = number[][] | 'SERVFAIL' | 'NXDOMAIN' | 'silence'

const four = [93, 184, 215, 14]
const six = [0x26, 0x06, 0x47, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x11]

const zone: Record<string, Record<Family, Answer>> = {
  'both.test': { A: [four, [10, 0, 0, 1]], AAAA: [six] },
  'four.test': { A: [four], AAAA: [] },
  'six.test': { A: [], AAAA: [six] },
  'half.test': { A: [four], AAAA: 'SERVFAIL' },
  'broken.test': { A: 'SERVFAIL', AAAA: 'SERVFAIL' },
  'unsure.test': { A: 'SERVFAIL', AAAA: [] },
  'empty.test': { A: [], AAAA: [] },
  'silent.test': { A: 'silence', AAAA: 'silence' },
}

describe('a look-up in DNS', () => {
  it('brings the addresses of both families, all of them', async () => {
    const { resolver } = await startZone()
    const found = await resolver.fromDns('both.test')
    assert.deepEqual(found.toSorted(), ['10.0.0.1', '2606:4700::1111', '93.184.215.14'])
    assert.deepEqual(await resolver.fromDns('four.test'), ['93.184.215.14'])
    assert.deepEqual(await resolver.fromDns('six.test'), ['2606:4700::1111'])
  })

  it('is content with one family when the server fails for the other', async () => {
    const { resolver } = await startZone()
    assert.deepEqual(await resolver.fromDns('half.test'), ['93.184.215.14'])
  })

  it('tells a name without addresses from a server that cannot say', async () => {
    const { resolver } = await startZone()
    for (const host of ['gone.test', 'empty.test', `${'a'.repeat(64)}.test`, 'a..test', '..'])
      assert.deepEqual(await resolver.fromDns(host), [], host)
    await assert.rejects(resolver.fromDns('broken.test'), /ESERVFAIL/)
    await assert.rejects(resolver.fromDns('unsure.test'), /ESERVFAIL/)
  })

  it('knows nothing of the hosts file of the machine', async () => {
    const { resolver } = await startZone()
    assert.deepEqual(await resolver.fromDns('localhost'), [])
    assert.ok((await resolver.fromSystem('localhost')).length > 0)
  })

  it('ends when the resolver is closed', async () => {
    const { resolver, asked } = await startZone()
    const waiting = assert.rejects(resolver.fromDns('silent.test'), /ECANCELLED/)
    await eventually('the server is asked', () => asked.includes('silent.test'))
    resolver.close()
    await waiting
  })
})

/** A name server of the zone above (RFC 1035), and a resolver that asks it. */
async function startZone(): Promise<{ resolver: HostResolver; asked: string[] }> {
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    const { name, family, end } = readQuestion(query)
    asked.push(name)
    const answer = zone[name]?.[family] ?? 'NXDOMAIN'
    if (answer !== 'silence')
      socket.send(reply(query.subarray(0, end), family, answer), from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const resolver = createHostResolver([`127.0.0.1:${socket.address().port}`])
  atEnd(async () => {
    resolver.close()
    socket.close()
  })
  return { resolver, asked }
}

function readQuestion(query: Buffer): { name: string; family: Family; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return {
    name: labels.join('.').toLowerCase(),
    family: query.readUInt16BE(at + 1) === 1 ? 'A' : 'AAAA',
    end: at + 5,
  }
}

function reply(question: Buffer, family: Family, answer: Exclude<Answer, 'silence'>): Buffer {
  const records = typeof answer === 'string' ? [] : answer
  const head = Buffer.from(question)
  const code = { SERVFAIL: 2, NXDOMAIN: 3, none: 0 }[typeof answer === 'string' ? answer : 'none']
  head.writeUInt16BE(0x8180 | code, 2)
  head.writeUInt16BE(records.length, 6)
  head.writeUInt32BE(0, 8) // neither authorities nor further records, whatever the query had
  const type = family === 'A' ? 1 : 28
  const rendered = records.map(bytes =>
    Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, bytes.length, ...bytes]),
  )
  return Buffer.concat([head, ...rendered])
}
