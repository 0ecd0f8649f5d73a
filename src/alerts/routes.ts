import { type Static, type TSchema, Type } from 'typebox'
import { Fault, type Route } from '#exchange'
import type { Clock, Database } from '#platform'
import { alertIdOf, alertKinds, severities, uuidOf } from './alert.ts'
import type { Audit } from './audit.ts'
import type { Delivery } from './destination.ts'
import {
  type AlertRow,
  type AlertStatus,
  acknowledgeAlert,
  type DeliveryRow,
  findAlert,
  listAlerts,
} from './store.ts'

export interface AlertRoutesOptions {
  database: Database
  clock: Clock
  newUuid(): string
  audit: Audit
  /** Sends a test to one destination or to all, and says how it came out. */
  test(destination: string | undefined): Promise<readonly Tested[]>
}

export interface Tested {
  destination: string
  type: string
  delivery: Delivery
}

export const root = '/sluice/v1/alerts'
export const time = (description: string) => Type.String({ description: `${description}, in ISO 8601, UTC.` })
export const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
export const kind = Type.String({ enum: [...alertKinds] })
const statuses: AlertStatus[] = ['open', 'acknowledged', 'silenced', 'resolved']

export const limitQuery = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: 'How many items at most.' }),
)
export const listOf = (item: TSchema) =>
  Type.Object({
    object: Type.Literal('list'),
    data: Type.Array(item),
    has_more: Type.Boolean({ description: 'Whether there are items after these.' }),
    next: Type.Optional(Type.String({ description: 'Send it as `after` to get the next page.' })),
  })

const deliveryShape = Type.Object({
  destination: Type.String(),
  state: Type.String({
    enum: ['pending', 'delivered', 'failed', 'silenced'],
    description: '`failed`: given up. `silenced`: it was over before its silence was.',
  }),
  attempts: Type.Integer({ description: 'Attempts begun.' }),
  next_at: orNull(time('When it is tried next')),
  ended_at: orNull(time('When it was delivered or given up')),
  error: orNull(Type.String({ description: 'Why the last attempt failed.' })),
})

const alertShape = Type.Object({
  object: Type.Literal('alert'),
  id: Type.String(),
  kind,
  key: Type.String({ description: 'What it is about and in which window; of each key there is one alert.' }),
  severity: Type.String({ enum: [...severities] }),
  organization: orNull(Type.String()),
  title: Type.String(),
  detail: Type.Record(Type.String(), Type.Unknown()),
  status: Type.String({
    enum: statuses,
    description: '`resolved`: it is over by itself, such as with the window of its budget.',
  }),
  raised_at: time('When it was raised'),
  ends_at: time('When it is over by itself'),
  acknowledged_at: orNull(time('When somebody took notice')),
  acknowledged_by: orNull(Type.String({ description: 'The key of who did.' })),
  deliveries: Type.Array(deliveryShape),
})

const alertParams = Type.Object({ id: Type.String({ description: 'The id of an alert.' }) })

const alertsQuery = Type.Object(
  {
    status: Type.Optional(Type.String({ enum: statuses, description: 'Only alerts of this status.' })),
    kind: Type.Optional(kind),
    organization: Type.Optional(Type.String({ description: 'Only alerts of this organization.' })),
    limit: limitQuery,
    after: Type.Optional(Type.String({ description: 'The last id of the page before.' })),
  },
  { additionalProperties: false },
)

const testQuery = Type.Object(
  { destination: Type.Optional(Type.String({ description: 'Its name; absent: all.' })) },
  { additionalProperties: false },
)

const testedShape = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(
    Type.Object({
      destination: Type.String(),
      type: Type.String(),
      delivered: Type.Boolean(),
      error: orNull(Type.String()),
    }),
  ),
})

export function alertRoutes(options: AlertRoutesOptions): Route[] {
  return [listRoute(options), findRoute(options), acknowledgeRoute(options), testRoute(options)]
}

