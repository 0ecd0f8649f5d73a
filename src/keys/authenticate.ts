import { allow, type Caller, type Decision, refuse } from '#exchange'
import type { Clock, Database } from '#platform'
import type { ConfiguredKeys, Identity } from './configured.ts'
import { digest, isWellFormed } from './credential.ts'
import { createKeyCache, type KeyCache } from './key-cache.ts'
import { findKeyByHash, type KeyRow } from './store.keys.ts'

/** A revocation made by another process is effective after this time at the latest; the promise is 5 s. */
const cacheTtlMs = 3_000

const cacheCapacity = { known: 10_000, unknown: 1_000 }

const missing = refuse(
  'invalid_api_key',
  'A key is needed: send it as `Authorization: Bearer <key>`, or in the header `x-api-key` or `x-goog-api-key`.',
)

/** One answer for unknown, malformed, expired and revoked keys: from outside they look the same. */
const invalid = refuse(
  'invalid_api_key',
  'This key is not valid here: check that it was copied whole, or ask for a new one (`sluice keys create` makes it).',
)

export function createDatabaseKeys(database: Database, clock: Clock): KeyCache {
  return createKeyCache({
    async load(hash) {
      const row = await findKeyByHash(database, hash)
      return row && !row.revokedAt ? identify(row) : undefined
    },
    clock,
    ttlMs: cacheTtlMs,
    capacity: cacheCapacity,
  })
}

/**
 * Who a credential belongs to. The configuration is asked first, the database only for what can be its key.
 * Throws `DatabaseUnavailable` when the database cannot say: an outage never looks like a bad key.
 */
export async function authenticate(
  credential: string | undefined,
  from: { configured: ConfiguredKeys; database: KeyCache; clock: Clock },
): Promise<Decision<Caller>> {
  if (!credential) return missing
  const hash = digest(credential)
  const identity =
    from.configured.find(hash) ?? (isWellFormed(credential) ? await from.database.find(hash) : undefined)
  if (!identity || isExpired(identity, from.clock.now())) return invalid
  return allow(identity.caller)
}

function isExpired(identity: Identity, nowMs: number): boolean {
  return identity.expiresAtMs !== undefined && identity.expiresAtMs <= nowMs
}

function identify(row: KeyRow): Identity {
  const caller: Caller = {
    organization: row.organization,
    project: row.project,
    keyId: row.id,
    keyName: row.name,
    role: row.role,
    ...(row.models && { models: Object.freeze(row.models) }),
    ...(row.passthrough && { passthrough: true }),
  }
  return { caller: Object.freeze(caller), ...(row.expiresAt && { expiresAtMs: row.expiresAt.getTime() }) }
}
