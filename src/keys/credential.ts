import { hash, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Caller } from '#exchange'
import type { Chance } from '#platform'

const prefixes: Record<Caller['role'], string> = { key: 'sk-sluice-', admin: 'sk-sluice-admin-' }

/** 43 characters hold the 256 random bits, 6 the checksum. Secret scanners may use this pattern as it is. */
const shape = /^(sk-sluice-(?:admin-)?[A-Za-z0-9_-]{43})([A-Za-z0-9_-]{6})$/

/**
 * A new credential: `sk-sluice-` or `sk-sluice-admin-`, 256 random bits, and the CRC-32 of all before it, both
 * in base64url (RFC 4648, section 5). The prefix tells nothing that is trusted: a key's role is on record.
 */
export function createCredential(chance: Chance, role: Caller['role']): string {
  const body = prefixes[role] + chance.bytes(32).toString('base64url')
  return body + checksum(body)
}

/**
 * Whether a credential can be one of ours. The checksum is no secret: it spares the database the look-up of
 * other vendors' keys and of typing mistakes.
 */
export function isWellFormed(credential: string): boolean {
  const [, body, sum] = shape.exec(credential) ?? []
  return (
    body !== undefined && sum !== undefined && timingSafeEqual(Buffer.from(checksum(body)), Buffer.from(sum))
  )
}

/**
 * SHA-256 of the whole credential, in hex. A fast hash is right here: nobody guesses 256 random bits. Keys
 * written in the configuration may be weaker, but are never stored.
 */
export function digest(credential: string): string {
  return hash('sha256', credential, 'hex')
}

/** What a list shows to recognise a key by: the prefix and the last four characters (of the checksum). */
export function hint(credential: string, role: Caller['role']): string {
  return `${prefixes[role]}…${credential.slice(-4)}`
}

function checksum(body: string): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(body))
  return bytes.toString('base64url')
}
