import { ApiError, badRequest } from '../api-error.ts'
import { wellKnownModels } from '../playbook.ts'

const generates = ['generateContent', 'streamGenerateContent', 'countTokens']
const embeds = ['embedContent', 'batchEmbedContents', 'countTokens']
const maxPage = 1000

/** `GET /v1beta/models`: pages by `pageSize` and `pageToken`. */
export function listModels(query: URLSearchParams): string | ApiError {
  const size = Number(query.get('pageSize') ?? 50)
  const start = Number(query.get('pageToken') ?? 0)
  if (!(Number.isInteger(size) && size >= 0 && Number.isInteger(start) && start >= 0)) {
    return badRequest('page_size or page_token is invalid.', null)
  }
  const ids = wellKnownModels.filter(model => model.listed).map(model => model.id)
  const end = start + Math.min(size || 50, maxPage)
  const next = end < ids.length ? { nextPageToken: String(end) } : {}
  return JSON.stringify({ models: ids.slice(start, end).map(describe), ...next })
}

/** `GET /v1beta/models/{id}`: any name is served, but for the one that is always missing. */
export function findModel(id: string): string | ApiError {
  if (!wellKnownModels.some(model => model.id === id && !model.listed)) return JSON.stringify(describe(id))
  const message = `models/${id} is not found for API version v1beta, or is not supported for generateContent.`
  return new ApiError({ status: 404, type: 'not_found', code: null, message })
}

function describe(id: string) {
  return {
    ...{ name: `models/${id}`, version: '001', displayName: id, description: 'A simulated model.' },
    ...{ inputTokenLimit: 1_048_576, outputTokenLimit: 100_000, thinking: !id.includes('embed') },
    supportedGenerationMethods: id.includes('embed') ? embeds : generates,
    ...{ temperature: 1, topP: 0.95, topK: 64, maxTemperature: 2 },
  }
}
