import { type Static, Type } from 'typebox'
import { Fault, type Route } from '#exchange'
import { parseTime } from '#platform'
import { type AlertKind, uuidOf } from './alert.ts'
import {
  type AlertRoutesOptions,
  kind,
  limitQuery,
  listOf,
  markOf,
  orNull,
  pageOf,
  root,
  time,
} from './routes.ts'
import { deleteSilence, insertSilence, listSilences, type SilenceRow } from './store.silences.ts'

const prefix = Type.String({
  maxLength: 700,
  description: 'How the keys of alerts begin that it is for; empty: of all.',
})

const silenceShape = Type.Object({
  object: Type.Literal('silence'),
  id: Type.String(),
  kind: orNull(kind),
  key_prefix: orNull(prefix),
  organization: orNull(Type.String()),
  until: time('When it is over'),
  reason: Type.String(),
  created_at: time('When it was made'),
  created_by: Type.String({ description: 'The key of who made it.' }),
})

const newSilence = Type.Object(
  {
    kind: Type.Optional(kind),
    key_prefix: Type.Optional(prefix),
    organization: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    until: time('When it is to be over'),
    reason: Type.String({ minLength: 1, maxLength: 1_000, description: 'For those who wonder.' }),
  },
  { additionalProperties: false },
)

const silenceParams = Type.Object({ id: Type.String({ description: 'The id of a silence.' }) })
const listQuery = Type.Object(
  {
    limit: limitQuery,
    after: Type.Optional(Type.String({ description: 'The last id of the page before.' })),
  },
  { additionalProperties: false },
)

const silences = `${root}/silences`
const longestMs = 366 * 86_400_000

export function silenceRoutes(options: AlertRoutesOptions): Route[] {
  return [listRoute(options), createRoute(options), deleteRoute(options)]
}

function listRoute({ database }: AlertRoutesOptions): Route {
  return {
    method: 'GET',
    path: silences,
    requires: 'admin',
    summary: 'Silences, newest first, also those that are over.',
    query: listQuery,
    answer: { status: 200, schema: listOf(silenceShape) },
    async handle({ query }) {
      const { after, limit = 100 }: Static<typeof listQuery> = query
      const mark = after === undefined ? undefined : markOf('silence', after)
      const rows = await listSilences(database, { after: mark, limit: limit + 1 })
      return pageOf(rows.map(showSilence), limit)
    },
  }
}

function createRoute({ database, clock, newUuid, audit }: AlertRoutesOptions): Route {
  return {
    method: 'POST',
    path: silences,
    requires: 'admin',
    summary:
      'Holds back what it is for until it is over. An alert that is not over by then is delivered, any other is not.',
    body: newSilence,
    answer: { status: 201, schema: silenceShape },
    async handle({ body, caller }) {
      const { kind, key_prefix, organization, until, reason }: Static<typeof newSilence> = body
      const nowMs = clock.now()
      if (kind === undefined && key_prefix === undefined && organization === undefined)
        throw new Fault(
          'invalid_request',
          'Say what it is for: `kind`, `key_prefix` or `organization`. An empty `key_prefix` is for everything.',
        )
      const row: SilenceRow = {
        id: newUuid(),
        kind: (kind as AlertKind | undefined) ?? null,
        keyPrefix: storable('key_prefix', key_prefix),
        organization: storable('organization', organization),
        until: readUntil(until, nowMs),
        reason: storable('reason', reason) ?? '',
        createdAt: new Date(nowMs),
        createdBy: caller.keyId,
      }
      await insertSilence(database, row)
      const after = showSilence(row)
      await audit({ action: 'silence.create', target: after.id, before: null, after, caller, nowMs })
      return after
    },
  }
}

function deleteRoute({ database, clock, audit }: AlertRoutesOptions): Route {
  return {
    method: 'DELETE',
    path: `${silences}/{id}`,
    requires: 'admin',
    summary: 'Ends a silence: what it held back and is not over yet is delivered.',
    params: silenceParams,
    answer: { status: 200, schema: silenceShape },
    async handle({ params, caller }) {
      const uuid = uuidOf('silence', params.id)
      const row = uuid === undefined ? undefined : await deleteSilence(database, uuid)
      if (!row) throw new Fault('not_found', 'There is no silence of this id.', { param: 'id' })
      const before = showSilence(row)
      await audit({
        action: 'silence.delete',
        target: before.id,
        before,
        after: null,
        caller,
        nowMs: clock.now(),
      })
      return before
    },
  }
}

function readUntil(text: string, nowMs: number): Date {
  const untilMs = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/.test(text) ? parseTime(text) : Number.NaN
  if (untilMs > nowMs && untilMs <= nowMs + longestMs) return new Date(untilMs)
  throw new Fault(
    'invalid_request',
    '`until` must be a time to come, within a year, such as 2030-01-31T18:00:00Z.',
    { param: 'until' },
  )
}

/** Postgres has no NUL and no lone surrogates. */
function storable(param: string, text: string | undefined): string | null {
  if (text === undefined) return null
  if (!/[\p{Cc}\p{Cs}]/u.test(text)) return text
  throw new Fault('invalid_request', `\`${param}\` has control characters in it.`, { param })
}

function showSilence(row: SilenceRow): Static<typeof silenceShape> {
  return {
    object: 'silence',
    id: `silence_${row.id.replaceAll('-', '')}`,
    kind: row.kind,
    key_prefix: row.keyPrefix,
    organization: row.organization,
    until: row.until.toISOString(),
    reason: row.reason,
    created_at: row.createdAt.toISOString(),
    created_by: row.createdBy,
  }
}
