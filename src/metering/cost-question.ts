import { Type } from 'typebox'
import { Fault } from '#exchange'

/** What costs can be told apart by, with the column it is read from. */
export const groupColumns = {
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
  task: 'task',
  tag: 'tag',
  environment: 'environment',
  tier: 'tier',
} as const

export type Group = keyof typeof groupColumns

export const groups = Object.keys(groupColumns) as Group[]

export const buckets = ['minute', 'hour', 'day', 'month'] as const

export type Bucket = (typeof buckets)[number]

/** What costs are asked for. Every filter that is given must hold; a list: one of it. */
export interface CostQuestion {
  fromMs: number | undefined
  toMs: number | undefined
  filters: Partial<Record<Group, readonly string[]>>
  groups: readonly Group[]
  bucket: Bucket | undefined
  timeZone: string
  limit: number
  skip: number
}

export const oneOf = <Word extends string>(words: readonly Word[], description: string) =>
  Type.Unsafe<Word>({ type: 'string', enum: words, description })

// Postgres has no NUL in texts, and names on record have at most 256 characters.
const name = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 256, pattern: '^[^\\u0000]+$', description }))

export const filterFields = {
  organization: name('Of this organization.'),
  project: name('Of projects with this name.'),
  key: name('With this key, by its id or by the name it had at the time.'),
  user: name('Of this end user.'),
  feature: name('Of this feature of the product.'),
  model: name('That asked for this model, by the name they used.'),
  target: name('That went to this `provider/model`.'),
  provider: name('That went to this provider.'),
  class: name('`interactive` or `batch`.'),
  operation: name('Such as `chat`.'),
  task: name('Of this task: `model` was `task/` and this name.'),
  tag: name('With this tag.'),
  environment: name('Of this environment.'),
  tier: name('Served in this tier of the provider.'),
}

const time = (description: string) =>
  Type.Optional(
    Type.String({
      maxLength: 40,
      description: `${description}: ISO 8601 such as 2030-01-31 (00:00 UTC) or 2030-01-31T09:30:00Z, or Unix seconds.`,
    }),
  )

export const spanFields = {
  from: time('Held at this time or later'),
  to: time('Held before this time'),
}

/** The times of a query. Refuses what is no time, and an end before the start. */
export function readSpan({ from, to }: { from?: string | undefined; to?: string | undefined }): {
  fromMs: number | undefined
  toMs: number | undefined
} {
  const fromMs = from === undefined ? undefined : readTime('from', from)
  const toMs = to === undefined ? undefined : readTime('to', to)
  if (fromMs !== undefined && toMs !== undefined && fromMs > toMs)
    throw new Fault('invalid_request', '`from` is later than `to`.', { param: 'from' })
  return { fromMs, toMs }
}

const iso = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/

function readTime(param: string, text: string): number {
  if (/^\d{9,11}$/.test(text)) return Number(text) * 1000
  const day = Date.parse(`${iso.exec(text)?.[1]}T00:00:00Z`)
  const isRealDay = !Number.isNaN(day) && text.startsWith(new Date(day).toISOString().slice(0, 10))
  const ms = isRealDay ? Date.parse(text) : Number.NaN
  if (ms >= 0) return ms
  throw new Fault(
    'invalid_request',
    `\`${param}\` is not a time: send ISO 8601 with its zone, such as 2030-01-31T09:30:00Z, a day such as 2030-01-31, or Unix time in seconds.`,
    { param },
  )
}

// Of what `Intl` takes, Postgres reads offsets with the sign reversed and abbreviations without their summer time.
const zonePattern = /^(UTC|[A-Za-z_]+(\/[A-Za-z0-9_+-]+){1,2})$/

export function checkZone(zone: string): void {
  try {
    if (zonePattern.test(zone)) return void new Intl.DateTimeFormat('en', { timeZone: zone })
  } catch {} // refused below
  throw zoneFault(zone)
}

export function zoneFault(zone: string): Fault {
  const message = `\`time_zone\` is not known: ${JSON.stringify(zone)}; send an IANA name such as Europe/Berlin, or UTC.`
  return new Fault('invalid_request', message, { param: 'time_zone' })
}
