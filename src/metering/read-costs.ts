import { type Queryable, type RollupQuestion, type RollupSpec, rollupSource } from '#platform'
import { type CostQuestion, type Group, groupColumns, groups } from './cost-question.ts'

/** Adding up many entries takes longer than a statement on a call's way may. */
export const readTimeoutMs = 15_000

export interface CostRead extends Record<Group, string | null> {
  isTotal: boolean
  bucket: Date | null
  /** The name that the key had last. */
  keyName: string | null
  attempts: number
  unpriced: number
  inputTokens: number
  cachedInputTokens: number
  cacheWriteTokens: number
  audioInputTokens: number
  outputTokens: number
  reasoningTokens: number
  audioOutputTokens: number
  costPicoUsd: string
  estimatedPicoUsd: string
  overheadPicoUsd: string
  chargePicoUsd: string
  countedPicoUsd: string
  cacheSavedPicoUsd: string
}

/** Sums by their name in the answer, and what is added up. */
const sums = {
  attempts: 'entries',
  unpriced: 'unpriced',
  inputTokens: 'input_tokens',
  cachedInputTokens: 'cached_input_tokens',
  cacheWriteTokens: 'cache_write_tokens',
  audioInputTokens: 'audio_input_tokens',
  outputTokens: 'output_tokens',
  reasoningTokens: 'reasoning_tokens',
  audioOutputTokens: 'audio_output_tokens',
  costPicoUsd: 'cost_pico_usd',
  estimatedPicoUsd: 'case when estimated then cost_pico_usd else 0 end',
  overheadPicoUsd: 'case when answers then 0 else cost_pico_usd end',
  chargePicoUsd: 'charge_pico_usd',
  countedPicoUsd: 'counted_pico_usd',
  cacheSavedPicoUsd: 'cache_saved_pico_usd',
}

const added = Object.entries(sums)
  .map(([name, of]) => `sum(${of}) as "${name}"`)
  .join(', ')
const shown = (of: (name: string) => string): string =>
  Object.keys(sums)
    .map(name => `coalesce(${of(name)}, 0)::${name.endsWith('Usd') ? 'text' : 'float8'} as "${name}"`)
    .join(', ')

/** Where a group is read from, in the sums. */
const dimOf: Readonly<Record<Group, string>> = {
  organization: 'organization',
  project: 'project',
  key: 'key_id',
  user: 'user_id',
  feature: 'feature',
  model: 'model',
  target: 'target',
  provider: 'target',
  class: 'class',
  operation: 'operation',
  task: 'task',
  tag: 'tags',
  environment: 'environment',
  tier: 'tier',
}

/**
 * The total first, then up to `limit` rows after the first `skip`: newest bucket first, in it the dearest. What was
 * committed before is in it, whether it is in the sums yet or not.
 */
export async function readCosts(
  db: Queryable,
  spec: RollupSpec,
  question: CostQuestion,
): Promise<CostRead[]> {
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
      where ${by.length > 0 || bucket !== undefined}
      order by bucket desc nulls last, grouped."costPicoUsd" desc,
        ${names.map(name => `${name} collate "C" nulls last,`).join(' ')} bucket limit $3::int offset $4::int)`
  return await db.query<CostRead>({ text, timeoutMs: readTimeoutMs }, values)
}

function selectFrom(spec: RollupSpec, question: CostQuestion, values: unknown[]): string {
  const { fromMs, toMs, filters, groups: by } = question
  const filtered = Object.keys(filters) as Group[]
  const dims = new Set([...by, ...filtered].map(group => dimOf[group]))
  if (filtered.includes('key')) dims.add('key_name')
  const source = rollupSource(spec, { dims, fromMs, toMs, grain: grainOf(question) }, values.length + 1)
  values.push(...source.values)
  const where = filtered.map(group => condition(group, values, filters[group] ?? []))
  const chosen = by.map(group => `${groupColumns[group]} as "${group}",`).join(' ')
  return `select date_trunc($1::text, at, $2::text) as bucket, ${chosen} entries, unpriced, input_tokens,
      cached_input_tokens, cache_write_tokens, audio_input_tokens, output_tokens, reasoning_tokens, audio_output_tokens,
      cost_pico_usd, charge_pico_usd, counted_pico_usd, cache_saved_pico_usd, answers, estimated, last
    from ${source.text} source ${by.includes('tag') ? 'left join lateral unnest(tags) as each (tag) on true' : ''}
    ${where.length > 0 ? `where ${where.join(' and ')}` : ''}`
}

function condition(group: Group, values: unknown[], wanted: readonly string[]): string {
  values.push(wanted)
  const list = `$${values.length}::text[]`
  if (group === 'key') return `(key_id = any(${list}) or key_name = any(${list}))`
  // `organization/project` names a project of one organization.
  if (group === 'project') return `(project = any(${list}) or organization || '/' || project = any(${list}))`
  if (group === 'tag') return `tags && ${list}`
  return `${groupColumns[group]} = any(${list})`
}

const dayMs = 86_400_000

/** Sums are of whole hours and days of UTC: zones whose hours begin at other times are read from the entries. */
function grainOf({ fromMs, toMs, bucket, timeZone }: CostQuestion): RollupQuestion['grain'] {
  if (bucket === undefined) return 'day'
  if (bucket === 'minute') return 'fact'
  if (timeZone === 'UTC') return bucket === 'hour' ? 'hour' : 'day'
  return hasWholeHours(timeZone, fromMs ?? 0, toMs) ? 'hour' : 'fact'
}

/** Looked at often enough that no summer time falls between two looks. */
function hasWholeHours(timeZone: string, fromMs: number, toMs = fromMs + 400 * dayMs): boolean {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
  const isWhole = (ms: number): boolean => /GMT([+-]\d\d:00)?$/.test(format.format(ms))
  for (let ms = fromMs; ms < toMs; ms += 14 * dayMs) if (!isWhole(ms)) return false
  return isWhole(toMs)
}
