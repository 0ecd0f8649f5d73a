import type { IncomingMessage } from 'node:http'
import { errorBody as anthropicError } from './anthropic/envelope.ts'
import { findModel as findAnthropic, listModels as listAnthropic } from './anthropic/models.ts'
import type { ApiError } from './api-error.ts'
import { errorBody as geminiError } from './gemini/envelope.ts'
import { findModel as findGemini, listModels as listGemini } from './gemini/models.ts'
import { errorBody as openaiError } from './openai/envelope.ts'
import { findModel as findOpenai, listModels as listOpenai } from './openai/models.ts'

/** What a dialect shows of itself besides its desks: its models, and its way to tell an error. */
export interface Front {
  /** Where its models are. */
  models: string
  listModels(query: URLSearchParams): string | ApiError
  findModel(id: string): string | ApiError
  errorBody(error: ApiError): string
}

const fronts = {
  openai: { models: '/v1/models', listModels: listOpenai, findModel: findOpenai, errorBody: openaiError },
  anthropic: {
    models: '/v1/models',
    listModels: listAnthropic,
    findModel: findAnthropic,
    errorBody: (error: ApiError) => anthropicError(error, 'req_simulator'),
  },
  gemini: { models: '/v1beta/models', listModels: listGemini, findModel: findGemini, errorBody: geminiError },
} satisfies Record<string, Front>

/** Who shares OpenAI's addresses is told by the headers that the SDKs always send; `/v1beta` is Gemini's alone. */
export function frontOf(request: IncomingMessage, path: string): Front {
  if (path.startsWith('/v1beta/')) return fronts.gemini
  if ('x-goog-api-key' in request.headers) return { ...fronts.gemini, models: '/v1/models' }
  return 'anthropic-version' in request.headers ? fronts.anthropic : fronts.openai
}
