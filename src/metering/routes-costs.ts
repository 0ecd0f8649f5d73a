import { type Static, type TSchema, Type } from 'typebox'
import { Fault, formatUsd, ownProject, type Route } from '#exchange'
import type { Clock, Queryable, RollupSpec } from '#platform'
import {
  buckets,
  type CostQuestion,
  checkZone,
  filterFields,
  type Group,
  groups,
  oneOf,
  readSpan,
  spanFields,
  zoneFault,
} from './cost-question.ts'
import { type CostRead, readCosts } from './read-costs.ts'

export interface CostRoutesOptions {
  database: Queryable
  spec: RollupSpec
  /** Commits what this process has recorded, so that a call is in the answer once it has ended. */
  flush(): Promise<void>
  clock: Clock
}

const defaultSpanMs = 30 * 24 * 60 * 60 * 1000
const mostRows = 10_000

const costsQuery = Type.Object(
  {
    ...spanFields,
    ...filterFields,
    group_by: Type.Optional(
      Type.Array(oneOf(groups, 'Something that costs can be told apart by.'), {
        uniqueItems: true,
        default: [],
        description: 'A row for each combination of these that occurs, comma-separated.',
      }),
    ),
    bucket: Type.Optional(
      oneOf(buckets, 'A row for each minute, hour, day or month, by the time that attempts were held.'),
    ),
    time_zone: Type.Optional(
      Type.String({
        maxLength: 64,
        default: 'UTC',
        description: 'Where days and months begin: an IANA name such as `Europe/Berlin`.',
      }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: mostRows, default: 1_000, description: 'Rows in an answer.' }),
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

const count = (description: string) => Type.Number({ description })
const usd = (description: string) => Type.String({ description })

const sumsShape = Type.Object({
  attempts: count('Requests to providers.'),
  unpriced_attempts: count(
    'Those of them that used something at a cost that is not known; they are not in `cost_usd`.',
  ),
  input_tokens: count('All input tokens, cached ones included.'),
  cached_input_tokens: count('Those of them that the provider had in its cache.'),
  cache_write_tokens: count('Those of them that were written to its cache.'),
  output_tokens: count('All output tokens, reasoning included.'),
  reasoning_tokens: count('Those of them that were reasoning.'),
  cost_usd: usd('What providers bill, as far as it is known: exact US dollars.'),
  estimated_usd: usd('The part of it that is not by the word of the provider.'),
  overhead_usd: usd('The part of it that is of attempts which did not answer: retries, fail-over, hedges.'),
  charge_usd: usd('What tenants are charged: answering attempts, with the markup.'),
  counted_usd: usd('What budgets count: the cost, or what was held where the cost is not known.'),
  cache_saved_usd: usd(
    "What providers' prompt caches spared: what the tokens they read and wrote would have cost as plain input, less what they cost. Negative where writes cost more than reads saved.",
  ),
})

const group = (of: Group): TSchema =>
  of === 'key'
    ? Type.Object({ id: Type.String(), name: Type.String({ description: 'What it was called last.' }) })
    : Type.Unsafe({
        type: ['string', 'null'],
        description: 'Null: attempts that have none. `…other`: names beyond those told apart in an hour.',
      })

const costsShape = Type.Object({
  object: Type.Literal('costs'),
  from: Type.String({ description: 'Of attempts that were held then or later.' }),
  to: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Of attempts that were held before; null: to now.',
  }),
  time_zone: Type.String(),
  data: Type.Array(
    Type.Object({
      bucket: Type.Optional(Type.String({ description: 'When it begins, in ISO 8601, UTC.' })),
      ...Object.fromEntries(groups.map(of => [of, Type.Optional(group(of))])),
      ...sumsShape.properties,
    }),
    { description: 'Newest bucket first, in it the dearest first.' },
  ),
  has_more: Type.Boolean(),
  next: Type.Optional(Type.String({ description: 'For the next page: send it as `page`.' })),
  total: Type.Object(sumsShape.properties, {
    description:
      'Of all pages. A call with several tags is in a row for each of them, and in the total once.',
  }),
})

