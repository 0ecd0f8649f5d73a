import type { EmbeddingsDialect } from '../dialect.ts'
import { bareName, modelPath, modelRoutes, readAddress, servesMethods } from '../gemini/address.ts'
import { readGeminiError, renderGeminiError, renderGeminiErrorEvent } from '../gemini/error.ts'
import { readEmbeddings, readEmbeddingsFacts, renderEmbeddings } from './answer.ts'
import { parseEmbedRequest, renderEmbedRequest } from './request.ts'

/**
 * Google's `embedContent` and `batchEmbedContents` (ai.google.dev/api/embeddings). A provider is asked for a batch,
 * unless a caller's own single request goes through as it is.
 */
export const geminiEmbeddings: EmbeddingsDialect = {
  operation: 'embeddings',
  routes: modelRoutes,
  serves: servesMethods('embedContent', 'batchEmbedContents'),
  path({ model, relayed }) {
    const method = relayed && readAddress(relayed.rest)?.method
    return modelPath(bareName(model), method === 'embedContent' ? method : 'batchEmbedContents')
  },
  lacks: ['user'],
  parseRequest: parseEmbedRequest,
  readFacts: readEmbeddingsFacts,
  readError: readGeminiError,
  renderError: renderGeminiError,
  renderErrorEvent: renderGeminiErrorEvent,
  renderRequest: renderEmbedRequest,
  readAnswer: readEmbeddings,
  renderAnswer: renderEmbeddings,
}
