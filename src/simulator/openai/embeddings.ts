import { type ApiError, badRequest } from '../api-error.ts'
import { noFrames } from '../delivery.ts'
import type { Body, Desk } from '../dialect.ts'
import { embed } from '../embedding.ts'
import { countTokens } from '../tokens.ts'
import { errorBody, headers } from './envelope.ts'
import { asNumber, between, checkFields, isA, missing } from './read.ts'

const defaultDimensions = 256
const maxInputs = 2048

type Input = string | readonly number[]

const checks = {
  input: isA('string', 'array'),
  dimensions: between(1, 4096, 'integer'),
  encoding_format: (value: unknown) =>
    value === 'float' || value === 'base64'
      ? undefined
      : badRequest(
          "Invalid 'encoding_format': expected 'float' or 'base64'.",
          'invalid_value',
          'encoding_format',
        ),
}

/** `POST /v1/embeddings`. */
export const embeddings: Desk = {
  path: '/v1/embeddings',
  operation: 'embeddings',
  idPrefix: 'embd-',
  errorBody,
  headers,
  answer(body, order) {
    const mistake = checkFields(body, checks) ?? checkInput(body)
    if (mistake) return mistake
    const inputs = readInputs(body.input)
    const tokens = inputs.reduce((sum, input) => sum + countInput(input), 0)
    const whole = (): string => {
      const data = inputs.map((input, index) => renderEmbedding(body, input, index)).join(',')
      const usage = JSON.stringify({ prompt_tokens: tokens, total_tokens: tokens })
      const end = order.script.noUsage ? '' : `,"usage":${usage}`
      return `{"object":"list","data":[${data}],"model":${JSON.stringify(order.model)}${end}}`
    }
    return {
      stream: false,
      inputTokens: tokens,
      cachedTokens: 0,
      reasoningTokens: 0,
      visibleTokens: 0,
      whole,
      frames: () => noFrames,
    }
  },
}

function checkInput({ input }: Body): ApiError | undefined {
  if (input === undefined || input === null) return missing('input')
  const list = Array.isArray(input) ? input : [input]
  if (list.length === 0 || (!isTokens(input) && list.length > maxInputs)) {
    return badRequest(`Invalid 'input': expected 1 to ${maxInputs} inputs.`, 'invalid_value', 'input')
  }
  const good = isTokens(input) || list.every(one => isTokens(one) || (typeof one === 'string' && one !== ''))
  if (good) return undefined
  return badRequest("'$.input' is invalid: expected a text, texts, tokens or lists of tokens.", null, 'input')
}

function readInputs(input: unknown): readonly Input[] {
  if (typeof input === 'string' || isTokens(input)) return [input]
  return Array.isArray(input) ? input : []
}

function isTokens(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every(one => Number.isInteger(one) && one >= 0)
}

function countInput(input: Input): number {
  return typeof input === 'string' ? countTokens(input) : input.length
}

function renderEmbedding(body: Body, input: Input, index: number): string {
  const vector = embed(input, asNumber(body.dimensions) ?? defaultDimensions)
  const embedding =
    body.encoding_format === 'base64'
      ? `"${littleEndian(vector).toString('base64')}"`
      : `[${vector.join(',')}]`
  return `{"object":"embedding","index":${index},"embedding":${embedding}}`
}

function littleEndian(vector: Float32Array): Buffer {
  const bytes = Buffer.allocUnsafe(vector.length * 4)
  for (const [at, value] of vector.entries()) bytes.writeFloatLE(value, at * 4)
  return bytes
}
