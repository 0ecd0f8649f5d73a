import { ApiError, badRequest } from '../api-error.ts'
import { noFrames } from '../delivery.ts'
import type { Body, Desk, Order } from '../dialect.ts'
import { embed } from '../embedding.ts'
import { asBody, asList, asNumber, asText } from '../fields.ts'
import { countTokens } from '../tokens.ts'
import { errorBody, headers } from './envelope.ts'
import { modelPath } from './model-path.ts'
import { type Fields, readProto } from './proto.ts'
import { batchEmbedFields, embedFields } from './request-fields.ts'

const defaultDimensions = 256
const maxDimensions = 4096
const maxRequests = 100

interface Input {
  text: string
  dimensions: number
}

/** `POST /v1beta/models/{model}:embedContent`. */
export const embedContent: Desk = embedDesk('embedContent', embedFields, request => {
  const input = readInput(request, 'EmbedContentRequest')
  return input instanceof ApiError
    ? input
    : { inputs: [input], render: ([values]) => `"embedding":${values}` }
})

/** `POST /v1beta/models/{model}:batchEmbedContents`. */
export const batchEmbedContents: Desk = embedDesk('batchEmbedContents', batchEmbedFields, ({ requests }) => {
  const list = asList(requests).map(asBody)
  const name = 'BatchEmbedContentsRequest.requests'
  if (list.length === 0) return badRequest(`* ${name}: requests must not be empty.\n`, null)
  if (list.length > maxRequests) {
    return badRequest(`* ${name}: at most ${maxRequests} requests can be in one batch\n`, null)
  }
  const inputs: Input[] = []
  for (const [at, request] of list.entries()) {
    if (!asText(request.model)?.startsWith('models/')) {
      return badRequest(`* ${name}[${at}].model: unexpected model name format\n`, null)
    }
    const input = readInput(request, `${name}[${at}]`)
    if (input instanceof ApiError) return input
    inputs.push(input)
  }
  return { inputs, render: all => `"embeddings":[${all.join(',')}]` }
})

interface Reading {
  inputs: readonly Input[]
  render(embeddings: readonly string[]): string
}

function embedDesk(verb: string, fields: Fields, read: (request: Body) => Reading | ApiError): Desk {
  return {
    path: modelPath(verb),
    streams: false,
    operation: 'embeddings',
    idPrefix: '',
    errorBody,
    headers,
    answer(body, order) {
      const request = readProto(body, fields)
      const reading = request instanceof ApiError ? request : read(request)
      return reading instanceof ApiError ? reading : make(reading, order)
    },
  }
}

function make({ inputs, render }: Reading, order: Order) {
  const tokens = inputs.reduce((sum, { text }) => sum + countTokens(text), 0)
  const usage = `,"usageMetadata":${JSON.stringify({ promptTokenCount: tokens, totalTokenCount: tokens })}`
  return {
    stream: false,
    inputTokens: tokens,
    cachedTokens: 0,
    reasoningTokens: 0,
    visibleTokens: 0,
    whole: () => {
      const all = inputs.map(({ text, dimensions }) => `{"values":[${embed(text, dimensions).join(',')}]}`)
      return `{${render(all)}${order.script.noUsage ? '' : usage}}`
    },
    frames: () => noFrames,
  }
}

function readInput({ content, outputDimensionality }: Body, place: string): Input | ApiError {
  const texts = asList(asBody(content).parts).flatMap(part => asText(asBody(part).text) ?? [])
  const text = texts.join('\n')
  if (text === '') return badRequest(`* ${place}.content: content is not specified\n`, null)
  const dimensions = asNumber(outputDimensionality) ?? defaultDimensions
  if (dimensions >= 1 && dimensions <= maxDimensions) return { text, dimensions }
  return badRequest(`* ${place}.output_dimensionality: must be between 1 and ${maxDimensions}\n`, null)
}
