import { type TSchema, Type } from 'typebox'

const defaultLimit = 100
const maxLimit = 1_000

/** The query fields of a list; `after` is the last item of the page before (`next` of its answer). */
export function pageQuery(after: TSchema) {
  return {
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: maxLimit,
        default: defaultLimit,
        description: 'How many items at most.',
      }),
    ),
    after: Type.Optional(after),
  }
}

/** The answer of a list. */
export function pageOf(item: TSchema) {
  return Type.Object({
    object: Type.Literal('list'),
    data: Type.Array(item),
    has_more: Type.Boolean({ description: 'Whether there are items after these.' }),
    next: Type.Optional(Type.String({ description: 'Send it as `after` to get the next page.' })),
  })
}

export interface Page<Item> {
  object: 'list'
  data: Item[]
  has_more: boolean
  next?: string
}

interface PageOptions<Row, Item> {
  query: { limit?: number; after?: string }
  /** Reads up to `limit` rows after the mark. */
  read(cut: { after: string | undefined; limit: number }): Promise<Row[]>
  /** What a row is found by: the mark of the next page. */
  mark(row: Row): string
  show(row: Row): Item
}

/** One page. Reads one row more than it shows, to know whether there are others. */
export async function readPage<Row, Item>(options: PageOptions<Row, Item>): Promise<Page<Item>> {
  const limit = options.query.limit ?? defaultLimit
  const rows = await options.read({ after: options.query.after, limit: limit + 1 })
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const more =
    rows.length > limit && last ? { has_more: true, next: options.mark(last) } : { has_more: false }
  return { object: 'list', data: shown.map(options.show), ...more }
}
