import { type Static, type TSchema, Type } from 'typebox'
import { Fault, formatUsd, ownProject, type Route } from '#exchange'
import { endedStatuses } from './read-answer.ts'
import { filterFields, name, oneOf, readSpan, type Span } from './read-filter.ts'
import { buckets, type Group, groups, readUsage, type UsageRead } from './read-usage.ts'
import type { EventRoutesOptions } from './routes.ts'
import { usageRollups } from './usage-rollups.ts'

const defaultSpanMs = 30 * 24 * 60 * 60 * 1000
const mostRows = 10_000

const usageQuery = Type.Object(
  {
    ...filterFields,
    group_by: Type.Optional(
      Type.Array(oneOf(groups, 'Something that calls can be told apart by.'), {
        uniqueItems: true,
        default: [],
        description: 'A row for each combination of these that occurs, comma-separated.',
      }),
    ),
    bucket: Type.Optional(
      oneOf(buckets, 'A row for each minute, hour, day or month, by the time that calls started.'),
    ),
    time_zone: Type.Optional(
      Type.String({
        maxLength: 64,
        default: 'UTC',
        description: 'Where days and months begin: an IANA name such as `Europe/Berlin`.',
      }),
    ),
    status: Type.Optional(oneOf(endedStatuses, 'Calls that ended so.')),
    provider: name('Calls whose last attempt went to this provider.'),
    class: name('`interactive` or `batch`.'),
    operation: name('Such as `chat`.'),
    task: name('Calls of this task: `model` was `task/` and this name.'),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: mostRows, default: mostRows, description: 'Rows in an answer.' }),
    ),
    page: Type.Optional(
      Type.String({
        pattern: '^[0-9]{1,7}$',
        description: '`next` of the answer before, with the same query.',
      }),
    ),
  },
  { additionalProperties: false },
)

const count = (description: string) => Type.Number({ minimum: 0, description })

const sumsShape = Type.Object({
  calls: count('Calls that have ended, or whose end is not known.'),
  succeeded: count('Calls that were answered.'),
  failed: count('Calls that failed at the provider.'),
  cancelled: count('Calls whose caller hung up.'),
  refused: count('Calls that Sluice refused.'),
  unknown: count('Calls whose process died.'),
  degraded: count('Calls whose answer was less than what was asked for.'),
  input_tokens: count('All input tokens, cached ones included.'),
  cached_input_tokens: count('Those of them that the provider had in its cache.'),
  cache_write_tokens: count('Those of them that were written to its cache.'),
  output_tokens: count('All output tokens, reasoning included.'),
  reasoning_tokens: count('Those of them that were reasoning.'),
  cost_usd: Type.String({
    description: 'US dollars of the calls whose cost is known: the exact decimal sum.',
  }),
  unpriced_calls: count(
    'Calls that used something, at a cost that is not known; they are not in `cost_usd`.',
  ),
  estimated_calls: count('Calls whose tokens are not by the word of the provider.'),
})

const group = (of: Group): TSchema =>
  of === 'key'
    ? Type.Object({ id: Type.String(), name: Type.String({ description: 'What it was called last.' }) })
    : Type.Unsafe({ type: ['string', 'null'], description: 'Null: calls that have none.' })

const rowShape = Type.Object({
  bucket: Type.Optional(Type.String({ description: 'When it begins, in ISO 8601, UTC.' })),
  ...Object.fromEntries(groups.map(of => [of, Type.Optional(group(of))])),
  ...sumsShape.properties,
})

const usageShape = Type.Object({
  object: Type.Literal('usage'),
  from: Type.String({ description: 'Of calls that started then or later.' }),
  to: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Of calls that started before; null: to now.',
  }),
  time_zone: Type.String(),
  data: Type.Array(rowShape, { description: 'Newest bucket first, in it the dearest first.' }),
  has_more: Type.Boolean({ description: 'Whether there are rows after these.' }),
  next: Type.Optional(Type.String({ description: 'Send it as `page` to get the next ones.' })),
  total: Type.Object(sumsShape.properties, {
    description: 'Of all calls in question, those of rows on other pages too.',
  }),
})

