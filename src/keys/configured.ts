import { timingSafeEqual } from 'node:crypto'
import type { Caller } from '#exchange'
import { digest } from './credential.ts'

/** A key as the configuration writes it: `key` may be any string, `expires_at` is a time in ISO 8601. */
export interface ConfiguredKey {
  name: string
  key: string
  organization: string
  project: string
  models?: readonly string[] | undefined
  passthrough?: boolean | undefined
  expires_at?: string | undefined
}

/** Who a credential belongs to, and until when. */
export interface Identity {
  caller: Caller
  /** Milliseconds since the epoch. */
  expiresAtMs?: number
}

/** The keys of one configuration, by hash. A reload makes a new one; calls under way keep theirs. */
export interface ConfiguredKeys {
  readonly hasAdmin: boolean
  /** `hash` is the SHA-256 of the credential, in hex. */
  find(hash: string): Identity | undefined
}

/** The configuration's keys cannot be told apart or read; the message is for the operator. */
export class ConfiguredKeysError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ConfiguredKeysError'
  }
}

/** Throws `ConfiguredKeysError` when two keys share a name or a value, or an expiry is not a time. */
export function indexConfiguredKeys(keys: readonly ConfiguredKey[], adminKey?: string): ConfiguredKeys {
  const entries = keys.map(key => ({ label: `\`${key.name}\``, key: key.key, identity: identify(key) }))
  if (adminKey !== undefined)
    entries.push({ label: 'the admin key', key: adminKey, identity: configuredAdmin })
  const names = new Map<string, string>()
  const index = new Map<string, { label: string; bytes: Buffer; identity: Identity }>()
  for (const { label, key, identity } of entries) {
    if (key === '') throw new ConfiguredKeysError(`The value of key ${label} is empty.`)
    const hash = digest(key)
    const twin = index.get(hash)
    if (twin) throw new ConfiguredKeysError(`Keys ${twin.label} and ${label} have the same value.`)
    const { keyId } = identity.caller
    if (names.has(keyId)) throw new ConfiguredKeysError(`Two keys are named ${label}.`)
    names.set(keyId, label)
    index.set(hash, { label, bytes: Buffer.from(hash), identity })
  }
  return {
    hasAdmin: adminKey !== undefined,
    find(hash) {
      const entry = index.get(hash)
      return entry && timingSafeEqual(entry.bytes, Buffer.from(hash)) ? entry.identity : undefined
    },
  }
}

const configuredAdmin: Identity = {
  caller: Object.freeze({
    organization: 'default',
    project: 'default',
    keyId: 'config-admin', // without a slash, so that no key of the list can be taken for it
    keyName: 'admin',
    role: 'admin',
  } as const),
}

function identify(key: ConfiguredKey): Identity {
  const caller: Caller = {
    organization: key.organization,
    project: key.project,
    keyId: `config/${key.name}`,
    keyName: key.name,
    role: 'key',
    ...(key.models && { models: Object.freeze([...key.models]) }),
    ...(key.passthrough && { passthrough: true }),
  }
  const frozen = Object.freeze(caller)
  if (key.expires_at === undefined) return { caller: frozen }
  const expiresAtMs = Date.parse(key.expires_at)
  if (Number.isNaN(expiresAtMs)) {
    throw new ConfiguredKeysError(
      `expires_at of key \`${key.name}\` is not a time such as 2030-01-31T00:00:00Z.`,
    )
  }
  return { caller: frozen, expiresAtMs }
}
