import { BlockList, isIP } from 'node:net'

/**
 * What IANA's IPv4 Special-Purpose Address Registry lists, multicast, and the address under which Azure's host answers
 * its own machines alone (168.63.129.16, which looks public).
 */
const special4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]

/**
 * Nothing of IPv6 is public but global unicast and NAT64, which leads on to IPv4. That leaves out by itself: ::, ::1,
 * mapped and compatible IPv4, 64:ff9b:1::/48, 100::/64, 5f00::/16, fc00::/7, fe80::/10, fec0::/10 and ff00::/8.
 */
const nat64 = '64:ff9b::'
const public6 = ['2000::/3', `${nat64}/96`]

/**
 * What IANA's IPv6 Special-Purpose Address Registry lists inside of global unicast: protocol assignments with Teredo
 * and ORCHID, documentation, 6to4, AS112.
 */
const special6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20']

const publicRanges6 = rangesOf(public6)
const specialRanges = rangesOf([...special4, ...special6, ...special4.map(behindNat64)])

/** Whether an IP address, as text, is one of the internet at large. Text that is no address is not. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !specialRanges.check(address, 'ipv4')
    case 6: {
      if (address.includes('%')) return false // a zone says that it is of a link of ours
      return publicRanges6.check(address, 'ipv6') && !specialRanges.check(address, 'ipv6')
    }
    default:
      return false
  }
}

/** Where NAT64 (RFC 6052, well-known prefix) leads to a range of IPv4. */
function behindNat64(range: string): string {
  const [address, prefix] = range.split('/')
  return `${nat64}${address}/${96 + Number(prefix)}`
}

function rangesOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/')
    list.addSubnet(address, Number(prefix), isIP(address) === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}
