import { type TSchema, Type } from 'typebox'
import { Fault, type Route } from '#exchange'
import type { Group } from './cost-question.ts'
import { type CostRead, readCosts } from './read-costs.ts'
import type { CostRoutesOptions } from './routes-costs.ts'

/**
 * Usage and costs in the shape of OpenAI's own (`GET /v1/organization/usage/completions`, `…/embeddings`,
 * `GET /v1/organization/costs`; https://platform.openai.com/docs/api-reference/usage), so that what reads those can
 * be pointed here. A project is `organization/project`, a user is the end user, a line item is a target.
 */
export function organizationRoutes(options: CostRoutesOptions): Route[] {
  return [
    route(options, {
      path: '/v1/organization/usage/completions',
      summary: 'Tokens of chats by time, in the shape of OpenAI’s usage of completions.',
      operation: 'chat',
      result: row => ({
        object: 'organization.usage.completions.result',
        input_tokens: row.inputTokens,
        input_cached_tokens: row.cachedInputTokens,
        output_tokens: row.outputTokens,
        input_audio_tokens: row.audioInputTokens,
        output_audio_tokens: row.audioOutputTokens,
        num_model_requests: row.attempts,
      }),
    }),
    route(options, {
      path: '/v1/organization/usage/embeddings',
      summary: 'Tokens of embeddings by time, in the shape of OpenAI’s usage of embeddings.',
      operation: 'embeddings',
      result: row => ({
        object: 'organization.usage.embeddings.result',
        input_tokens: row.inputTokens,
        num_model_requests: row.attempts,
      }),
    }),
    route(options, {
      path: '/v1/organization/costs',
      summary: 'Costs by day, in the shape of OpenAI’s costs. Exact amounts: `/sluice/v1/costs`.',
      operation: undefined,
      result: row => ({
        object: 'organization.costs.result',
        // A number, because that is the shape; the ledger and the costs of our own API have the exact decimal.
        amount: { value: Number(row.costPicoUsd) / 1e12, currency: 'usd' },
        quantity: null,
      }),
    }),
  ]
}

interface Kind {
  path: string
  summary: string
  /** Undefined: costs, of all operations. */
  operation: string | undefined
  result(row: CostRead): Record<string, unknown>
}

interface Query {
  start_time: number
  end_time?: number
  bucket_width?: keyof typeof widths
  project_ids?: string[]
  user_ids?: string[]
  api_key_ids?: string[]
  models?: string[]
  line_items?: string[]
  batch?: boolean
  group_by?: (keyof typeof groupOf)[]
  limit?: number
  page?: string
}

/** Length in seconds; how many buckets an answer has, and at most. */
const widths = {
  '1m': { seconds: 60, bucket: 'minute', usual: 60, most: 1_440 },
  '1h': { seconds: 3_600, bucket: 'hour', usual: 24, most: 168 },
  '1d': { seconds: 86_400, bucket: 'day', usual: 7, most: 31 },
} as const
const mostCostDays = 180

const groupOf = {
  project_id: ['organization', 'project'],
  user_id: ['user'],
  api_key_id: ['key'],
  model: ['model'],
  batch: ['class'],
  service_tier: ['tier'],
  line_item: ['target'],
} as const satisfies Record<string, readonly Group[]>

const usageGroups = ['project_id', 'user_id', 'api_key_id', 'model', 'batch', 'service_tier']
const costGroups = ['project_id', 'user_id', 'api_key_id', 'line_item']
const mostRows = 100_000

function route({ database, spec, flush, clock }: CostRoutesOptions, kind: Kind): Route {
  return {
    method: 'GET',
    path: kind.path,
    requires: 'admin',
    summary: kind.summary,
    query: queryOf(kind),
    answer: { status: 200, schema: pageShape },
    async handle({ query }) {
      const given: Query = query
      const { seconds, bucket, usual } = widths[given.bucket_width ?? '1d']
      const limit = given.limit ?? usual
      const start = floor(readPage(given.page) ?? given.start_time, seconds)
      const end = given.end_time ?? floor(clock.now() / 1000, seconds) + seconds
      const until = Math.min(end, start + limit * seconds)
      if (given.end_time !== undefined && given.end_time <= given.start_time)
        throw new Fault('invalid_request', '`end_time` is not after `start_time`.', { param: 'end_time' })
      await flush()
      const fromMs = Math.max(start, given.start_time) * 1000
      const [, ...rows] = await readCosts(database, spec, {
        fromMs,
        toMs: Math.max(until * 1000, fromMs),
        filters: filtersOf(given, kind),
        groups: [...new Set((given.group_by ?? []).flatMap(name => groupOf[name]))],
        bucket,
        timeZone: 'UTC',
        limit: mostRows,
        skip: 0,
      })
      return {
        object: 'page',
        data: bucketsOf(rows, { start, until, seconds }).map(({ start_time, end_time, of }) => ({
          object: 'bucket',
          start_time,
          end_time,
          results: of.map(row => ({ ...kind.result(row), ...showGroups(row, given.group_by ?? [], kind) })),
        })),
        has_more: until < end,
        next_page: until < end ? `page_${until}` : null,
      }
    },
  }
}