export function costRoutes({ database, spec, flush, clock }: CostRoutesOptions): Route[] {
  return [
    {
      method: 'GET',
      path: '/sluice/v1/costs',
      requires: 'key',
      summary:
        'What attempts cost by the ledger, by whatever they can be told apart by, and over time. Without `from`: the 30 days before the end. A key that is no admin sees its own project.',
      query: costsQuery,
      answer: { status: 200, schema: costsShape },
      async handle({ query, caller }): Promise<Static<typeof costsShape>> {
        const given: Static<typeof costsQuery> = query
        const { from, to, group_by: by = [], bucket, time_zone: timeZone = 'UTC' } = given
        const { limit = 1_000, page = '0', group_by, bucket: _, time_zone, ...rest } = given
        const asked = readSpan({ from, to })
        const fromMs = asked.fromMs ?? (asked.toMs ?? clock.now()) - defaultSpanMs
        checkZone(timeZone)
        const filters = ownProject(caller, filtersOf(rest))
        await flush()
        const skip = Number(page)
        const how: CostQuestion = {
          fromMs,
          toMs: asked.toMs,
          filters: listed(filters),
          groups: by,
          bucket,
          timeZone,
          limit: limit + 1,
          skip,
        }
        const [total, ...rows] = await readCosts(database, spec, how).catch(refuseZone(timeZone))
        if (!total) throw new Fault('internal', 'Something went wrong on our side.')
        const hasMore = rows.length > limit
        return {
          object: 'costs',
          from: new Date(fromMs).toISOString(),
          to: asked.toMs === undefined ? null : new Date(asked.toMs).toISOString(),
          time_zone: timeZone,
          data: rows.slice(0, limit).map(row => ({ ...showGroups(row, by), ...showSums(row) })),
          has_more: hasMore,
          ...(hasMore && { next: String(skip + limit) }),
          total: showSums(total),
        }
      },
    },
  ]
}

type Filters = Partial<Record<Group, string>>

function filtersOf(given: Readonly<Record<string, unknown>>): Filters {
  return Object.fromEntries(
    Object.entries(given).filter(([name, value]) => name in filterFields && value !== undefined),
  )
}

function listed(filters: Filters): CostQuestion['filters'] {
  return Object.fromEntries(Object.entries(filters).map(([name, value]) => [name, [value]]))
}

function showGroups(row: CostRead, by: readonly Group[]): Record<string, unknown> {
  const shown: Record<string, unknown> = row.bucket ? { bucket: row.bucket.toISOString() } : {}
  for (const group of by) shown[group] = group === 'key' ? { id: row.key, name: row.keyName } : row[group]
  return shown
}

function showSums(row: CostRead): Static<typeof sumsShape> {
  const exact = (picoUsd: string): string => formatUsd(BigInt(picoUsd))
  return {
    attempts: row.attempts,
    unpriced_attempts: row.unpriced,
    input_tokens: row.inputTokens,
    cached_input_tokens: row.cachedInputTokens,
    cache_write_tokens: row.cacheWriteTokens,
    output_tokens: row.outputTokens,
    reasoning_tokens: row.reasoningTokens,
    cost_usd: exact(row.costPicoUsd),
    estimated_usd: exact(row.estimatedPicoUsd),
    overhead_usd: exact(row.overheadPicoUsd),
    charge_usd: exact(row.chargePicoUsd),
    counted_usd: exact(row.countedPicoUsd),
    cache_saved_usd: exact(row.cacheSavedPicoUsd),
  }
}

/** The server's list of time zones may be older than ours; it says so by this SQLSTATE. */
function refuseZone(zone: string): (cause: unknown) => never {
  return cause => {
    throw cause instanceof Error && 'code' in cause && cause.code === '22023' ? zoneFault(zone) : cause
  }
}
