import { type Asked, allow, type Decision } from '#exchange'
import type { AnswerFacts, DialectModule } from './dialect.ts'
import { exchangeFields } from './json-fields.ts'
import { readOpenAiError, renderOpenAiError, renderOpenAiErrorEvent } from './openai-error.ts'
import { parseObject, readAttribution, readOpenAiBody, wrongType } from './openai-request.ts'
import { readOpenAiUsage } from './openai-usage.ts'

/** OpenAI Embeddings (openai-openapi, `/embeddings`). The official SDK asks for base64: `encoding_format` goes through. */
export const openAiEmbeddings: DialectModule = {
  path: '/embeddings',
  parseRequest: parseEmbeddingsRequest,
  readAnswer: readEmbeddingsAnswer,
  createStreamTap: undefined,
  readError: readOpenAiError,
  renderError: renderOpenAiError,
  renderErrorEvent: renderOpenAiErrorEvent,
}

function parseEmbeddingsRequest(body: Buffer): Decision<Asked> {
  const read = readOpenAiBody(body)
  if (!read.ok) return read
  const { json, fields } = read.value
  if (typeof json.model !== 'string' || json.model === '')
    return wrongType('model', 'the name of a model', json.model)
  if (typeof json.input !== 'string' && !Array.isArray(json.input)) {
    return wrongType('input', 'a string, an array of strings, or an array of tokens', json.input)
  }
  return allow({
    operation: 'embeddings',
    dialect: 'openai-embeddings',
    model: json.model,
    stream: false,
    wantsUsage: true,
    ...readAttribution(json),
    estimatedInputTokens: Math.ceil(body.length / 4),
    renderFor: model => exchangeFields(body, fields, { model: JSON.stringify(model) }),
  })
}

function readEmbeddingsAnswer(body: Buffer): AnswerFacts | undefined {
  const json = parseObject(body.toString())
  if (!json || !Array.isArray(json.data)) return undefined
  return {
    usage: readOpenAiUsage(json.usage),
    model: typeof json.model === 'string' ? json.model : undefined,
  }
}
