import { isIP } from 'node:net'
import type { EgressRefusal } from './egress.ts'

/** An address that may be asked, as far as can be seen before its host is looked up. */
export interface Target {
  ok: true
  url: URL
  /** The host as the network takes it: a name without a dot at its end, or an IP address without brackets. */
  host: string
  isAddress: boolean
  /** The owner named it, so neither https nor a public address is asked of it. */
  isTrusted: boolean
}

const longestUrl = 8_192 // signed addresses of object stores have up to some 4,000
const longestName = 253 // of DNS

/**
 * Reads an address as browsers do (WHATWG): however an IP address is spelled (octal, hex, one number, wide digits),
 * what is checked and asked from here on is what was read.
 */
export function readTarget(
  text: string,
  from: URL | undefined,
  isTrustedHost: (url: URL) => boolean,
): Target | EgressRefusal {
  const url = text.length > longestUrl ? null : URL.parse(text, from?.href)
  if (url?.hostname.endsWith('.')) url.hostname = url.hostname.slice(0, -1) // no certificate is for a name with it
  if (!url || url.href.length > longestUrl || url.hostname.length > longestName)
    return refuse('This is not an address that can be fetched. Write it as https://host/path.')
  const isTrusted = isTrustedHost(url)
  if (url.protocol !== 'https:' && !(isTrusted && url.protocol === 'http:'))
    return refuse('Only https addresses are fetched.')
  if (url.username !== '' || url.password !== '')
    return refuse('An address with a user name or a password in it is not fetched.')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return { ok: true, url, host, isAddress: isIP(host) !== 0, isTrusted }
}

/** Tells the hosts that an owner named. A name without a port stands for the port that its scheme has by itself. */
export function trustHosts(names: readonly string[]): (url: URL) => boolean {
  const trusted = new Set(
    names.map(name => {
      const read = readHostName(name)
      if (read === undefined) throw new Error(`"${name}" is not a host, or host:port`)
      return read
    }),
  )
  return ({ protocol, hostname, port }) => {
    const usual = protocol === 'https:' ? '443' : '80'
    return (port === '' && trusted.has(hostname)) || trusted.has(`${hostname}:${port || usual}`)
  }
}

/** `host` or `host:port` in the spelling of `URL`; undefined when it is neither. */
export function readHostName(text: string): string | undefined {
  const [, host, port] = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i.exec(text) ?? []
  const url = host === undefined ? null : URL.parse(`http://${host}`)
  if (!url || Number(port ?? 1) < 1 || Number(port ?? 1) > 65_535) return undefined
  return port === undefined ? url.hostname : `${url.hostname}:${Number(port)}`
}

function refuse(reason: string): EgressRefusal {
  return { ok: false, code: 'not_allowed', reason }
}
