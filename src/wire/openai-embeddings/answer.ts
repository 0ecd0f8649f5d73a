import { type EmbeddingsAnswer, totalInput } from '#exchange'
import type { AnswerContext, AnswerFacts } from '../dialect.ts'
import { isObject, parseObject } from '../json-body.ts'
import { readOpenAiUsage } from '../openai/usage.ts'

export function readEmbeddingsFacts(body: Buffer): AnswerFacts | undefined {
  const json = parseObject(body.toString())
  if (!json || !Array.isArray(json.data)) return undefined
  return {
    usage: readOpenAiUsage(json.usage),
    model: typeof json.model === 'string' ? json.model : undefined,
  }
}

/** Vectors in the order of their `index`, where they have one. */
export function readEmbeddings(json: Record<string, unknown>): EmbeddingsAnswer | undefined {
  if (!Array.isArray(json.data)) return undefined
  const vectors: (readonly number[])[] = []
  for (const [position, item] of json.data.entries()) {
    const vector = isObject(item) ? readVector(item.embedding) : undefined
    if (!vector) return undefined
    const { index } = item as { index?: unknown }
    vectors[typeof index === 'number' && Number.isInteger(index) && index >= 0 ? index : position] = vector
  }
  const isWhole = vectors.length === json.data.length && !vectors.includes(undefined as never)
  const usage = readOpenAiUsage(json.usage)
  if (!isWhole) return undefined
  return {
    vectors,
    ...(typeof json.model === 'string' && { model: json.model }),
    ...(usage && { usage }),
  }
}

function readVector(embedding: unknown): readonly number[] | undefined {
  if (typeof embedding === 'string') return readBase64(embedding)
  return Array.isArray(embedding) && embedding.every(value => typeof value === 'number')
    ? embedding
    : undefined
}

/** Numbers of four bytes each, the lowest first (IEEE 754 binary32), whatever the order on this machine. */
function readBase64(text: string): number[] | undefined {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length === 0 || bytes.length % 4 !== 0) return undefined
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4))
}

function writeBase64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4)
  for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, i * 4)
  return bytes.toString('base64')
}

export function renderEmbeddings(
  { vectors, model, usage }: EmbeddingsAnswer,
  context: AnswerContext,
): unknown {
  const wanted = parseObject(context.request.body.toString())?.encoding_format
  const tokens = usage ? totalInput(usage) : context.estimatedInputTokens
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: wanted === 'base64' ? writeBase64(vector) : vector,
    })),
    model: model ?? context.model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  }
}
