import type { Queryable } from '#platform'
import { callColumns } from './ledger-companion.ts'
import { type LedgerRow, rowColumns } from './ledger-read.ts'

/** A correction of what an attempt came to. */
export interface Adjustment {
  /** Given by whoever makes it: the same one again changes nothing. */
  id: string
  /** UUID of the call. */
  call: string
  attempt: number
  /** What is to be added to its cost; of a `total`, what it cost in all, whatever was thought before. */
  costPicoUsd: bigint
  isTotal: boolean
  /** To be added. Undefined: by what the tenant was charged for the attempt, decided by `chargeOf`. */
  chargePicoUsd: bigint | undefined
  reason: string
  by: string
}

export type Adjusted =
  | { outcome: 'written' | 'known'; entry: LedgerRow }
  /** The id belongs to another adjustment; or there is no such attempt. */
  | { outcome: 'differs' }
  | { outcome: 'unknown' }

/** What stands in `price` of the entry that says the cost of an attempt which had none. */
export const pricedByHand = 'adjustment'

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
    if (known)
      return (await isSame(db, known, adjustment))
        ? { outcome: 'known', entry: known }
        : { outcome: 'differs' }
    const first = await findEntry(db, adjustment)
    if (!first) return { outcome: 'unknown' }
    const amounts = amountsOf(adjustment, await readStanding(db, adjustment), cost =>
      first.role === 'answer' ? chargeOf(cost, first) : 0n,
    )
    const entry = await insertAdjustment(db, adjustment, amounts)
    if (entry) return { outcome: 'written', entry }
  }
  return { outcome: 'differs' }
}

/** What all entries of an attempt say together; pico-dollars. */
interface Standing {
  revision: number
  cost: bigint
  counted: bigint
  charge: bigint
  isPriced: boolean
}

/** What is to be written, as a difference to what stands there. */
interface Amounts extends Omit<Standing, 'isPriced'> {
  price: string | null
}

function amountsOf(
  { costPicoUsd, isTotal, chargePicoUsd }: Adjustment,
  stands: Standing,
  chargeFor: (cost: bigint) => bigint,
): Amounts {
  const revision = Math.max(stands.revision + 1, firstRevision)
  if (!isTotal)
    return {
      revision,
      cost: costPicoUsd,
      counted: costPicoUsd,
      charge: chargePicoUsd ?? chargeFor(costPicoUsd),
      price: null,
    }
  return {
    revision,
    cost: costPicoUsd - stands.cost,
    counted: costPicoUsd - stands.counted,
    charge: chargePicoUsd ?? chargeFor(costPicoUsd) - stands.charge,
    price: stands.isPriced ? null : pricedByHand,
  }
}

async function isSame(
  db: Queryable,
  entry: LedgerRow,
  { call, attempt, costPicoUsd, isTotal, chargePicoUsd }: Adjustment,
): Promise<boolean> {
  if (entry.call_id.replaceAll('-', '') !== call.replaceAll('-', '') || entry.attempt !== attempt)
    return false
  if (chargePicoUsd !== undefined && entry.charge_pico_usd !== chargePicoUsd.toString()) return false
  if (!isTotal) return entry.cost_pico_usd === costPicoUsd.toString()
  return (await readStanding(db, { call, attempt, upTo: entry.revision })).cost === costPicoUsd
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

async function readStanding(
  db: Queryable,
  { call, attempt, upTo }: { call: string; attempt: number; upTo?: number },
): Promise<Standing> {
  const sums = ['cost', 'counted', 'charge'].map(
    name => `coalesce(sum(${name}_pico_usd), 0)::text as ${name}`,
  )
  const text = `select coalesce(max(revision), 0) as revision, ${sums.join(', ')}, coalesce(bool_or(cost_pico_usd is not null
      and (revision < ${firstRevision} or price = '${pricedByHand}')), false) as "isPriced"
    from ledger where call_id = $1 and attempt = $2 and ($3::int is null or revision <= $3)`
  type Row = Record<'cost' | 'counted' | 'charge', string> & Pick<Standing, 'revision' | 'isPriced'>
  const [row] = await db.query<Row>({ text }, [call, attempt, upTo ?? null])
  const { cost = '0', counted = '0', charge = '0', revision = 0, isPriced = false } = row ?? {}
  return { revision, isPriced, cost: BigInt(cost), counted: BigInt(counted), charge: BigInt(charge) }
}

async function insertAdjustment(
  db: Queryable,
  { id, call, attempt, reason, by }: Adjustment,
  { revision, cost, counted, charge, price }: Amounts,
): Promise<LedgerRow | undefined> {
  const of = [...callColumns, 'target', 'provider', 'tags', 'role', 'tier', 'held_at', 'call_id', 'attempt']
  const text = `with posted as (
      insert into ledger (${of.join(', ')}, kind, source, revision, event_at, cost_pico_usd, counted_pico_usd,
        charge_pico_usd, price, adjustment_id, reason, adjusted_by)
      select ${of.map(name => `first.${name}`).join(', ')}, 'adjust', 'provider', $3, now(), $4, $5, $6, $7, $8, $9, $10
      from ledger first where call_id = $1 and attempt = $2 and revision = 0
      on conflict do nothing returning ${list}),
    fed as (insert into ledger_feed (size, keys) select count(*), array_agg(seq) from posted having count(*) > 0)
    select * from posted`
  const amounts = [cost, counted, charge].map(String)
  return (
    await db.query<LedgerRow>({ text }, [call, attempt, revision, ...amounts, price, id, reason, by])
  )[0]
}
