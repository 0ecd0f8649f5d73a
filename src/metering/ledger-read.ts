import type { Queryable } from '#platform'
import type { EntryKind, EntryRole, EntrySource } from './ledger-entry.ts'
import { readTimeoutMs } from './read-costs.ts'

/** A row of the ledger; names are its columns. */
export interface LedgerRow {
  seq: number
  call_id: string
  attempt: number
  revision: number
  kind: EntryKind
  held_at: Date
  event_at: Date | null
  recorded_at: Date
  organization: string
  project: string
  key_id: string
  key_name: string
  user_id: string | null
  feature: string | null
  model: string | null
  target: string
  provider: string
  class: string
  operation: string | null
  environment: string | null
  tags: string[]
  role: EntryRole
  source: EntrySource
  usage: Record<string, number> | null
  input_tokens: number | null
  output_tokens: number | null
  held_pico_usd: string | null
  cost_pico_usd: string | null
  counted_pico_usd: string | null
  charge_pico_usd: string | null
  price: string | null
  tier: string | null
  provider_cost_pico_usd: string | null
  adjustment_id: string | null
  reason: string | null
  adjusted_by: string | null
  cache_saved_pico_usd: string | null
}

export const rowColumns = [
  'seq',
  'call_id',
  'attempt',
  'revision',
  'kind',
  'held_at',
  'event_at',
  'recorded_at',
  'organization',
  'project',
  'key_id',
  'key_name',
  'user_id',
  'feature',
  'model',
  'target',
  'provider',
  'class',
  'operation',
  'environment',
  'tags',
  'role',
  'source',
  'usage',
  'input_tokens',
  'output_tokens',
  'held_pico_usd',
  'cost_pico_usd',
  'counted_pico_usd',
  'charge_pico_usd',
  'price',
  'tier',
  'provider_cost_pico_usd',
  'adjustment_id',
  'reason',
  'adjusted_by',
  'cache_saved_pico_usd',
] as const satisfies readonly (keyof LedgerRow)[]

export interface LedgerFilter {
  /** UUID of a call. */
  call: string | undefined
  organization: string | undefined
  project: string | undefined
  kind: string | undefined
  fromMs: number | undefined
  toMs: number | undefined
}

const list = rowColumns.join(', ')
const matches = `($1::uuid is null or call_id = $1) and ($2::text is null or organization = $2)
  and ($3::text is null or project = $3) and ($4::text is null or kind = $4)
  and ($5::timestamptz is null or held_at >= $5) and ($6::timestamptz is null or held_at < $6)`

function bind({ call, organization, project, kind, fromMs, toMs }: LedgerFilter): unknown[] {
  const time = (ms: number | undefined): string | null =>
    ms === undefined ? null : new Date(ms).toISOString()
  return [call ?? null, organization ?? null, project ?? null, kind ?? null, time(fromMs), time(toMs)]
}

/** Up to `limit` entries, newest first, of those written before `before`. */
export async function listEntries(
  db: Queryable,
  filter: LedgerFilter,
  { before, limit }: { before: number | undefined; limit: number },
): Promise<LedgerRow[]> {
  const text = `select ${list} from ledger where ${matches} and ($7::bigint is null or seq < $7) order by seq desc limit $8`
  return await db.query<LedgerRow>({ text, timeoutMs: readTimeoutMs }, [
    ...bind(filter),
    before ?? null,
    limit,
  ])
}

/** A statement that commits entries is given up long before; so nothing comes to stand before what was exported. */
const settledAfterMs = 30_000

/**
 * Up to `limit` entries in the order in which they were written, after `after`, older than what may still be on its
 * way: whoever goes on after the last one misses none.
 */
export async function exportEntries(
  db: Queryable,
  filter: LedgerFilter,
  { after, limit }: { after: number; limit: number },
): Promise<LedgerRow[]> {
  const text = `select ${list} from ledger where ${matches} and seq > $7::bigint
    and recorded_at < now() - make_interval(secs => $9::float8 / 1000) order by seq limit $8`
  return await db.query<LedgerRow>({ text, timeoutMs: readTimeoutMs }, [
    ...bind(filter),
    after,
    limit,
    settledAfterMs,
  ])
}

export interface OpenHold {
  call_id: string
  attempt: number
  held_at: Date
  organization: string
  project: string
  key_id: string
  key_name: string
  user_id: string | null
  feature: string | null
  model: string | null
  target: string
  held_pico_usd: string | null
  input_tokens: number | null
  output_tokens: number | null
}

/** What is held for attempts under way: they are on record as intents, and in the ledger once they have ended. */
export async function listOpenHolds(
  db: Queryable,
  { call, organization, project, fromMs, toMs }: LedgerFilter,
  limit: number,
): Promise<OpenHold[]> {
  const values = bind({ call, organization, project, kind: undefined, fromMs, toMs })
  const text = `select distinct on (call_id, attempt) * from (
      select call.id as call_id, (tried->>'n')::int as attempt,
        coalesce(tried->'hold'->>'at', tried->>'started_at')::timestamptz as held_at, organization, project, key_id,
        key_name, user_id, feature, model, tried->>'target' as target, tried->'hold'->>'cost_pico_usd' as held_pico_usd,
        (tried->'hold'->>'input_tokens')::float8 as input_tokens, (tried->'hold'->>'output_tokens')::float8 as output_tokens,
        'hold' as kind
      from call_intents,
        json_to_recordset(call_intents.attempts::json) as call (id uuid, organization text, project text, key_id text,
          key_name text, user_id text, feature text, model text, attempts json),
        lateral (select call.attempts->0 as tried) of_call
      where not exists (select from calls where calls.id = call.id)) held
    where ${matches} order by call_id desc, attempt desc limit $7`
  return await db.query<OpenHold>({ text, timeoutMs: readTimeoutMs }, [...values, limit])
}
