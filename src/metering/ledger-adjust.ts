import type { Queryable } from '#platform'
import { callColumns } from './ledger-companion.ts'
import { type LedgerRow, rowColumns } from './ledger-read.ts'

/** What is to be added to what an attempt came to. */
export interface Adjustment {
  /** Given by whoever makes it: the same one again changes nothing. */
  id: string
  /** UUID of the call. */
  call: string
  attempt: number
  costPicoUsd: bigint
  /** Undefined: by what the tenant was charged for the attempt, decided by `chargeOf`. */
  chargePicoUsd: bigint | undefined
  reason: string
  by: string
}

export type Adjusted =
  | { outcome: 'written' | 'known'; entry: LedgerRow }
  /** The id belongs to another adjustment; or there is no such attempt. */
  | { outcome: 'differs' }
  | { outcome: 'unknown' }

/** The first revision that is not written by the ledger itself. */
const firstRevision = 2
/** Two adjustments of an attempt at the same moment want the same revision; one of them comes again. */
const mostTries = 5

const list = rowColumns.join(', ')

/** Writes a correction, once for its id. Nothing that was written before is changed. */
export async function adjust(
  db: Queryable,
  adjustment: Adjustment,
  chargeOf: (cost: bigint, entry: LedgerRow) => bigint,
): Promise<Adjusted> {
  for (let tries = 0; tries < mostTries; tries++) {
    const known = await findAdjustment(db, adjustment.id)
    if (known) return isSame(known, adjustment) ? { outcome: 'known', entry: known } : { outcome: 'differs' }
    const first = await findEntry(db, adjustment)
    if (!first) return { outcome: 'unknown' }
    const charge =
      adjustment.chargePicoUsd ?? (first.role === 'answer' ? chargeOf(adjustment.costPicoUsd, first) : 0n)
    const entry = await insertAdjustment(db, adjustment, charge)
    if (entry) return { outcome: 'written', entry }
  }
  return { outcome: 'differs' }
}

function isSame(entry: LedgerRow, { call, attempt, costPicoUsd, chargePicoUsd }: Adjustment): boolean {
  return (
    entry.call_id.replaceAll('-', '') === call.replaceAll('-', '') &&
    entry.attempt === attempt &&
    entry.cost_pico_usd === costPicoUsd.toString() &&
    (chargePicoUsd === undefined || entry.charge_pico_usd === chargePicoUsd.toString())
  )
}

async function findAdjustment(db: Queryable, id: string): Promise<LedgerRow | undefined> {
  return (await db.query<LedgerRow>({ text: `select ${list} from ledger where adjustment_id = $1` }, [id]))[0]
}

async function findEntry(
  db: Queryable,
  { call, attempt }: { call: string; attempt: number },
): Promise<LedgerRow | undefined> {
  const text = `select ${list} from ledger where call_id = $1 and attempt = $2 and revision = 0`
  return (await db.query<LedgerRow>({ text }, [call, attempt]))[0]
}

async function insertAdjustment(
  db: Queryable,
  { id, call, attempt, costPicoUsd, reason, by }: Adjustment,
  chargePicoUsd: bigint,
): Promise<LedgerRow | undefined> {
  const of = [...callColumns, 'target', 'provider', 'tags', 'role', 'tier', 'held_at', 'call_id', 'attempt']
  const text = `with posted as (
      insert into ledger (${of.join(', ')}, kind, source, revision, event_at, cost_pico_usd, counted_pico_usd,
        charge_pico_usd, adjustment_id, reason, adjusted_by)
      select ${of.map(name => `first.${name}`).join(', ')}, 'adjust', 'provider', greatest(${firstRevision - 1},
          (select max(revision) from ledger where call_id = $1 and attempt = $2)) + 1,
        now(), $3, $3, $4, $5, $6, $7
      from ledger first where call_id = $1 and attempt = $2 and revision = 0
      on conflict do nothing returning ${list}),
    fed as (insert into ledger_feed (size, keys) select count(*), array_agg(seq) from posted having count(*) > 0)
    select * from posted`
  const amounts = [costPicoUsd.toString(), chargePicoUsd.toString()]
  return (await db.query<LedgerRow>({ text }, [call, attempt, ...amounts, id, reason, by]))[0]
}
