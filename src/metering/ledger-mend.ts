import type { Log, Queryable } from '#platform'
import { attemptColumns, callColumns } from './ledger-companion.ts'
import { type ChargeOf, type Entry, entriesOf, type LedgerCall } from './ledger-entry.ts'

/** The revision in which a truth that came late is written: one, so that it is written once. */
const truthRevision = 1
const atOnce = 256

/** Of an entry as it was first written, what a later truth is compared with. */
interface Written {
  callId: string
  attempt: number
  kind: string
  heldAt: string
  target: string
  role: Entry['role']
  source: string
  cost: string | null
  counted: string | null
  countedInput: number | null
  countedOutput: number | null
  charge: string | null
  inputTokens: number | null
  outputTokens: number | null
  isMended: boolean
}

export interface MendOptions {
  chargeOf: ChargeOf
  log: Log
}

export interface Mended {
  /** `seq` of entries that set right what had been posted by a hold. */
  adjusted: readonly number[]
  /** Entries that say something else than the call log does, and were left as they are. */
  clashes: number
}

/**
 * Sets right what was posted by its hold for calls whose true end has come since. `only`: UUIDs of calls; absent: all
 * that there are. Safe to repeat, and from several processes: a truth has one revision, which is written once.
 */
export async function mend(
  db: Queryable,
  { chargeOf, log }: MendOptions,
  only?: readonly string[],
): Promise<Mended> {
  const calls = await endedCalls(db, only)
  if (calls.length === 0) return { adjusted: [], clashes: 0 }
  const written = Map.groupBy(await firstEntries(db, calls), ({ callId }) => callId)
  const truths: (Entry & { call_id: string })[] = []
  let clashes = 0
  for (const call of calls) {
    const known = written.get(call.id) ?? []
    const entries = new Map(entriesOf(call, chargeOf).map(entry => [entry.attempt, entry]))
    for (const first of known) {
      const entry = entries.get(first.attempt) ?? neverMade(first)
      if (first.source === 'hold') {
        if (!first.isMended) truths.push({ ...difference(first, entry), call_id: call.id })
      } else if (!saysTheSame(first, entry)) {
        clashes += 1
        log.error({ call: call.id, attempt: first.attempt }, 'the ledger has this attempt with other amounts')
      }
    }
  }
  return { adjusted: truths.length > 0 ? await insertTruths(db, truths) : [], clashes }
}

async function endedCalls(db: Queryable, only: readonly string[] | undefined): Promise<LedgerCall[]> {
  const which = only
    ? 'id = any($1::uuid[])'
    : `id in (select call_id from ledger held where source = 'hold' and revision = 0 and not exists (
        select from ledger truth where truth.call_id = held.call_id and truth.attempt = held.attempt
          and truth.revision = ${truthRevision}))`
  return await db.query<LedgerCall>(
    {
      text: `select id::text, organization, project, attempts from calls
        where status <> 'unknown' and ${which} limit ${atOnce}`,
    },
    only ? [only] : [],
  )
}

async function firstEntries(db: Queryable, calls: readonly LedgerCall[]): Promise<Written[]> {
  return await db.query<Written>(
    {
      text: `select call_id::text as "callId", attempt, kind, to_json(held_at) #>> '{}' as "heldAt", target, role, source,
          cost_pico_usd as cost, counted_pico_usd as counted, charge_pico_usd as charge,
          counted_input_tokens as "countedInput", counted_output_tokens as "countedOutput",
          input_tokens as "inputTokens", output_tokens as "outputTokens",
          exists (select from ledger truth where truth.call_id = first.call_id and truth.attempt = first.attempt
            and truth.revision = ${truthRevision}) as "isMended"
        from ledger first where revision = 0 and call_id = any($1::uuid[])`,
    },
    [calls.map(({ id }) => id)],
  )
}

/** It was put on record, and the process then gave it up before anything was sent. */
function neverMade({ attempt, heldAt, target, role }: Written): Entry {
  return {
    attempt,
    kind: 'void',
    held_at: heldAt,
    event_at: undefined,
    target,
    role,
    source: 'provider',
    usage: undefined,
    input_tokens: 0,
    output_tokens: 0,
    held_pico_usd: undefined,
    cost_pico_usd: '0',
    counted_pico_usd: '0',
    counted_input_tokens: 0,
    counted_output_tokens: 0,
    charge_pico_usd: '0',
    price: undefined,
    tier: undefined,
    provider_cost_pico_usd: undefined,
    cache_saved_pico_usd: undefined,
  }
}

/** What has to be added to the first entry for the sum of both to be the truth. */
function difference(first: Written, truth: Entry): Entry {
  return {
    ...truth,
    kind: 'adjust',
    held_at: first.heldAt,
    held_pico_usd: undefined,
    counted_pico_usd: less(truth.counted_pico_usd, first.counted),
    counted_input_tokens: (truth.counted_input_tokens ?? 0) - (first.countedInput ?? 0),
    counted_output_tokens: (truth.counted_output_tokens ?? 0) - (first.countedOutput ?? 0),
    charge_pico_usd:
      truth.charge_pico_usd === undefined ? undefined : less(truth.charge_pico_usd, first.charge),
  }
}

function less(all: string | undefined, some: string | null): string {
  return (BigInt(all ?? 0) - BigInt(some ?? 0)).toString()
}

function saysTheSame(first: Written, entry: Entry): boolean {
  return (
    first.kind === entry.kind &&
    first.source === entry.source &&
    first.cost === (entry.cost_pico_usd ?? null) &&
    first.counted === (entry.counted_pico_usd ?? null) &&
    first.inputTokens === (entry.input_tokens ?? null) &&
    first.outputTokens === (entry.output_tokens ?? null)
  )
}

async function insertTruths(
  db: Queryable,
  truths: readonly (Entry & { call_id: string })[],
): Promise<number[]> {
  const own = attemptColumns.filter(name => name !== 'attempt' && name !== 'held_at')
  const rows = await db.query<{ seq: number }>(
    {
      text: `with posted as (
          insert into ledger (call_id, attempt, revision, held_at, provider, tags, ${[...callColumns, ...own].join(', ')})
          select first.call_id, first.attempt, ${truthRevision}, first.held_at, first.provider, first.tags,
            ${[...callColumns.map(name => `first.${name}`), ...own.map(name => `truth.${name}`)].join(', ')}
          from json_populate_recordset(null::ledger, $1) truth
            join ledger first on first.call_id = truth.call_id and first.attempt = truth.attempt and first.revision = 0
          on conflict (call_id, attempt, revision) do nothing returning seq),
        fed as (insert into ledger_feed (size, keys) select count(*), array_agg(seq) from posted having count(*) > 0)
        select seq from posted`,
    },
    [JSON.stringify(truths)],
  )
  return rows.map(({ seq }) => seq)
}
