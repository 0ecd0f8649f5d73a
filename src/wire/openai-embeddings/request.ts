import { type Asked, allow, type Decision, type EmbeddingsRequest, type IncomingRequest } from '#exchange'
import { inputBounds } from '../bounds.ts'
import type { RenderTarget } from '../dialect.ts'
import { parseObject, readJsonBody, wrongType } from '../json-body.ts'
import { exchangeFields } from '../json-fields.ts'
import { readAttribution } from '../openai/attribution.ts'
import { optionalNumber, optionalString, optionalWord, reading, said, wrong } from '../reading.ts'

/** The official SDK asks for base64: `encoding_format` goes through. */
export function parseEmbeddingsRequest(incoming: IncomingRequest): Decision<Asked> {
  const { body } = incoming
  const read = readJsonBody(body)
  if (!read.ok) return read
  const { json, fields } = read.value
  if (typeof json.model !== 'string' || json.model === '')
    return wrongType('model', 'the name of a model', json.model)
  if (typeof json.input !== 'string' && !Array.isArray(json.input))
    return wrongType('input', 'a string, an array of strings, or an array of tokens', json.input)
  return allow({
    operation: 'embeddings',
    dialect: 'openai-embeddings',
    model: json.model,
    stream: false,
    wantsUsage: true,
    ...readAttribution(json),
    estimatedInputTokens: Math.ceil(body.length / 4),
    incoming,
    renderFor: model => exchangeFields(body, fields, { model: JSON.stringify(model) }),
    toEmbeddings: () => reading(() => readEmbeddingsRequest(body)),
    ...inputBounds(body.length),
  })
}

const known = ['model', 'input', 'dimensions', 'user', 'encoding_format']

function readEmbeddingsRequest(body: Buffer): EmbeddingsRequest {
  const json = parseObject(body.toString()) ?? {}
  optionalWord(json, 'encoding_format', ['float', 'base64'])
  return {
    inputs: readInputs(json.input),
    extras: Object.entries(json)
      .filter(([field, value]) => !known.includes(field) && value !== null)
      .map(([field, value]) => ({ field, value, weight: 'meaning' })),
    ...said<Partial<EmbeddingsRequest>>({
      dimensions: optionalNumber(json, 'dimensions', { min: 1, whole: true }),
      user: optionalString(json, 'user'),
    }),
  }
}

/** One text or list of tokens, or an array of either. */
function readInputs(input: unknown): (string | readonly number[])[] {
  if (typeof input === 'string') return [input]
  if (!Array.isArray(input) || input.length === 0) return wrong('input', '`input` must not be empty.')
  if (isTokens(input)) return [input]
  return input.map((one: unknown, i) => {
    if (typeof one === 'string' || isTokens(one)) return one
    return wrong(`input[${i}]`, `\`input[${i}]\` must be a string or an array of tokens.`)
  })
}

function isTokens(value: unknown): value is number[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every(token => Number.isInteger(token) && token >= 0)
  )
}

/** Plain numbers are asked for: not every server of this dialect knows base64. */
export function renderEmbeddingsRequest(
  { inputs, dimensions, user }: EmbeddingsRequest,
  { model }: RenderTarget,
): Decision<Record<string, unknown>> {
  const [only] = inputs
  const input = inputs.length === 1 ? only : inputs
  return allow({ model, input, ...said({ dimensions, user }), encoding_format: 'float' })
}
