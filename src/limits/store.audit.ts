import type { Queryable } from '#platform'

export interface AuditRow {
  id: string
  at: Date
  actorId: string
  actorName: string
  action: string
  target: string
  before: object | null
  after: object | null
  reason: string | null
}

export async function insertAudit(
  tx: Queryable,
  { at, before, after, ...row }: Omit<AuditRow, 'at'> & { at: string },
): Promise<void> {
  const text = `insert into audit (id, at, actor_id, actor_name, action, target, before, after, reason)
    values ($1, $2::timestamptz, $3, $4, $5, $6, $7::json, $8::json, $9)`
  const json = (value: object | null): string | null => (value === null ? null : JSON.stringify(value))
  const { id, actorId, actorName, action, target, reason } = row
  await tx.query({ text }, [id, at, actorId, actorName, action, target, json(before), json(after), reason])
}

/** Newest first: ids sort by time. */
export async function listAudit(
  db: Queryable,
  { target, after, limit }: { target: string | undefined; after: string | undefined; limit: number },
): Promise<AuditRow[]> {
  const text = `select id, at, actor_id as "actorId", actor_name as "actorName", action, target, before, after, reason
    from audit where ($1::text is null or target = $1) and ($2::text is null or id < $2 collate "C")
    order by id desc limit $3::int`
  return await db.query<AuditRow>({ text }, [target ?? null, after ?? null, limit])
}
