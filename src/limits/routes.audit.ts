import { type Static, Type } from 'typebox'
import type { Route } from '#exchange'
import type { RuleDesk } from './change-rules.ts'
import { type AuditRow, listAudit } from './store.audit.ts'

const query = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: 'How many at most.' }),
    ),
    after: Type.Optional(
      Type.String({ pattern: '^audit_[0-9a-f]{32}$', description: '`next` of the page before.' }),
    ),
    target: Type.Optional(
      Type.String({
        maxLength: 200,
        pattern: '^[^\\u0000]*$',
        description: 'Changes of that alone, by its id.',
      }),
    ),
  },
  { additionalProperties: false },
)

const objectOrNull = (description: string) =>
  Type.Unsafe<object | null>({ type: ['object', 'null'], description })

const auditShape = Type.Object({
  object: Type.Literal('audit_entry'),
  id: Type.String(),
  at: Type.String({ description: 'When, in ISO 8601, UTC.' }),
  by: Type.String({ description: 'The id of the key, or `configuration`.' }),
  by_name: Type.String({ description: 'The name that the key had.' }),
  action: Type.String({ description: 'What was done to what: `budget.change`.' }),
  target: Type.String({ description: 'The id of what was changed.' }),
  before: objectOrNull('What it was; null of what was made.'),
  after: objectOrNull('What it became; null of what is gone.'),
  reason: Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'Why, where that was said.' }),
})

/** Who changed what, and when. */
export function auditRoutes({ database }: Pick<RuleDesk, 'database'>): Route[] {
  return [
    {
      method: 'GET',
      path: '/sluice/v1/audit',
      requires: 'admin',
      summary: 'Changes of budgets and limits, over the API and in the configuration, newest first.',
      query,
      answer: {
        status: 200,
        schema: Type.Object({
          object: Type.Literal('list'),
          data: Type.Array(auditShape),
          has_more: Type.Boolean({ description: 'Whether there are older ones.' }),
          next: Type.Optional(Type.String({ description: 'Send it as `after` to get the next page.' })),
        }),
      },
      async handle({ query: asked }) {
        const { limit = 100, after, target }: Static<typeof query> = asked
        const rows = await listAudit(database, { target, after, limit: limit + 1 })
        const page = rows.slice(0, limit)
        const last = rows.length > limit ? page.at(-1) : undefined
        return {
          object: 'list',
          data: page.map(showAudit),
          has_more: last !== undefined,
          ...(last && { next: last.id }),
        }
      },
    },
  ]
}

function showAudit(row: AuditRow): Static<typeof auditShape> {
  const { id, at, actorId, actorName, action, target, before, after, reason } = row
  return {
    object: 'audit_entry',
    id,
    at: at.toISOString(),
    by: actorId,
    by_name: actorName,
    action,
    target,
    before,
    after,
    reason,
  }
}
