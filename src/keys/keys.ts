import { type Caller, Fault } from '#exchange'
import type { Log } from '#platform'
import { digest, hint } from './credential.ts'
import type { KeyCache } from './key-cache.ts'
import type { Registry } from './organizations.ts'
import {
  changeKey as change,
  insertKey,
  type KeyChange,
  type KeyRow,
  type NewKey,
  readKey,
  replaceHash,
  revokeKey as revoke,
} from './store.keys.ts'
import { holdOrganization, insertProject } from './store.organizations.ts'

/** What the verbs of keys work with, besides the registry. */
export interface KeyRing extends Registry {
  cache: KeyCache
  log: Log
  newId(): string
  newCredential(role: Caller['role']): string
}

export interface KeyWish {
  name: string
  organization: string
  project: string
  role: Caller['role']
  models?: readonly string[] | null
  passthrough?: boolean
  /** ISO 8601. */
  expiresAt?: string | null
}

/** A key together with its credential, which is known only now. */
export interface Issued {
  row: KeyRow
  credential: string
}

/** Makes a key, and its organization and project when they are missing. */
export async function issueKey(ring: KeyRing, wish: KeyWish, by: Caller): Promise<Issued> {
  refuseStrayAdmin(wish)
  const expiresAt = futureTime(ring, wish.expiresAt)
  const credential = ring.newCredential(wish.role)
  const createdAt = new Date(ring.clock.now()).toISOString()
  const key: NewKey = {
    id: ring.newId(),
    name: wish.name,
    ...fingerprint(credential, wish.role),
    organization: wish.organization,
    project: wish.project,
    role: wish.role,
    models: wish.models ?? null,
    passthrough: wish.passthrough ?? false,
    expiresAt: expiresAt ?? null,
    createdAt,
    createdBy: by.keyId,
  }
  const row = await ring.database.transaction(async tx => {
    await holdOrganization(tx, key.organization, createdAt)
    await insertProject(tx, { organization: key.organization, name: key.project, at: createdAt })
    return await insertKey(tx, key)
  })
  ring.log.info({ key: row.id, role: row.role, by: by.keyId }, 'key created')
  return { row, credential }
}

export async function findKey(ring: KeyRing, id: string): Promise<KeyRow> {
  return (await readKey(ring.database, id)) ?? noKey(id)
}

/** Changes what is named; null takes a restriction away. A revoked key stays as it is. */
export async function changeKey(ring: KeyRing, id: string, wish: KeyChange, by: Caller): Promise<KeyRow> {
  const expiresAt = futureTime(ring, wish.expiresAt)
  const row = await change(ring.database, id, expiresAt === undefined ? wish : { ...wish, expiresAt })
  if (!row) return await neverOrRevoked(ring, id)
  ring.cache.forget(row.hash)
  ring.log.info({ key: id, changed: Object.keys(wish), by: by.keyId }, 'key changed')
  return row
}

/** Effective here at once, in other processes within seconds. Revoking twice is no error. */
export async function revokeKey(ring: KeyRing, id: string, by: Caller): Promise<KeyRow> {
  if (id === by.keyId) {
    throw new Fault(
      'conflict',
      'A key cannot revoke itself, or nobody might be left to make another: rotate it instead.',
    )
  }
  const row = (await revoke(ring.database, id, new Date(ring.clock.now()).toISOString())) ?? noKey(id)
  ring.cache.forget(row.hash)
  ring.log.info({ key: id, by: by.keyId }, 'key revoked')
  return row
}

/** The same key under a new credential; the old one ends as if it were revoked. */
export async function rotateKey(ring: KeyRing, id: string, by: Caller): Promise<Issued> {
  const { role } = await findKey(ring, id)
  const credential = ring.newCredential(role)
  const row = await replaceHash(ring.database, id, fingerprint(credential, role))
  if (!row) return await neverOrRevoked(ring, id)
  ring.cache.forget(row.oldHash)
  ring.log.info({ key: id, by: by.keyId }, 'key rotated')
  return { row, credential }
}

export function fingerprint(credential: string, role: Caller['role']): { hash: string; hint: string } {
  return { hash: digest(credential), hint: hint(credential, role) }
}

/** An admin key's rights know no organization: being listed under one would say otherwise. */
function refuseStrayAdmin(wish: KeyWish): void {
  if (wish.role !== 'admin' || (wish.organization === 'default' && wish.project === 'default')) return
  throw new Fault(
    'invalid_request',
    'Admin keys act under organization `default` and project `default`: leave both out.',
    {
      param: wish.organization === 'default' ? 'project' : 'organization',
    },
  )
}

function futureTime({ clock }: Registry, time: string | null | undefined): string | null | undefined {
  if (typeof time !== 'string') return time
  const atMs = Date.parse(time)
  if (atMs > clock.now()) return new Date(atMs).toISOString()
  throw new Fault(
    'invalid_request',
    'expires_at must be a time in the future, such as 2030-01-31T00:00:00Z.',
    {
      param: 'expires_at',
    },
  )
}

async function neverOrRevoked(ring: KeyRing, id: string): Promise<never> {
  await findKey(ring, id)
  throw new Fault('conflict', `Key \`${id}\` is revoked, and stays as it is: make another one.`)
}

function noKey(id: string): never {
  throw new Fault('not_found', `There is no key \`${id}\`.`)
}
