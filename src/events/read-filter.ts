import { Type } from 'typebox'
import { Fault } from '#exchange'
import { uuidOf } from './record.ts'
import { firstUuidAt } from './store.ts'

/** Adding up many calls takes longer than a statement on a call's way may. */
export const readTimeoutMs = 15_000

/** The id of a call, as callers see it. */
export const callId = (description: string) => Type.String({ pattern: '^call_[0-9a-f]{32}$', description })

const time = (description: string) =>
  Type.Optional(
    Type.String({
      maxLength: 40,
      description: `${description}: ISO 8601 such as 2030-01-31 (00:00 UTC) or 2030-01-31T09:30:00Z, or Unix seconds.`,
    }),
  )

// Postgres has no NUL in texts, and names on record have at most 256 characters.
export const name = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 256, pattern: '^[^\\u0000]+$', description }))

/** One of a few words. `enum` rather than a union: the error then names them all. */
export const oneOf = <Word extends string>(words: readonly Word[], description: string) =>
  Type.Unsafe<Word>({ type: 'string', enum: words, description })

/** What narrows any reading of the call log. All that are given must hold. */
export const filterFields = {
  from: time('Calls that started at this time or later'),
  to: time('Calls that started before this time'),
  organization: name('Calls of this organization.'),
  project: name('Calls of projects with this name.'),
  key: name('Calls with this key, by its id or by the name it had at the time.'),
  feature: name(
    "Calls of this feature of the product. What `x-sluice-feature` or the dialect's metadata said.",
  ),
  tag: name("Calls with this tag. What `x-sluice-tags` or the dialect's metadata said."),
  environment: name("Calls of this environment. What `x-sluice-environment` or the dialect's metadata said."),
  user: name("Calls of this end user. What `x-sluice-user` or the dialect's own field said."),
  model: name('Calls that asked for this model, by the name they used.'),
  target: name('Calls whose last attempt went to this `provider/model`.'),
  code: name('Calls that ended with this fault of the catalogue.'),
  degraded: Type.Optional(
    Type.Boolean({
      description:
        'Calls whose answer was less than what was asked for (`x-sluice-degraded`); `false`: the others.',
    }),
  ),
}

export interface Filter {
  organization?: string
  project?: string
  key?: string
  feature?: string
  tag?: string
  environment?: string
  user?: string
  model?: string
  target?: string
  code?: string
  degraded?: boolean
  status?: string
}

/** From the first millisecond to the one before `toMs`; undefined: open. */
export interface Span {
  fromMs: number | undefined
  toMs: number | undefined
}

/**
 * The condition on `calls` and on anything with its columns: binds $1 to $16, made by `bindFilter`. The primary
 * key narrows the time first, so that a page or a day is read without an index of its own.
 */
export const matches = `id >= $1::uuid and id < $2::uuid
  and ($3::timestamptz is null or started_at >= $3) and ($4::timestamptz is null or started_at < $4)
  and ($5::text is null or organization = $5) and ($6::text is null or project = $6)
  and ($7::text is null or key_id = $7 or key_name = $7) and ($8::text is null or feature = $8)
  and ($9::text is null or user_id = $9) and ($10::text is null or model = $10)
  and ($11::text is null or target = $11) and ($12::text is null or code = $12)
  and ($13::text is null or status = $13) and ($14::boolean is null or (degraded is not null) = $14)
  and ($15::text is null or tags::jsonb ? $15) and ($16::text is null or environment = $16)`

/**
 * An id is made a moment before the call's start is read off the clock, or runs ahead of it when the clock was set
 * back. Within this distance `started_at` decides.
 */
const idSlackMs = 60_000
const lastUuid = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** The values of `matches`. `before` is the id of a call: only older ones. */
export function bindFilter(filter: Filter, { fromMs, toMs }: Span, before?: string): unknown[] {
  const end = toMs === undefined ? lastUuid : firstUuidAt(toMs + idSlackMs)
  const cut = before === undefined ? lastUuid : uuidOf(before)
  const {
    organization,
    project,
    key,
    feature,
    user,
    model,
    target,
    code,
    status,
    degraded,
    tag,
    environment,
  } = filter
  const given = [
    organization,
    project,
    key,
    feature,
    user,
    model,
    target,
    code,
    status,
    degraded,
    tag,
    environment,
  ]
  return [
    firstUuidAt((fromMs ?? 0) - idSlackMs),
    [cut, end].sort()[0],
    fromMs === undefined ? null : new Date(fromMs).toISOString(),
    toMs === undefined ? null : new Date(toMs).toISOString(),
    ...given.map(value => value ?? null),
  ]
}

/** The times of a query. Refuses what is no time, and an end before the start. */
export function readSpan({ from, to }: { from?: string | undefined; to?: string | undefined }): Span {
  const fromMs = from === undefined ? undefined : readTime('from', from)
  const toMs = to === undefined ? undefined : readTime('to', to)
  if (fromMs !== undefined && toMs !== undefined && fromMs > toMs) {
    throw new Fault('invalid_request', '`from` is later than `to`.', { param: 'from' })
  }
  return { fromMs, toMs }
}

const iso = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/
const unixSeconds = /^\d{9,11}$/

function readTime(param: 'from' | 'to', text: string): number {
  if (unixSeconds.test(text)) return Number(text) * 1000
  const day = iso.exec(text)?.[1]
  const ms = isRealDay(day) ? Date.parse(text) : Number.NaN
  if (ms >= 0) return ms
  throw new Fault(
    'invalid_request',
    `\`${param}\` is not a time: send ISO 8601 with its zone, such as 2030-01-31T09:30:00Z or 2030-01-31T09:30:00%2B02:00, a day such as 2030-01-31, or Unix time in seconds.`,
    { param },
  )
}

/** `Date.parse` takes the 30th of February for the 2nd of March. */
function isRealDay(day: string | undefined): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(`${day}T`)
}
