import { ApiError } from '../api-error.ts'
import { wellKnownModels } from '../playbook.ts'
import { mistake } from './check.ts'

const createdAt = '2026-01-01T00:00:00Z'
const maxPage = 1000

/** `GET /v1/models` for who speaks Anthropic: pages by `limit`, `after_id` and `before_id`. */
export function listModels(query: URLSearchParams): string | ApiError {
  const limit = Number(query.get('limit') ?? 20)
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= maxPage)) {
    return mistake('limit', `Input should be a valid integer from 1 to ${maxPage}`)
  }
  const ids = wellKnownModels.filter(model => model.listed).map(model => model.id)
  const [after, before] = [query.get('after_id'), query.get('before_id')]
  const from = after === null ? 0 : ids.indexOf(after) + 1
  const to = before === null ? ids.length : Math.max(0, ids.indexOf(before))
  const start = before === null ? from : Math.max(from, to - limit)
  const page = ids.slice(start, Math.min(to, start + limit))
  const has_more = before === null ? start + page.length < ids.length : start > 0
  const ends = { first_id: page[0] ?? null, last_id: page.at(-1) ?? null }
  return JSON.stringify({ data: page.map(describe), has_more, ...ends })
}

/** `GET /v1/models/{id}`: any name is served, but for the one that is always missing. */
export function findModel(id: string): string | ApiError {
  if (!wellKnownModels.some(model => model.id === id && !model.listed)) return JSON.stringify(describe(id))
  return new ApiError({ status: 404, type: 'not_found_error', code: null, message: `model: ${id}` })
}

function describe(id: string) {
  return {
    ...{ type: 'model', id, display_name: id, created_at: createdAt },
    ...{ max_input_tokens: 200_000, max_tokens: 100_000, capabilities: null, line: null },
    ...{ lifecycle: 'active', deprecated_at: null, retires_at: null },
  }
}