function listRoute({ database, clock }: AlertRoutesOptions): Route {
  return {
    method: 'GET',
    path: root,
    requires: 'admin',
    summary: 'Alerts, newest first, with what became of their deliveries.',
    query: alertsQuery,
    answer: { status: 200, schema: listOf(alertShape) },
    async handle({ query }) {
      const { status, kind, organization, after, limit = 100 } = query
      const rows = await listAlerts(database, {
        status,
        kind,
        organization,
        after: after === undefined ? undefined : markOf('alert', after),
        limit: limit + 1,
        nowMs: clock.now(),
      })
      return pageOf(rows.map(showAlert), limit)
    },
  }
}

function findRoute({ database, clock }: AlertRoutesOptions): Route {
  return {
    method: 'GET',
    path: `${root}/{id}`,
    requires: 'admin',
    summary: 'One alert.',
    params: alertParams,
    answer: { status: 200, schema: alertShape },
    handle: async ({ params }) => showAlert(await find({ database, clock }, params.id)),
  }
}

function acknowledgeRoute({ database, clock, audit }: AlertRoutesOptions): Route {
  return {
    method: 'POST',
    path: `${root}/{id}/acknowledge`,
    requires: 'admin',
    summary: 'Somebody has taken notice. The first acknowledgement stands.',
    params: alertParams,
    answer: { status: 200, schema: alertShape },
    async handle({ params, caller }) {
      const { id } = await find({ database, clock }, params.id)
      const nowMs = clock.now()
      const isFirst = await acknowledgeAlert(database, { id, by: caller.keyId, nowMs })
      const after = showAlert(await find({ database, clock }, params.id))
      if (isFirst)
        await audit({ action: 'alert.acknowledge', target: after.id, before: null, after, caller, nowMs })
      return after
    },
  }
}

function testRoute({ test }: AlertRoutesOptions): Route {
  return {
    method: 'POST',
    path: `${root}/test`,
    requires: 'admin',
    summary: 'Sends a test to every destination, or to one, at once, and says how it came out.',
    query: testQuery,
    answer: { status: 200, schema: testedShape },
    async handle({ query }): Promise<Static<typeof testedShape>> {
      const { destination }: Static<typeof testQuery> = query
      const tested = await test(destination)
      const data = tested.map(({ destination, type, delivery }) => ({
        destination,
        type,
        delivered: delivery.ok,
        error: delivery.ok ? null : delivery.error,
      }))
      return { object: 'list', data }
    },
  }
}

async function find(
  { database, clock }: Pick<AlertRoutesOptions, 'database' | 'clock'>,
  id: string,
): Promise<AlertRow> {
  const uuid = uuidOf('alert', id)
  const row = uuid === undefined ? undefined : await findAlert(database, { id: uuid, nowMs: clock.now() })
  if (!row) throw new Fault('not_found', 'There is no alert of this id.', { param: 'id' })
  return row
}

/** The mark of a page, as a UUID. */
export function markOf(prefix: 'alert' | 'silence', after: string): string {
  const uuid = uuidOf(prefix, after)
  if (uuid !== undefined) return uuid
  throw new Fault(
    'invalid_request',
    `\`after\` is no id of ${prefix === 'alert' ? 'an alert' : 'a silence'}.`,
    {
      param: 'after',
    },
  )
}

/** One page of items, of which one more than fits was read. */
export function pageOf<Item extends { id: string }>(items: readonly Item[], limit: number): object {
  const data = items.slice(0, limit)
  const last = data.at(-1)
  const more = items.length > limit && last ? { has_more: true, next: last.id } : { has_more: false }
  return { object: 'list', data, ...more }
}

function showAlert(row: AlertRow): Static<typeof alertShape> {
  return {
    object: 'alert',
    id: alertIdOf(row.id),
    kind: row.kind,
    key: row.key,
    severity: row.severity,
    organization: row.organization,
    title: row.title,
    detail: row.detail,
    status: row.status,
    raised_at: row.raisedAt.toISOString(),
    ends_at: row.endsAt.toISOString(),
    acknowledged_at: row.acknowledgedAt?.toISOString() ?? null,
    acknowledged_by: row.acknowledgedBy,
    deliveries: row.deliveries.map(showDelivery),
  }
}

function showDelivery(row: DeliveryRow): Static<typeof deliveryShape> {
  const iso = (text: string | null): string | null => text && new Date(text).toISOString()
  const { destination, state, attempts, error } = row
  return { destination, state, attempts, next_at: iso(row.next_at), ended_at: iso(row.ended_at), error }
}
