import { type Static, Type } from 'typebox'
import { Fault, type Route } from '#exchange'
import { callStatus, listedCallShape, showListed, showWhole, wholeCallShape } from './read-answer.ts'
import { findCall, listCalls } from './read-calls.ts'
import { callId, filterFields, readSpan } from './read-filter.ts'
import { callIdOf, uuidOf } from './record.ts'
import type { EventRoutesOptions } from './routes.ts'

const defaultLimit = 20
const maxLimit = 200

const listQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: maxLimit,
        default: defaultLimit,
        description: 'How many calls at most.',
      }),
    ),
    after: Type.Optional(callId('The last call of the page before (`next` of its answer).')),
    ...filterFields,
    status: Type.Optional(callStatus),
  },
  { additionalProperties: false },
)

const listShape = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(listedCallShape),
  has_more: Type.Boolean({ description: 'Whether there are calls after these.' }),
  next: Type.Optional(Type.String({ description: 'Send it as `after` to get the next page.' })),
})

const idPattern = '^(call|req)_[0-9a-f]{32}$'

const params = Type.Object({
  id: Type.String({
    pattern: idPattern,
    description: 'The id of the call (`x-sluice-call`), or of the request (`x-request-id`).',
  }),
})

const root = '/sluice/v1/calls'

export function callRoutes({ database, flush }: EventRoutesOptions): Route[] {
  return [
    {
      method: 'GET',
      path: root,
      requires: 'admin',
      summary:
        'Calls, newest first. One is listed as `running` from its first attempt on, and with all that is known once it has ended.',
      query: listQuery,
      answer: { status: 200, schema: listShape },
      async handle({ query }): Promise<Static<typeof listShape>> {
        const { limit = defaultLimit, after, from, to, ...filter }: Static<typeof listQuery> = query
        const span = readSpan({ from, to })
        await flush()
        const rows = await listCalls(database, filter, { span, before: after, limit: limit + 1 })
        const shown = rows.slice(0, limit)
        const last = shown.at(-1)
        const more = rows.length > limit && last
        return {
          object: 'list',
          data: shown.map(showListed),
          ...(more ? { has_more: true, next: callIdOf(last.id) } : { has_more: false }),
        }
      },
    },
    {
      method: 'GET',
      path: `${root}/{id}`,
      requires: 'admin',
      summary: 'One call with its attempts, and its texts where they are kept.',
      params,
      answer: { status: 200, schema: wholeCallShape },
      async handle({ params }): Promise<Static<typeof wholeCallShape>> {
        const uuid = readId(params.id)
        await flush()
        const row = await findCall(database, uuid)
        if (!row) throw new Fault('not_found', 'No call of this id is on record.', { param: 'id' })
        return showWhole(row)
      },
    },
  ]
}

/** The UUID in `call_…` or `req_…`. */
function readId(id: string): string {
  if (new RegExp(idPattern).test(id)) return uuidOf(id.replace('req_', 'call_'))
  throw new Fault(
    'invalid_request',
    'This is not the id of a call: expected `call_` or `req_` and 32 hex digits.',
    { param: 'id' },
  )
}
