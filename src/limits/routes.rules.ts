import { type Static, Type } from 'typebox'
import { Fault, type Route } from '#exchange'
import { changeEntry, createEntry, deleteEntry, findEntry, type RuleDesk } from './change-rules.ts'
import { checkedSubject, increaseRoutes } from './routes.increases.ts'
import type { Rule } from './rule.ts'
import { pickRule, type RuleEntry } from './rule-book.ts'
import type { RulesOptions, Standing } from './rules.ts'
import { countersShape, entryShape, type Shown, showCounter, showEntry } from './show-rules.ts'

export type ShownDesk = RuleDesk & Pick<RulesOptions, 'standings'>

/** Words and addresses of budgets, or of rate limits. */
const families = {
  budget: { root: '/sluice/v1/budgets', one: 'budget', many: 'Budgets' },
  limit: { root: '/sluice/v1/rate_limits', one: 'rate limit', many: 'Rate limits' },
}

// What is wrong with a definition is said in the words of the configuration, so it is looked at there.
const settings = (kind: Rule['kind']) =>
  Type.Unsafe<Record<string, unknown>>({
    type: 'object',
    minProperties: 1,
    additionalProperties: true,
    description: `The settings of one entry of \`${kind === 'budget' ? 'budgets' : 'rate_limits'}\` in the configuration, by the same names and spellings.`,
  })

const listQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: 'How many at most.' }),
    ),
    after: Type.Optional(Type.String({ maxLength: 100, description: '`next` of the page before.' })),
    counters: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 100,
        default: 10,
        description: 'How many counters of each to show at most.',
      }),
    ),
  },
  { additionalProperties: false },
)

const countersQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: 'How many at most.' }),
    ),
    after: Type.Optional(Type.String({ maxLength: 8_000, description: '`next` of the page before.' })),
    subject: Type.Optional(Type.String({ maxLength: 8_000, description: 'That counter alone.' })),
    rule: Type.Optional(
      Type.String({ maxLength: 100, description: 'Counters of that rule; needed where there are several.' }),
    ),
  },
  { additionalProperties: false },
)

const standingShape = Type.Object({ ...entryShape.properties, counters: countersShape })

const listShape = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(standingShape),
  has_more: Type.Boolean({ description: 'Whether there are others after these.' }),
  next: Type.Optional(Type.String({ description: 'Send it as `after` to get the next page.' })),
})

const deletedShape = Type.Object({ object: Type.String(), id: Type.String(), deleted: Type.Literal(true) })

/** The addresses of one kind of rules: the entries, their increases, their counters. */
export function ruleRoutes(kind: Rule['kind'], desk: ShownDesk): Route[] {
  const { root, one } = families[kind]
  const params = Type.Object({
    id: Type.String({ pattern: `^${kind}_[0-9a-f]{32}$`, description: `The id of a ${one}.` }),
  })
  const about = { kind, root, one, params }
  return [
    ...listRoutes(about, desk),
    ...oneRoutes(about, desk),
    ...increaseRoutes(about, desk),
    countersRoute(about, desk),
  ]
}

export interface About {
  kind: Rule['kind']
  root: string
  one: string
  params: Route['params'] & object
}

function listRoutes({ kind, root, one }: About, desk: ShownDesk): Route[] {
  return [
    {
      method: 'GET',
      path: root,
      requires: 'admin',
      summary: `${families[kind].many}: those of the configuration first, then by age, each with what is spent and held now.`,
      query: listQuery,
      answer: { status: 200, schema: listShape },
      async handle({ query }) {
        const { limit = 100, after, counters = 10 }: Static<typeof listQuery> = query
        const all = [...desk.book().entries.values()].filter(entry => entry.kind === kind)
        const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1
        if (after !== undefined && from === 0)
          throw new Fault('invalid_request', `\`after\` is no ${one} of now.`, { param: 'after' })
        const page = all.slice(from, from + limit)
        const data = []
        // One after the other: reading them all at once would keep calls from the database.
        for (const entry of page) data.push(await showStanding(desk, entry, counters))
        const last = from + limit < all.length ? page.at(-1) : undefined
        return { object: 'list', data, has_more: last !== undefined, ...(last && { next: last.id }) }
      },
    },
    {
      method: 'POST',
      path: root,
      requires: 'admin',
      summary: `Makes a ${one}. It holds in this process at once, in others within two seconds.`,
      body: settings(kind),
      answer: { status: 201, schema: entryShape },
      async handle({ body, caller }): Promise<Shown> {
        return showEntry(await createEntry(desk, { kind, definition: body }, caller), desk.clock.now())
      },
    },
  ]
}

