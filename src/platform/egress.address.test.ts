import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createEgress, systemClock } from '#platform'
import { isPublicAddress } from './egress.address.ts'

/** Not public, as first and last address; written apart from the table under test. */
const closed4: readonly [first: string, last: string][] = [
  ['0.0.0.0', '0.255.255.255'],
  ['10.0.0.0', '10.255.255.255'],
  ['100.64.0.0', '100.127.255.255'],
  ['127.0.0.0', '127.255.255.255'],
  ['168.63.129.16', '168.63.129.16'],
  ['169.254.0.0', '169.254.255.255'],
  ['172.16.0.0', '172.31.255.255'],
  ['192.0.0.0', '192.0.0.255'],
  ['192.0.2.0', '192.0.2.255'],
  ['192.31.196.0', '192.31.196.255'],
  ['192.52.193.0', '192.52.193.255'],
  ['192.88.99.0', '192.88.99.255'],
  ['192.168.0.0', '192.168.255.255'],
  ['192.175.48.0', '192.175.48.255'],
  ['198.18.0.0', '198.19.255.255'],
  ['198.51.100.0', '198.51.100.255'],
  ['203.0.113.0', '203.0.113.255'],
  ['224.0.0.0', '255.255.255.255'],
]

const numberOf = (dotted: string): number =>
  dotted.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
const bytesOf = (n: number): number[] => [24, 16, 8, 0].map(shift => (n >>> shift) & 255)
const dotted = (n: number): string => bytesOf(n).join('.')
const groups = (n: number): string => `${(n >>> 16).toString(16)}:${(n & 65_535).toString(16)}`

const ranges = closed4.map(([first, last]) => [numberOf(first), numberOf(last)] as const)
const isClosed = (n: number): boolean => ranges.some(([first, last]) => n >= first && n <= last)
const inClosed = fc.oneof(...ranges.map(([min, max]) => fc.integer({ min, max })))
const borders = ranges.flatMap(([first, last]) => [first - 1, first, last, last + 1])
const any4 = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fc.constantFrom(...borders.filter(n => n >= 0 && n < 2 ** 32)),
)

/** One number in one of the radices that C libraries and browsers read. */
const radices: readonly ((n: number) => string)[] = [
  n => String(n),
  n => `0x${n.toString(16)}`,
  n => `0X000${n.toString(16).toUpperCase()}`,
  n => `0${n.toString(8)}`,
  n => `0000${n.toString(8)}`,
]
/** The last part takes all bytes that are left. */
const joined = (n: number, parts: number): number[] => {
  const bytes = bytesOf(n)
  return [...bytes.slice(0, parts - 1), bytes.slice(parts - 1).reduce((sum, byte) => sum * 256 + byte, 0)]
}
const wrappers: readonly ((host: string) => string)[] = [
  host => host,
  host => `${host}.`,
  host => host.replaceAll(/\d/g, digit => `%3${digit}`),
  host => host.replaceAll(/\d/g, digit => String.fromCodePoint(0xff10 + Number(digit))),
  host => host.replaceAll('.', '\u3002'),
  host => host.replaceAll('.', '\uff0e'),
]
const spelling4 = fc
  .record({
    n: inClosed,
    parts: fc.integer({ min: 1, max: 4 }),
    radix: fc.array(fc.constantFrom(...radices), { minLength: 4, maxLength: 4 }),
    wrap: fc.constantFrom(...wrappers),
  })
  .map(({ n, parts, radix, wrap }) =>
    wrap(
      joined(n, parts)
        .map((part, i) => radix[i]?.(part))
        .join('.'),
    ),
  )
const spelling6 = fc
  .tuple(
    inClosed,
    fc.constantFrom<(n: number) => string>(
      n => `::ffff:${dotted(n)}`,
      n => `::ffff:${groups(n)}`,
      n => `0:0:0:0:0:FFFF:${groups(n).toUpperCase()}`,
      n => `::${dotted(n)}`,
      n => `::ffff:0:${dotted(n)}`,
      n => `64:ff9b::${dotted(n)}`,
      n => `64:ff9b::${groups(n)}`,
      n => `64:ff9b:1::${dotted(n)}`,
      n => `2002:${groups(n)}::1`,
      n => `2001::${groups(~n >>> 0)}`,
    ),
  )
  .map(([n, spell]) => `[${spell(n)}]`)

describe('the table of public addresses', () => {
  it('agrees with the registry on every IPv4 address, plain and behind NAT64', () => {
    fc.assert(
      fc.property(any4, n => {
        assert.equal(isPublicAddress(dotted(n)), !isClosed(n))
        assert.equal(isPublicAddress(`64:ff9b::${groups(n)}`), !isClosed(n))
        assert.equal(isPublicAddress(`::ffff:${dotted(n)}`), false)
      }),
      { numRuns: 2_000 },
    )
  })

  it('agrees with the registry on IPv6', () => {
    const open = [
      '2606:4700::1111',
      '2001:200::1',
      '2001:4860:4860::8888',
      '2a00:1450::1',
      '2003::1',
      '2620:4f::1',
    ]
    const closed = [
      ...['::', '::1', '::2', '1::1', '64:ff9b:1::808:808', '100::1', '100:0:0:1::1', '1fff::1', '4000::1'],
      ...['2001::1', '2001:1::1', '2001:2::1', '2001:10::1', '2001:20::1', '2001:30::1', '2001:1ff:ffff::1'],
      ...['2001:db8::1', '2002:808:808::1', '2620:4f:8000::1', '3fff::1', '3fff:fff::1', '5f00::1'],
      ...[
        'fc00::1',
        'fd00:ec2::254',
        'fe80::1',
        'fe80::1%eth0',
        '2606:4700::1111%eth0',
        'fec0::1',
        'ff02::1',
      ],
    ]
    for (const address of open) assert.equal(isPublicAddress(address), true, address)
    for (const address of closed) assert.equal(isPublicAddress(address), false, address)
  })

  it('takes nothing for public that is no address', () => {
    for (const text of [
      '',
      'example.com',
      '8.8.8',
      '8.8.8.8.8',
      '08.8.8.8',
      '[2606:4700::1111]',
      '134744072',
    ])
      assert.equal(isPublicAddress(text), false, text)
  })
})

describe('an address of our own network', () => {
  it('is never asked, however it is spelled', async () => {
    const egress = createEgress({
      enabled: true,
      clock: systemClock,
      timeoutMs: 1_000,
      maxRedirects: 0,
      allowHosts: [],
      resolve: host => Promise.reject(new Error(`${host} was taken for a name`)),
    })
    const ask = async (host: string): Promise<void> => {
      const result = await egress.fetch(`https://${host}/`, { mostBytes: 1 })
      assert.equal(result.ok === false && result.code, 'not_allowed', JSON.stringify(result))
    }
    await fc.assert(fc.asyncProperty(spelling4, ask), { numRuns: 3_000 })
    await fc.assert(fc.asyncProperty(spelling6, ask), { numRuns: 1_000 })
    await egress.close()
  })
})
