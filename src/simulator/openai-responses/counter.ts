import type { IncomingMessage } from 'node:http'
import { ApiError, badRequest } from '../api-error.ts'
import type { Item, Kept, ResponseStore } from './store.ts'

const address = /^\/v1\/responses\/([^/]+)(\/input_items|\/cancel)?$/
const maxPage = 100
const defaultPage = 20

/**
 * What can be asked about a response that was made: `GET` and `DELETE /v1/responses/{id}`, `GET …/input_items`,
 * `POST …/cancel`. `undefined`: the request is about something else. Nothing of this is on the bill.
 */
export function lookUp(store: ResponseStore, request: IncomingMessage): string | ApiError | undefined {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://simulator')
  const [, id, what = ''] = address.exec(pathname) ?? []
  if (id === undefined) return undefined
  const kept = store.find(id)
  switch (`${request.method} ${what}`) {
    case 'GET ':
      if (searchParams.get('stream') === 'true') return noReplay()
      return kept ? kept.text : notFound(id)
    case 'DELETE ':
      return store.drop(id) ? JSON.stringify({ id, object: 'response', deleted: true }) : notFound(id)
    case 'GET /input_items':
      return kept ? listItems(kept, searchParams) : notFound(id)
    case 'POST /cancel':
      return kept ? badRequest('Cannot cancel a synchronous response.', null) : notFound(id)
    default:
      return undefined
  }
}

/** All items that the model was shown, those of earlier responses included; the latest first unless told. */
function listItems({ input }: Kept, query: URLSearchParams): string | ApiError {
  const limit = Number(query.get('limit') ?? defaultPage)
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= maxPage)) {
    return badRequest(`Invalid 'limit': expected a number from 1 to ${maxPage}.`, 'invalid_value', 'limit')
  }
  const order = query.get('order') ?? 'desc'
  if (order !== 'asc' && order !== 'desc') {
    return badRequest("Invalid 'order': expected 'asc' or 'desc'.", 'invalid_value', 'order')
  }
  const all = order === 'asc' ? input : input.toReversed()
  const start = startAfter(all, query.get('after'))
  if (start === undefined) return badRequest("Invalid 'after': no such item.", 'invalid_value', 'after')
  const data = all.slice(start, start + limit)
  return JSON.stringify({
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + limit < all.length,
  })
}

function startAfter(items: readonly Item[], after: string | null): number | undefined {
  if (after === null) return 0
  const at = items.findIndex(item => item.id === after)
  return at < 0 ? undefined : at + 1
}

function notFound(id: string): ApiError {
  return new ApiError({
    status: 404,
    type: 'invalid_request_error',
    code: null,
    message: `Response with id '${id}' not found.`,
  })
}

function noReplay(): ApiError {
  return badRequest('Only a background response can be streamed again.', 'invalid_value', 'stream')
}
