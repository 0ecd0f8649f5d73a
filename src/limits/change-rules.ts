import { type Caller, Fault } from '#exchange'
import { type Clock, type Database, isoTime, type Queryable, type RecordProblem } from '#platform'
import { type AuditEntry, recordAudit } from './audit.ts'
import type { KnownNames } from './check-rules.ts'
import type { Rule } from './rule.ts'
import { checkDefinition, type RuleBook, type RuleEntry } from './rule-book.ts'
import { type Increase, showIncrease, unitOf } from './show-rules.ts'
import {
  deleteIncrease,
  deleteRule,
  hasName,
  insertIncrease,
  insertRule,
  type RuleRow,
  raiseVersion,
  readRule,
  updateRule,
} from './store.rules.ts'

/** What changes are made with. */
export interface RuleDesk {
  database: Database
  clock: Clock
  newUuid(): string
  book(): RuleBook
  /** Of the configuration of this moment. */
  known(): KnownNames
  /** Makes the changes on record hold in this process. */
  reload(): Promise<void>
}

export interface Change {
  /** Settings to set; null takes one away. */
  patch: Readonly<Record<string, unknown>>
  /** The version that is to be changed; undefined: whichever there is. */
  ifVersion: number | undefined
}

export interface IncreaseWish {
  rule: Rule
  subject: string | undefined
  amount: bigint
  untilMs: number
  reason: string
}

const words = { budget: 'budget', limit: 'rate limit' }

export async function createEntry(
  desk: RuleDesk,
  { kind, definition }: { kind: Rule['kind']; definition: object },
  caller: Caller,
): Promise<RuleEntry> {
  const name = checkedName(desk, kind, definition)
  const entry = { id: `${kind}_${desk.newUuid()}`, kind, name, definition }
  await change(desk, caller, async (tx, { at, audit }) => {
    await refuseNamesake(desk, tx, entry)
    await insertRule(tx, entry, { at, by: caller.keyId })
    await audit({ action: `${kind}.create`, target: entry.id, before: null, after: definition })
  })
  return findEntry(desk, kind, entry.id)
}

/** What calls under way hold stays held; what is spent stays counted where the same is counted. */
export async function changeEntry(
  desk: RuleDesk,
  { id, kind }: Pick<RuleEntry, 'id' | 'kind'>,
  { patch, ifVersion }: Change,
  caller: Caller,
): Promise<RuleEntry> {
  refuseConfigured(findEntry(desk, kind, id))
  await change(desk, caller, async (tx, { at, audit }) => {
    const row = await rowOf(tx, { id, kind })
    if (ifVersion !== undefined && ifVersion !== row.version) refuseVersion(row, ifVersion)
    const definition = merge(row.definition, patch)
    const name = checkedName(desk, kind, definition)
    await refuseNamesake(desk, tx, { id, kind, name })
    await updateRule(tx, { id, kind, name, definition }, { at, by: caller.keyId })
    await audit({ action: `${kind}.change`, target: id, before: row.definition, after: definition })
  })
  return findEntry(desk, kind, id)
}

export async function deleteEntry(
  desk: RuleDesk,
  { id, kind }: Pick<RuleEntry, 'id' | 'kind'>,
  caller: Caller,
): Promise<void> {
  refuseConfigured(findEntry(desk, kind, id))
  await change(desk, caller, async (tx, { audit }) => {
    const row = await rowOf(tx, { id, kind })
    await deleteRule(tx, id)
    await audit({ action: `${kind}.delete`, target: id, before: row.definition, after: null })
  })
}

/** For a time, also of a rule that stands in the configuration. */
export async function increase(
  desk: RuleDesk,
  { rule, subject, amount, untilMs, reason }: IncreaseWish,
  caller: Caller,
): Promise<string> {
  const id = `increase_${desk.newUuid()}`
  await change(desk, caller, async (tx, { at, audit }) => {
    // It may have been deleted since this process last looked.
    if (rule.origin === 'api') await rowOf(tx, { id: rule.entryId, kind: rule.kind })
    const row = {
      id,
      entryId: rule.entryId,
      ruleId: rule.id,
      subject: subject ?? null,
      amount: String(amount),
      until: isoTime(untilMs),
      reason,
      createdAt: at,
      createdBy: caller.keyId,
    }
    await insertIncrease(tx, row)
    const after = showIncrease({ ...row, until: new Date(untilMs), createdAt: new Date(at) }, rule.unit)
    await audit({ action: `${rule.kind}.increase`, target: rule.entryId, before: null, after, reason })
  })
  return id
}

