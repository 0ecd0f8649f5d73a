import { type Queryable, type RollupQuestion, type RollupSpec, rollupSource } from '#platform'
import { type Filter, readTimeoutMs, type Span } from './read-filter.ts'

/** What calls can be told apart by: where it stands in the sums, and how it is read from there. */
const groupColumns = {
  organization: { dim: 'organization' },
  project: { dim: 'project' },
  key: { dim: 'key_id' },
  user: { dim: 'user_id' },
  feature: { dim: 'feature' },
  model: { dim: 'model' },
  target: { dim: 'target' },
  provider: { dim: 'target', column: `split_part(target, '/', 1)` },
  class: { dim: 'class' },
  operation: { dim: 'operation' },
  task: { dim: 'task' },
  status: { dim: 'status', column: 'ended' },
  tag: { dim: 'tags', column: 'tag' },
  environment: { dim: 'environment' },
} satisfies Record<string, { dim: string; column?: string }>

export type Group = keyof typeof groupColumns

export const groups = Object.keys(groupColumns) as Group[]

export const buckets = ['minute', 'hour', 'day', 'month'] as const

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
  degraded: number
  inputTokens: number
  cachedInputTokens: number
  cacheWriteTokens: number
  outputTokens: number
  reasoningTokens: number
  costPicoUsd: string
  unpricedCalls: number
  estimatedCalls: number
}

/** Sums can be narrowed by what single calls are not asked for. */
export interface UsageFilter extends Filter {
  provider?: string
  class?: string
  operation?: string
  task?: string
}

export interface UsageQuestion {
  filter: UsageFilter
  span: Span
  groups: readonly Group[]
  bucket: Bucket | undefined
  timeZone: string
  limit: number
  /** Rows before those that are wanted. */
  skip: number
}

const ended = (status: string): string => `case when ended = '${status}' then calls else 0 end`

/** Sums by their name in the answer, and what is added up. */
const sums: Readonly<Record<string, string>> = {
  calls: 'calls',
  succeeded: ended('succeeded'),
  failed: ended('failed'),
  cancelled: ended('cancelled'),
  refused: ended('refused'),
  unknown: ended('unknown'),
  degraded: 'degraded',
  inputTokens: 'input_tokens',
  cachedInputTokens: 'cached_input_tokens',
  cacheWriteTokens: 'cache_write_tokens',
  outputTokens: 'output_tokens',
  reasoningTokens: 'reasoning_tokens',
  costPicoUsd: 'cost_pico_usd',
  unpricedCalls: 'unpriced',
  estimatedCalls: 'estimated',
}
const sumNames = Object.keys(sums)
const added = sumNames.map(name => `sum(${sums[name]}) as "${name}"`).join(', ')

// As double precision: exact up to 2^53, and no count that a provider makes up can overflow it. Money is exact.
function shown(of: (name: string) => string): string {
  const typed = (name: string): string => (name === 'costPicoUsd' ? 'text' : 'float8')
  return sumNames.map(name => `coalesce(${of(name)}, 0)::${typed(name)} as "${name}"`).join(', ')
}

/**
 * What ended calls used and cost: the total first, then up to `limit` groups after the first `skip`, newest bucket
 * first, in it the dearest. Calls under way are not in it: nobody knows yet what they use. Calls that have ended are, whether the
 * sums have them yet or not.
 */
