import type { Caller } from '#exchange'
import type { Queryable } from '#platform'
import type { Cut } from './store.organizations.ts'

export interface KeyRow {
  id: string
  name: string
  hint: string
  organization: string
  project: string
  role: Caller['role']
  models: string[] | null
  passthrough: boolean
  expiresAt: Date | null
  revokedAt: Date | null
  createdAt: Date
  createdBy: string
}

/** Times are in ISO 8601, hashes in hex. */
export interface NewKey {
  id: string
  name: string
  hash: string
  hint: string
  organization: string
  project: string
  role: Caller['role']
  models: readonly string[] | null
  passthrough: boolean
  expiresAt: string | null
  createdAt: string
  createdBy: string
}

/** What is absent stays; null takes the restriction away. */
export interface KeyChange {
  name?: string
  models?: readonly string[] | null
  passthrough?: boolean
  expiresAt?: string | null
}

/** A project's keys, or all of an organization's. */
export interface Scope {
  organization: string
  project: string | undefined
}

const columns = `keys.id, keys.name, keys.hint, keys.organization, keys.project, keys.role, keys.models,
  keys.passthrough, keys.expires_at as "expiresAt", keys.revoked_at as "revokedAt",
  keys.created_at as "createdAt", keys.created_by as "createdBy"`

/** The statement of the hot path: it runs once every few seconds for each key in use. Revoked keys are found too. */
export async function findKeyByHash(db: Queryable, hash: string): Promise<KeyRow | undefined> {
  const text = `select ${columns} from keys where hash = decode($1, 'hex')`
  return (await db.query<KeyRow>({ name: 'keys.find-by-hash', text }, [hash]))[0]
}

export async function readKey(db: Queryable, id: string): Promise<KeyRow | undefined> {
  return (await db.query<KeyRow>({ text: `select ${columns} from keys where id = $1` }, [id]))[0]
}

/** Newest first: ids sort by time. */
export async function listKeys(
  db: Queryable,
  which: { organization: string | undefined; project: string | undefined; revoked: boolean },
  cut: Cut,
): Promise<KeyRow[]> {
  const text = `select ${columns} from keys
    where ($1::text is null or organization = $1) and ($2::text is null or project = $2)
      and ($3::boolean or revoked_at is null) and ($4::text is null or id < $4 collate "C")
    order by id desc limit $5::int`
  const values = [
    which.organization ?? null,
    which.project ?? null,
    which.revoked,
    cut.after ?? null,
    cut.limit,
  ]
  return await db.query<KeyRow>({ text }, values)
}

export async function insertKey(tx: Queryable, key: NewKey): Promise<KeyRow> {
  const text = `insert into keys
      (id, name, hash, hint, organization, project, role, models, expires_at, created_at, created_by, passthrough)
    values ($1, $2, decode($3, 'hex'), $4, $5, $6, $7, $8::text[], $9::timestamptz, $10::timestamptz, $11, $12)
    returning ${columns}`
  const place = [key.organization, key.project, key.role]
  const values = [key.id, key.name, key.hash, key.hint, ...place, key.models, key.expiresAt, key.createdAt]
  const [row] = await tx.query<KeyRow>({ text }, [...values, key.createdBy, key.passthrough])
  return row!
}

/** Nothing when there is no such key, or it is revoked. */
export async function changeKey(
  db: Queryable,
  id: string,
  change: KeyChange,
): Promise<(KeyRow & { hash: string }) | undefined> {
  const text = `update keys set name = coalesce($2, name),
      models = case when $3::boolean then $4::text[] else models end,
      expires_at = case when $5::boolean then $6::timestamptz else expires_at end,
      passthrough = coalesce($7, passthrough)
    where id = $1 and revoked_at is null returning ${columns}, encode(hash, 'hex') as hash`
  const models = [change.models !== undefined, change.models ?? null]
  const expiresAt = [change.expiresAt !== undefined, change.expiresAt ?? null]
  const values = [id, change.name ?? null, ...models, ...expiresAt, change.passthrough ?? null]
  return (await db.query<KeyRow & { hash: string }>({ text }, values))[0]
}

/** Revoking again keeps the first time. */
export async function revokeKey(
  db: Queryable,
  id: string,
  at: string,
): Promise<(KeyRow & { hash: string }) | undefined> {
  const text = `update keys set revoked_at = coalesce(revoked_at, $2::timestamptz)
    where id = $1 returning ${columns}, encode(hash, 'hex') as hash`
  return (await db.query<KeyRow & { hash: string }>({ text }, [id, at]))[0]
}

/** Nothing when there is no such key, or it is revoked. */
export async function replaceHash(
  db: Queryable,
  id: string,
  fresh: { hash: string; hint: string },
): Promise<(KeyRow & { oldHash: string }) | undefined> {
  const text = `with old as (select id, hash from keys where id = $1 and revoked_at is null for update)
    update keys set hash = decode($2, 'hex'), hint = $3 from old
    where keys.id = old.id returning ${columns}, encode(old.hash, 'hex') as "oldHash"`
  return (await db.query<KeyRow & { oldHash: string }>({ text }, [id, fresh.hash, fresh.hint]))[0]
}

/** Removes keys that are revoked, or expired at the given time. */
export async function deleteDeadKeys(
  tx: Queryable,
  { organization, project }: Scope,
  at: string,
): Promise<void> {
  const text = `delete from keys where organization = $1 and ($2::text is null or project = $2)
    and (revoked_at is not null or expires_at <= $3::timestamptz)`
  await tx.query({ text }, [organization, project ?? null, at])
}

export async function countKeys(tx: Queryable, { organization, project }: Scope): Promise<number> {
  const text = `select count(*)::int as count from keys
    where organization = $1 and ($2::text is null or project = $2)`
  const [row] = await tx.query<{ count: number }>({ text }, [organization, project ?? null])
  return row!.count
}

export async function hasLiveAdminKey(tx: Queryable, at: string): Promise<boolean> {
  const text = `select id from keys
    where role = 'admin' and revoked_at is null and (expires_at is null or expires_at > $1::timestamptz) limit 1`
  return (await tx.query({ text }, [at])).length > 0
}

/** Processes that start at the same time on one database make one admin key, not one each. */
export async function lockAdminKey(tx: Queryable): Promise<void> {
  await tx.query({ text: `select pg_advisory_xact_lock(hashtext('sluice admin key'))` })
}