function queryOf(kind: Kind): TSchema {
  const isCost = kind.operation === undefined
  const list = (description: string) =>
    Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 512, pattern: '^[^\\u0000]+$' }), {
        maxItems: 100,
        description,
      }),
    )
  const seconds = (description: string) => Type.Integer({ minimum: 0, maximum: 99_999_999_999, description })
  const most = isCost ? mostCostDays : widths['1m'].most
  return Type.Object(
    {
      start_time: seconds('Unix seconds, inclusive.'),
      end_time: Type.Optional(seconds('Unix seconds, exclusive.')),
      bucket_width: Type.Optional(
        Type.Unsafe<string>({
          type: 'string',
          enum: isCost ? ['1d'] : Object.keys(widths),
          description: 'By UTC.',
        }),
      ),
      project_ids: list('Of these projects: `organization/project`, or the name of the project alone.'),
      api_key_ids: list('With these keys.'),
      ...(isCost
        ? { line_items: list('Of these targets.') }
        : {
            user_ids: list('Of these end users.'),
            models: list('That asked for these models.'),
            batch: Type.Optional(Type.Boolean({ description: 'Of the class `batch` alone, or not of it.' })),
          }),
      group_by: Type.Optional(
        Type.Array(Type.Unsafe<string>({ type: 'string', enum: isCost ? costGroups : usageGroups }), {
          uniqueItems: true,
          description: 'What results are told apart by.',
        }),
      ),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: most, description: 'Buckets in an answer.' })),
      page: Type.Optional(Type.String({ pattern: '^page_[0-9]{1,11}$', description: '`next_page`.' })),
    },
    { additionalProperties: false },
  )
}

const pageShape = Type.Object({
  object: Type.Literal('page'),
  data: Type.Array(
    Type.Object({
      object: Type.Literal('bucket'),
      start_time: Type.Integer(),
      end_time: Type.Integer(),
      results: Type.Array(Type.Object({ object: Type.String() })),
    }),
  ),
  has_more: Type.Boolean(),
  next_page: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
})

function floor(seconds: number, width: number): number {
  return Math.floor(seconds / width) * width
}

function readPage(page: string | undefined): number | undefined {
  return page === undefined ? undefined : Number(page.slice('page_'.length))
}

function filtersOf(query: Query, { operation }: Kind): Partial<Record<Group, readonly string[]>> {
  const { project_ids, user_ids, api_key_ids, models, line_items, batch } = query
  return {
    ...(operation !== undefined && { operation: [operation] }),
    ...(project_ids && { project: project_ids }),
    ...(user_ids && { user: user_ids }),
    ...(api_key_ids && { key: api_key_ids }),
    ...(models && { model: models }),
    ...(line_items && { target: line_items }),
    ...(batch !== undefined && { class: [batch ? 'batch' : 'interactive'] }),
  }
}

/** Of the buckets from `start`, oldest first, each with its rows. */
function bucketsOf(
  rows: readonly CostRead[],
  { start, until, seconds }: { start: number; until: number; seconds: number },
): { start_time: number; end_time: number; of: CostRead[] }[] {
  const byStart = Map.groupBy(rows, ({ bucket }) => Math.floor((bucket?.getTime() ?? 0) / 1000))
  const found = []
  for (let at = start; at < until; at += seconds)
    found.push({ start_time: at, end_time: at + seconds, of: byStart.get(at) ?? [] })
  return found
}

function showGroups(
  row: CostRead,
  by: readonly (keyof typeof groupOf)[],
  { operation }: Kind,
): Record<string, unknown> {
  const is = (name: keyof typeof groupOf): boolean => by.includes(name)
  const shown = {
    project_id: is('project_id') ? `${row.organization}/${row.project}` : null,
    user_id: is('user_id') ? row.user : null,
    api_key_id: is('api_key_id') ? row.key : null,
  }
  if (operation === undefined) return { ...shown, line_item: is('line_item') ? row.target : null }
  return {
    ...shown,
    model: is('model') ? row.model : null,
    ...(operation === 'chat' && {
      batch: is('batch') ? row.class === 'batch' : null,
      service_tier: is('service_tier') ? row.tier : null,
    }),
  }
}
