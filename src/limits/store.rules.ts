import type { Queryable } from '#platform'
import type { Rule } from './rule.ts'

export interface RuleRow {
  id: string
  kind: Rule['kind']
  name: string
  definition: object
  version: number
  createdAt: Date
  createdBy: string
  changedAt: Date
  changedBy: string
}

export interface IncreaseRow {
  id: string
  entryId: string
  ruleId: string
  subject: string | null
  /** A whole number in the rule's unit. */
  amount: string
  until: Date
  reason: string
  createdAt: Date
  createdBy: string
}

export interface Definition {
  id: string
  kind: Rule['kind']
  name: string
  definition: object
}

interface Stamp {
  /** ISO 8601. */
  at: string
  by: string
}

const ruleColumns = `id, kind, name, definition, version, created_at as "createdAt", created_by as "createdBy",
  changed_at as "changedAt", changed_by as "changedBy"`

const increaseColumns = `id, entry_id as "entryId", rule_id as "ruleId", subject, amount::text as amount, until, reason,
  created_at as "createdAt", created_by as "createdBy"`

export async function readVersion(db: Queryable): Promise<number> {
  const text = 'select version from rules_version'
  const [row] = await db.query<{ version: number }>({ name: 'limits.version', text })
  return row?.version ?? 0
}

/** Keeps out whoever else changes rules until the transaction ends, and tells others that something has changed. */
export async function raiseVersion(tx: Queryable): Promise<void> {
  await tx.query({ text: 'update rules_version set version = version + 1' })
}

export async function readRules(db: Queryable): Promise<RuleRow[]> {
  return await db.query<RuleRow>({ text: `select ${ruleColumns} from rules order by id` })
}

export async function readRule(db: Queryable, id: string): Promise<RuleRow | undefined> {
  return (await db.query<RuleRow>({ text: `select ${ruleColumns} from rules where id = $1` }, [id]))[0]
}

/** Those that have not ended, oldest first. */
export async function readIncreases(db: Queryable, at: string): Promise<IncreaseRow[]> {
  const text = `select ${increaseColumns} from rule_increases where until > $1::timestamptz order by id`
  return await db.query<IncreaseRow>({ text }, [at])
}

export async function hasName(
  tx: Queryable,
  { kind, name, id }: Pick<Definition, 'kind' | 'name' | 'id'>,
): Promise<boolean> {
  const text = 'select id from rules where kind = $1 and name = $2 and id <> $3'
  return (await tx.query({ text }, [kind, name, id])).length > 0
}

export async function insertRule(
  tx: Queryable,
  { id, kind, name, definition }: Definition,
  { at, by }: Stamp,
): Promise<void> {
  const text = `insert into rules (id, kind, name, definition, version, created_at, created_by, changed_at, changed_by)
    values ($1, $2, $3, $4::json, 1, $5::timestamptz, $6, $5::timestamptz, $6)`
  await tx.query({ text }, [id, kind, name, JSON.stringify(definition), at, by])
}

export async function updateRule(
  tx: Queryable,
  { id, name, definition }: Definition,
  { at, by }: Stamp,
): Promise<void> {
  const text = `update rules set name = $2, definition = $3::json, version = version + 1,
    changed_at = $4::timestamptz, changed_by = $5 where id = $1`
  await tx.query({ text }, [id, name, JSON.stringify(definition), at, by])
}

export async function deleteRule(tx: Queryable, id: string): Promise<void> {
  await tx.query({ text: 'delete from rule_increases where entry_id = $1' }, [id])
  await tx.query({ text: 'delete from rules where id = $1' }, [id])
}

/** Also forgets increases that have ended: the audit has them. */
export async function insertIncrease(
  tx: Queryable,
  row: Omit<IncreaseRow, 'until' | 'createdAt'> & { until: string; createdAt: string },
): Promise<void> {
  await tx.query({ text: 'delete from rule_increases where until <= $1::timestamptz' }, [row.createdAt])
  const text = `insert into rule_increases
      (id, entry_id, rule_id, subject, amount, until, reason, created_at, created_by)
    values ($1, $2, $3, $4, $5::numeric, $6::timestamptz, $7, $8::timestamptz, $9)`
  const { id, entryId, ruleId, subject, amount, until, reason, createdAt, createdBy } = row
  await tx.query({ text }, [id, entryId, ruleId, subject, amount, until, reason, createdAt, createdBy])
}

export async function deleteIncrease(
  tx: Queryable,
  { id, entryId }: Pick<IncreaseRow, 'id' | 'entryId'>,
): Promise<IncreaseRow | undefined> {
  const text = `delete from rule_increases where id = $1 and entry_id = $2 returning ${increaseColumns}`
  return (await tx.query<IncreaseRow>({ text }, [id, entryId]))[0]
}

/** What the configuration said last, by id; locked until the transaction ends. */
export async function lockConfigured(tx: Queryable): Promise<Readonly<Record<string, Definition>>> {
  const text = 'select configured from rules_version for update'
  const [row] = await tx.query<{ configured: Record<string, Definition> }>({ text })
  return row?.configured ?? {}
}

export async function writeConfigured(
  tx: Queryable,
  configured: Readonly<Record<string, Definition>>,
): Promise<void> {
  const text = 'update rules_version set configured = $1::json'
  await tx.query({ text }, [JSON.stringify(configured)])
}