export async function readUsage(
  db: Queryable,
  spec: RollupSpec,
  question: UsageQuestion,
): Promise<UsageRead[]> {
  const { groups: by, bucket, timeZone, limit, skip } = question
  const values: unknown[] = [bucket ?? null, timeZone, limit, skip]
  const isTagged = by.includes('tag') // a call has several: rows then add up to more than the total
  const names = by.map(group => `"${group}"`)
  const grouped = `select bucket, ${names.map(name => `${name},`).join(' ')} max(last collate "C") as last, ${added}
    from (${selectFrom(spec, question, values)}) counted group by ${['bucket', ...names].join(', ')}`
  const whole = isTagged
    ? `select ${added} from (${selectFrom(spec, { ...question, groups: [], bucket: undefined }, values)}) counted`
    : 'select * from grouped'
  const all = groups.map(group => `${by.includes(group) ? `"${group}"` : 'null'} as "${group}"`).join(', ')
  const keyName = by.includes('key') ? 'substr(last, 37)' : 'null'
  const text = `with grouped as (${grouped})
    select true as "isTotal", null::timestamptz as bucket, ${groups.map(group => `null as "${group}"`).join(', ')},
      null as "keyName", ${shown(name => `sum("${name}")`)} from (${whole}) whole
    union all (select false, bucket, ${all}, ${keyName}, ${shown(name => `"${name}"`)} from grouped
      order by bucket desc nulls last, grouped."costPicoUsd" desc,
        ${names.map(name => `${name} collate "C" nulls last,`).join(' ')} bucket limit $3::int offset $4::int)`
  return await db.query<UsageRead>({ text, timeoutMs: readTimeoutMs }, values)
}

function selectFrom(spec: RollupSpec, question: UsageQuestion, values: unknown[]): string {
  const { filter, span, groups: by } = question
  const dims = new Set<string>(by.map(group => groupColumns[group].dim))
  const where = conditions(filter, values, dims)
  const source = rollupSource(spec, { dims, ...span, grain: grainOf(question) }, values.length + 1)
  values.push(...source.values)
  const chosen = by.map(group => {
    const { dim, column = dim }: { dim: string; column?: string } = groupColumns[group]
    return `${column === 'ended' ? 'status' : column} as "${group}",`
  })
  return `select date_trunc($1::text, at, $2::text) as bucket, ${chosen.join(' ')} status as ended, calls, degraded,
      unpriced, estimated, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
      cost_pico_usd, last
    from ${source.text} source ${by.includes('tag') ? 'left join lateral unnest(tags) as each (tag) on true' : ''}
    ${where.length > 0 ? `where ${where.join(' and ')}` : ''}`
}

const filterDims: Readonly<Record<keyof UsageFilter, readonly string[]>> = {
  organization: ['organization'],
  project: ['project'],
  key: ['key_id', 'key_name'],
  feature: ['feature'],
  tag: ['tags'],
  environment: ['environment'],
  user: ['user_id'],
  model: ['model'],
  target: ['target'],
  code: ['code'],
  degraded: ['is_degraded'],
  status: ['status'],
  provider: ['target'],
  class: ['class'],
  operation: ['operation'],
  task: ['task'],
}

/** Of what the filter asks for; its dimensions are added to `dims`. */
function conditions(filter: UsageFilter, values: unknown[], dims: Set<string>): string[] {
  return Object.entries(filter).flatMap(([name, value]) => {
    if (value === undefined) return []
    const columns = filterDims[name as keyof UsageFilter]
    for (const column of columns) dims.add(column)
    values.push(value)
    const given = `$${values.length}`
    if (name === 'provider') return [`${groupColumns.provider.column} = ${given}`]
    return [
      `(${columns.map(column => (column === 'tags' ? `${given} = any(tags)` : `${column} = ${given}`)).join(' or ')})`,
    ]
  })
}

/** Sums are of whole hours and days of UTC: zones whose hours begin at other times are read call by call. */
function grainOf({ span, bucket, timeZone }: UsageQuestion): RollupQuestion['grain'] {
  if (bucket === undefined) return 'day'
  if (bucket === 'minute') return 'fact'
  if (timeZone === 'UTC') return bucket === 'hour' ? 'hour' : 'day'
  return hasWholeHours(timeZone, span) ? 'hour' : 'fact'
}

const dayMs = 86_400_000

/** Looked at often enough that no summer time falls between two looks. */
function hasWholeHours(timeZone: string, { fromMs = 0, toMs = fromMs + 400 * dayMs }: Span): boolean {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
  const isWhole = (ms: number): boolean => /GMT([+-]\d\d:00)?$/.test(format.format(ms))
  for (let ms = fromMs; ms < toMs; ms += 14 * dayMs) if (!isWhole(ms)) return false
  return isWhole(toMs)
}
