import type { Queryable } from '#platform'
import type { AlertKind } from './alert.ts'

export interface SilenceRow {
  id: string
  kind: AlertKind | null
  keyPrefix: string | null
  organization: string | null
  until: Date
  reason: string
  createdAt: Date
  createdBy: string
}

const columns = `id, kind, key_prefix as "keyPrefix", organization, until, reason, created_at as "createdAt",
  created_by as "createdBy"`

export async function insertSilence(db: Queryable, row: SilenceRow): Promise<void> {
  const text = `insert into alert_silences (id, kind, key_prefix, organization, until, reason, created_at, created_by)
    values ($1, $2, $3, $4, $5, $6, $7, $8)`
  const { id, kind, keyPrefix, organization, until, reason, createdAt, createdBy } = row
  await db.query({ text }, [id, kind, keyPrefix, organization, until, reason, createdAt, createdBy])
}

/** Newest first, also those that are over. */
export async function listSilences(
  db: Queryable,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<SilenceRow[]> {
  const text = `select ${columns} from alert_silences where $1::uuid is null or id < $1
    order by id desc limit $2::int`
  return await db.query<SilenceRow>({ text }, [after ?? null, limit])
}

/** Undefined when there was none. */
export async function deleteSilence(db: Queryable, id: string): Promise<SilenceRow | undefined> {
  const text = `delete from alert_silences where id = $1 returning ${columns}`
  return (await db.query<SilenceRow>({ text }, [id]))[0]
}
