import { type Static, Type } from 'typebox'
import { boundedName, type CallClass, type Caller, type Route, type RuleSubject } from '#exchange'
import type { ShownDesk } from './routes.rules.ts'
import type { Concern } from './rule-set.ts'
import { counterShape, showCounter } from './show-rules.ts'

const name = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 10_000, description }))

const query = Type.Object(
  {
    user: name('As `x-sluice-user` would name the end user.'),
    feature: name('As `x-sluice-feature`.'),
    model: name('The model that a call would name.'),
    environment: name('As `x-sluice-environment`.'),
    tags: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
        maxItems: 8,
        description: 'As `x-sluice-tags`.',
      }),
    ),
    class: Type.Optional(
      Type.Unsafe<CallClass>({
        type: 'string',
        enum: ['interactive', 'batch'],
        default: 'interactive',
        description: 'As `x-sluice-class`.',
      }),
    ),
  },
  { additionalProperties: false },
)

const ownLimitShape = Type.Object({
  object: Type.Literal('limit'),
  name: Type.String(),
  kind: Type.Unsafe<'budget' | 'rate_limit'>({ type: 'string', enum: ['budget', 'rate_limit'] }),
  window: Type.String({ description: 'Over which time it counts.' }),
  hard: Type.Boolean({ description: 'Whether calls that do not fit are refused.' }),
  ...counterShape.properties,
})

/** What a caller may know of its own limits. */
export function ownLimitsRoutes(desk: ShownDesk): Route[] {
  return [
    {
      method: 'GET',
      path: '/sluice/v1/limits',
      requires: 'key',
      summary:
        'The budgets and limits of one’s own organization that would concern a call with this key, and what is left of each.',
      query,
      answer: {
        status: 200,
        schema: Type.Object({ object: Type.Literal('list'), data: Type.Array(ownLimitShape) }),
      },
      async handle({ query: asked, caller }) {
        const found = desk.book().rules.of(subjectOfCaller(caller, asked))
        const seen = found.filter(({ rule }) => rule.visible)
        const data = []
        for (const concern of seen) data.push(await showOwn(desk, concern))
        return { object: 'list', data }
      },
    },
  ]
}

function subjectOfCaller(caller: Caller, asked: Static<typeof query>): RuleSubject {
  const bounded = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : boundedName(text)
  return {
    organization: caller.organization,
    project: caller.project,
    keyId: caller.keyId,
    keyName: caller.keyName,
    user: bounded(asked.user),
    feature: bounded(asked.feature),
    model: bounded(asked.model),
    class: asked.class ?? 'interactive',
    tags: asked.tags ?? [],
    environment: asked.environment,
  }
}

async function showOwn(desk: ShownDesk, { rule, subject }: Concern): Promise<Static<typeof ownLimitShape>> {
  const [found] = await desk.standings(rule, { subject })
  return {
    object: 'limit',
    name: rule.name,
    kind: rule.kind === 'budget' ? 'budget' : 'rate_limit',
    window: rule.window.name,
    hard: rule.hard,
    ...showCounter(rule, found ?? { subject, spent: 0n, held: 0n }, desk.clock.now()),
  }
}