function oneRoutes({ kind, root, one, params }: About, desk: ShownDesk): Route[] {
  return [
    {
      method: 'GET',
      path: `${root}/{id}`,
      requires: 'admin',
      summary: `One ${one}, with the first of its counters.`,
      params,
      answer: { status: 200, schema: standingShape },
      handle: async ({ params }) => await showStanding(desk, findEntry(desk, kind, params.id), 10),
    },
    {
      method: 'PATCH',
      path: `${root}/{id}`,
      requires: 'admin',
      summary: `Changes what is named; null takes a setting away. With \`if-match: VERSION\` only that version. What is spent stays counted unless something else is counted now.`,
      params,
      body: settings(kind),
      answer: { status: 200, schema: entryShape },
      async handle({ params, body, caller, headers }): Promise<Shown> {
        const change = { patch: body, ifVersion: readIfMatch(headers['if-match']) }
        return showEntry(await changeEntry(desk, { kind, id: params.id }, change, caller), desk.clock.now())
      },
    },
    {
      method: 'DELETE',
      path: `${root}/{id}`,
      requires: 'admin',
      summary: `Takes a ${one} away, with its increases. What has been spent stays in the ledger.`,
      params,
      answer: { status: 200, schema: deletedShape },
      async handle({ params, caller }): Promise<Static<typeof deletedShape>> {
        await deleteEntry(desk, { kind, id: params.id }, caller)
        return { object: kind === 'budget' ? 'budget' : 'rate_limit', id: params.id, deleted: true }
      },
    },
  ]
}

function countersRoute({ kind, root, one, params }: About, desk: ShownDesk): Route {
  return {
    method: 'GET',
    path: `${root}/{id}/counters`,
    requires: 'admin',
    summary: `What each counter of a ${one} stands at now, by subject.`,
    params,
    query: countersQuery,
    answer: { status: 200, schema: countersShape },
    async handle({ params, query }): Promise<Static<typeof countersShape>> {
      const { limit = 100, after, subject, rule: wanted }: Static<typeof countersQuery> = query
      const rule = pickRule(findEntry(desk, kind, params.id), wanted)
      const nowMs = desk.clock.now()
      if (subject !== undefined) {
        const [found] = await desk.standings(rule, { subject: checkedSubject(rule, subject) })
        const standing = found ?? { subject, spent: 0n, held: 0n }
        return {
          object: 'list',
          data: [{ rule: rule.id, ...showCounter(rule, standing, nowMs) }],
          has_more: false,
        }
      }
      return showCounters(rule, await desk.standings(rule, { after, limit: limit + 1 }), { limit, nowMs })
    },
  }
}

const unread = { data: [], has_more: true }

async function showStanding(
  desk: ShownDesk,
  entry: RuleEntry,
  limit: number,
): Promise<Static<typeof standingShape>> {
  const nowMs = desk.clock.now()
  const lists: Pick<Static<typeof countersShape>, 'data' | 'has_more' | 'next'>[] = []
  for (const rule of entry.rules) {
    const standings = limit === 0 ? [] : await desk.standings(rule, { after: undefined, limit: limit + 1 })
    lists.push(limit === 0 ? unread : showCounters(rule, standings, { limit, nowMs }))
  }
  const [only, ...others] = lists
  const counters = {
    object: 'list' as const,
    data: lists.flatMap(list => list.data),
    has_more: lists.some(list => list.has_more),
    ...(others.length === 0 && only?.next !== undefined && { next: only.next }),
  }
  return { ...showEntry(entry, nowMs), counters }
}

function showCounters(
  rule: Rule,
  standings: readonly Standing[],
  { limit, nowMs }: { limit: number; nowMs: number },
): Static<typeof countersShape> {
  const page = standings.slice(0, limit)
  const last = standings.length > limit ? page.at(-1) : undefined
  const data = page.map(standing => ({ rule: rule.id, ...showCounter(rule, standing, nowMs) }))
  return { object: 'list', data, has_more: last !== undefined, ...(last && { next: last.subject }) }
}

/** `if-match: 3`, with or without the quotes of an entity tag; `*` is any. */
function readIfMatch(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === '*') return undefined
  const version = /^(?:W\/)?"?(\d{1,9})"?$/.exec(String(header))?.[1]
  if (version !== undefined) return Number(version)
  throw new Fault('invalid_request', 'The header `if-match` must be a version, such as 3.', {
    param: 'if-match',
  })
}
