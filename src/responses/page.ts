import { Fault } from '#exchange'

export interface Page {
  object: 'list'
  data: unknown[]
  first_id: string | null
  last_id: string | null
  has_more: boolean
}

/** Items in the order they are listed in, from behind `after` up to `before`, as lists of OpenAI are. */
export function pageOf(
  items: readonly unknown[],
  { limit, after, before }: { limit: number; after: string | undefined; before: string | undefined },
): Page {
  const ids = items.map(idOf)
  // Who sends an item twice has its id twice: behind the last one, so that no page leads back to itself.
  const from = after === undefined ? 0 : placeOf(after, 'after', id => ids.lastIndexOf(id)) + 1
  const to = before === undefined ? items.length : placeOf(before, 'before', id => ids.indexOf(id))
  const within = items.slice(from, Math.max(from, to))
  // Who asks for the page ahead of an item means the items next to it.
  const backwards = before !== undefined && after === undefined
  const data = backwards ? within.slice(-limit) : within.slice(0, limit)
  return {
    object: 'list',
    data,
    first_id: data.length > 0 ? (idOf(data[0]) ?? null) : null,
    last_id: data.length > 0 ? (idOf(data.at(-1)) ?? null) : null,
    has_more: data.length < within.length,
  }
}

function placeOf(id: string, param: string, find: (id: string) => number): number {
  const place = find(id)
  if (place !== -1) return place
  throw new Fault('invalid_request', `\`${param}\` is no item of this response.`, { param })
}

function idOf(item: unknown): string | undefined {
  const id = typeof item === 'object' && item !== null && 'id' in item ? item.id : undefined
  return typeof id === 'string' ? id : undefined
}
