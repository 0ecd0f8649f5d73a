import type { Queryable } from '#platform'
import { bindFilter, type Filter, matches, readTimeoutMs, type Span } from './read-filter.ts'

/** What calls can be told apart by, and where it stands in `calls`. */
const groupColumns = {
  organization: 'organization',
  project: 'project',
  key: 'key_id',
  user: 'user_id',
  feature: 'feature',
  model: 'model',
  target: 'target',
  provider: `split_part(target, '/', 1)`,
  class: 'class',
  operation: 'operation',
  status: 'status',
}

export type Group = keyof typeof groupColumns

export const groups = Object.keys(groupColumns) as Group[]

export const buckets = ['hour', 'day', 'month'] as const

export type Bucket = (typeof buckets)[number]

export interface UsageRead extends Record<Group, string | null> {
  isTotal: boolean
  bucket: Date | null
  /** The name that the key had last. */
  keyName: string | null
  calls: number
  succeeded: number
  failed: number
  cancelled: number
  refused: number
  unknown: number
  inputTokens: number
  cachedInputTokens: number
  cacheWriteTokens: number
  outputTokens: number
  reasoningTokens: number
  costPicoUsd: string
  unpricedCalls: number
  estimatedCalls: number
}

// Groups that are not asked for are null in every row, so one statement serves every choice of them.
const chosen = Object.entries(groupColumns)
  .map(([group, column]) => `case when '${group}' = any($17::text[]) then ${column} end as "${group}"`)
  .join(', ')
const groupList = groups.map(group => `"${group}"`).join(', ')

// Sums as double precision: exact up to 2^53, and no count that a provider makes up can overflow them.
const sums = `count(*)::float8 as calls,
  (count(*) filter (where ended = 'succeeded'))::float8 as succeeded,
  (count(*) filter (where ended = 'failed'))::float8 as failed,
  (count(*) filter (where ended = 'cancelled'))::float8 as cancelled,
  (count(*) filter (where ended = 'refused'))::float8 as refused,
  (count(*) filter (where ended = 'unknown'))::float8 as unknown,
  coalesce(sum(input_tokens), 0)::float8 as "inputTokens",
  coalesce(sum(cached_input_tokens), 0)::float8 as "cachedInputTokens",
  coalesce(sum(cache_write_tokens), 0)::float8 as "cacheWriteTokens",
  coalesce(sum(output_tokens), 0)::float8 as "outputTokens",
  coalesce(sum(reasoning_tokens), 0)::float8 as "reasoningTokens",
  coalesce(sum(cost_pico_usd), 0)::text as "costPicoUsd",
  (count(*) filter (where price_state = 'unpriced'))::float8 as "unpricedCalls",
  (count(*) filter (where usage_source <> 'provider'))::float8 as "estimatedCalls"`

/**
 * What ended calls used and cost: the total first, then up to `limit` groups, newest bucket first, in it the
 * dearest. Calls under way are not in it: nobody knows yet what they use.
 */
export async function readUsage(
  db: Queryable,
  filter: Filter,
  by: { span: Span; groups: readonly Group[]; bucket: Bucket | undefined; timeZone: string; limit: number },
): Promise<UsageRead[]> {
  const text = `with counted as (
      select ${chosen}, date_trunc($18::text, started_at, $19::text) as bucket, status as ended,
        case when 'key' = any($17::text[]) then id::text || key_name end collate "C" as named,
        input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
        cost_pico_usd, price_state, usage_source
      from calls where ${matches})
    select grouping(bucket) = 1 as "isTotal", bucket, ${groupList}, substr(max(named), 37) as "keyName", ${sums}
    from counted group by grouping sets ((bucket, ${groupList}), ())
    order by "isTotal" desc, bucket desc, sum(cost_pico_usd) desc nulls last,
      ${groups.map(group => `"${group}" collate "C" nulls last`).join(', ')}
    limit $20::int + 1`
  const values = [by.groups, by.bucket ?? null, by.timeZone, by.limit]
  return await db.query<UsageRead>({ text, timeoutMs: readTimeoutMs }, [
    ...bindFilter(filter, by.span),
    ...values,
  ])
}
