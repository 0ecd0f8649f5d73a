import type { EmbeddingsDialect } from '../dialect.ts'
import { readOpenAiError, renderOpenAiError, renderOpenAiErrorEvent } from '../openai/error.ts'
import { readEmbeddings, readEmbeddingsFacts, renderEmbeddings } from './answer.ts'
import { parseEmbeddingsRequest, renderEmbeddingsRequest } from './request.ts'

/** OpenAI Embeddings (openai-openapi, `/embeddings`). */
export const openAiEmbeddings: EmbeddingsDialect = {
  operation: 'embeddings',
  routes: ['/v1/embeddings'],
  path: () => '/embeddings',
  lacks: ['taskType', 'title'],
  parseRequest: parseEmbeddingsRequest,
  readFacts: readEmbeddingsFacts,
  readError: readOpenAiError,
  renderError: renderOpenAiError,
  renderErrorEvent: renderOpenAiErrorEvent,
  renderRequest: renderEmbeddingsRequest,
  readAnswer: readEmbeddings,
  renderAnswer: renderEmbeddings,
}