export function usageRoutes({ database, flush, clock, usersPerHour }: EventRoutesOptions): Route[] {
  const spec = usageRollups(usersPerHour)
  return [
    {
      method: 'GET',
      path: '/sluice/v1/usage',
      requires: 'key',
      summary:
        'What calls used and cost, by whatever they can be told apart by, and over time. Without `from`: the 30 days before the end. A key that is no admin sees its own project.',
      query: usageQuery,
      answer: { status: 200, schema: usageShape },
      async handle({ query, caller }): Promise<Static<typeof usageShape>> {
        const {
          from,
          to,
          group_by: by = [],
          bucket,
          time_zone: zone = 'UTC',
          limit = mostRows,
          page = '0',
          ...filter
        }: Static<typeof usageQuery> = query
        const asked = readSpan({ from, to })
        const span = { ...asked, fromMs: asked.fromMs ?? (asked.toMs ?? clock.now()) - defaultSpanMs }
        checkZone(zone)
        const own = ownProject(caller, filter)
        await flush()
        const skip = Number(page)
        const how = { filter: own, span, groups: by, bucket, timeZone: zone, limit: limit + 1, skip }
        const [total, ...rows] = await readUsage(database, spec, how).catch(refuseZone(zone))
        const hasMore = rows.length > limit
        return {
          object: 'usage',
          ...showSpan(span),
          time_zone: zone,
          data: rows.slice(0, limit).map(row => ({ ...showGroups(row, by), ...showSums(row) })),
          has_more: hasMore,
          ...(hasMore && { next: String(skip + limit) }),
          total: showSums(total!),
        }
      },
    },
  ]
}

function showSpan({ fromMs, toMs }: Span): { from: string; to: string | null } {
  const show = (ms: number): string => new Date(ms).toISOString()
  return { from: show(fromMs ?? 0), to: toMs === undefined ? null : show(toMs) }
}

function showGroups(row: UsageRead, by: readonly Group[]): Record<string, unknown> {
  const shown: Record<string, unknown> = row.bucket ? { bucket: row.bucket.toISOString() } : {}
  for (const group of by) shown[group] = group === 'key' ? { id: row.key, name: row.keyName } : row[group]
  return shown
}

function showSums(row: UsageRead): Static<typeof sumsShape> {
  return {
    calls: row.calls,
    succeeded: row.succeeded,
    failed: row.failed,
    cancelled: row.cancelled,
    refused: row.refused,
    unknown: row.unknown,
    degraded: row.degraded,
    input_tokens: row.inputTokens,
    cached_input_tokens: row.cachedInputTokens,
    cache_write_tokens: row.cacheWriteTokens,
    output_tokens: row.outputTokens,
    reasoning_tokens: row.reasoningTokens,
    cost_usd: formatUsd(BigInt(row.costPicoUsd)),
    unpriced_calls: row.unpricedCalls,
    estimated_calls: row.estimatedCalls,
  }
}

// Of what `Intl` takes, Postgres reads offsets with the sign reversed and abbreviations without their summer time.
const zonePattern = /^(UTC|[A-Za-z_]+(\/[A-Za-z0-9_+-]+){1,2})$/

function checkZone(zone: string): void {
  try {
    if (zonePattern.test(zone)) return void new Intl.DateTimeFormat('en', { timeZone: zone })
  } catch {} // refused below
  throw zoneFault(zone)
}

/** The server's list of time zones may be older than ours; it says so by this SQLSTATE. */
function refuseZone(zone: string): (cause: unknown) => never {
  return cause => {
    throw cause instanceof Error && 'code' in cause && cause.code === '22023' ? zoneFault(zone) : cause
  }
}

function zoneFault(zone: string): Fault {
  const message = `\`time_zone\` is not known: ${JSON.stringify(zone)}; send an IANA name such as Europe/Berlin, or UTC.`
  return new Fault('invalid_request', message, { param: 'time_zone' })
}