export async function endIncrease(
  desk: RuleDesk,
  { id, entry }: { id: string; entry: RuleEntry },
  caller: Caller,
): Promise<Increase> {
  const { kind, id: entryId } = entry
  return await change(desk, caller, async (tx, { audit }) => {
    const row = await deleteIncrease(tx, { id, entryId })
    if (!row) throw new Fault('not_found', `There is no increase \`${id}\` of this ${words[kind]}.`)
    const before = showIncrease(row, unitOf(entry, row))
    await audit({ action: `${kind}.end_increase`, target: entryId, before, after: null })
    return before
  })
}

/** Whoever else makes changes waits; other processes are told, and it goes on record. All of it or nothing. */
async function change<T>(
  desk: RuleDesk,
  caller: Caller,
  work: (
    tx: Queryable,
    with_: { at: string; audit(entry: Omit<AuditEntry, 'caller' | 'nowMs'>): Promise<void> },
  ) => Promise<T>,
): Promise<T> {
  const nowMs = desk.clock.now()
  const done = await desk.database.transaction(async tx => {
    await raiseVersion(tx)
    const audit = (entry: Omit<AuditEntry, 'caller' | 'nowMs'>): Promise<void> =>
      recordAudit({ ...entry, caller, nowMs }, { db: tx, newUuid: desk.newUuid })
    return await work(tx, { at: isoTime(nowMs), audit })
  })
  await desk.reload()
  return done
}

export function findEntry(desk: Pick<RuleDesk, 'book'>, kind: Rule['kind'], id: string): RuleEntry {
  const entry = desk.book().entries.get(id)
  return entry?.kind === kind ? entry : noEntry(kind, id)
}

async function rowOf(tx: Queryable, { id, kind }: Pick<RuleEntry, 'id' | 'kind'>): Promise<RuleRow> {
  const row = await readRule(tx, id)
  return row?.kind === kind ? row : noEntry(kind, id)
}

function noEntry(kind: Rule['kind'], id: string): never {
  throw new Fault('not_found', `There is no ${words[kind]} \`${id}\`.`)
}

function refuseConfigured({ kind, name, origin }: RuleEntry): void {
  if (origin === 'api') return
  throw new Fault(
    'conflict',
    `The ${words[kind]} \`${name}\` stands in the configuration file: change it there. It is read again at once.`,
  )
}

function refuseVersion({ kind, version }: RuleRow, asked: number): never {
  throw new Fault(
    'conflict',
    `The ${words[kind]} is at version ${version}, and no more at ${asked}: read it again, and decide.`,
  )
}

async function refuseNamesake(
  desk: RuleDesk,
  tx: Queryable,
  entry: Pick<RuleEntry, 'id' | 'kind' | 'name'>,
): Promise<void> {
  const { id, kind, name } = entry
  const isConfigured = [...desk.book().entries.values()].some(
    other => other.kind === kind && other.name === name && other.origin === 'configuration',
  )
  if (!isConfigured && !(await hasName(tx, { id, kind, name }))) return
  throw new Fault(
    'conflict',
    `There is a ${words[kind]} named \`${name}\` already: give each its own \`name\`.`,
    {
      param: 'name',
    },
  )
}

function checkedName(desk: RuleDesk, kind: Rule['kind'], definition: object): string {
  const checked = checkDefinition(kind, definition, desk.known())
  if (checked.ok) return checked.value.name
  throw new Fault('invalid_request', checked.problems.map(sentenceOf).join(' '), {
    param: checked.problems[0]?.path || undefined,
  })
}

const mostSaid = 500

export function sentenceOf({ path, message, hint }: RecordProblem): string {
  return `${path === '' ? '' : `${path}: `}${message}${hint ? ` ${hint}` : ''}`.slice(0, mostSaid)
}

function merge(definition: object, patch: Readonly<Record<string, unknown>>): object {
  const merged = { ...definition, ...patch }
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null))
}
