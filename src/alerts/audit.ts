import type { Caller } from '#exchange'

/** A change that somebody made: what it was, before and after. */
export interface AuditEntry {
  action: 'alert.acknowledge' | 'silence.create' | 'silence.delete'
  /** Id of what was changed. */
  target: string
  before: object | null
  after: object | null
  caller: Caller
  nowMs: number
}

export type Audit = (entry: AuditEntry) => Promise<void> | void
