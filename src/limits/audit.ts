import type { Caller } from '#exchange'
import { isoTime, type Queryable } from '#platform'
import { insertAudit } from './store.audit.ts'

/** A change that somebody made: what it was, before and after. */
export interface AuditEntry {
  /** What was done to what: `budget.change`. */
  action: string
  /** Id of what was changed. */
  target: string
  before: object | null
  after: object | null
  reason?: string
  caller: Pick<Caller, 'keyId' | 'keyName'>
  nowMs: number
}

export async function recordAudit(
  { action, target, before, after, reason, caller, nowMs }: AuditEntry,
  { db, newUuid }: { db: Queryable; newUuid(): string },
): Promise<void> {
  await insertAudit(db, {
    id: `audit_${newUuid()}`,
    at: isoTime(nowMs),
    actorId: caller.keyId,
    actorName: caller.keyName,
    action,
    target,
    before,
    after,
    reason: reason ?? null,
  })
}
