import { type EmbeddingsAnswer, totalInput } from '#exchange'
import type { AnswerContext, AnswerFacts } from '../dialect.ts'
import { readAddress } from '../gemini/address.ts'
import { readGeminiUsage } from '../gemini/usage.ts'
import { isObject, parseObject } from '../json-body.ts'

/** `{embeddings: [{values}]}` of a batch, `{embedding: {values}}` of a single request. */
export function readEmbeddings(json: Record<string, unknown>): EmbeddingsAnswer | undefined {
  const vectors: number[][] = []
  for (const embedding of listOf(json) ?? [undefined]) {
    const values = isObject(embedding) ? embedding.values : undefined
    if (!Array.isArray(values) || !values.every(value => typeof value === 'number')) return undefined
    vectors.push(values)
  }
  const usage = readGeminiUsage(json.usageMetadata)
  return { vectors, ...(usage && { usage }) }
}

function listOf(json: Record<string, unknown>): unknown[] | undefined {
  if (Array.isArray(json.embeddings)) return json.embeddings
  return json.embedding === undefined ? undefined : [json.embedding]
}

export function readEmbeddingsFacts(body: Buffer): AnswerFacts | undefined {
  const json = parseObject(body.toString())
  return json && listOf(json) ? { usage: readGeminiUsage(json.usageMetadata), model: undefined } : undefined
}

export function renderEmbeddings({ vectors, usage }: EmbeddingsAnswer, { request }: AnswerContext): unknown {
  const embeddings = vectors.map(values => ({ values }))
  const isSingle = readAddress(request.rest)?.method === 'embedContent'
  return {
    ...(isSingle ? { embedding: embeddings[0] } : { embeddings }),
    ...(usage && {
      usageMetadata: { promptTokenCount: totalInput(usage), totalTokenCount: totalInput(usage) },
    }),
  }
}
