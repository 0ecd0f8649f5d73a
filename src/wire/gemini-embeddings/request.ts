import {
  type Asked,
  allow,
  type Decision,
  type EmbeddingsRequest,
  type IncomingRequest,
  refuse,
} from '#exchange'
import { inputBounds } from '../bounds.ts'
import { changeFields } from '../change-fields.ts'
import type { RenderTarget } from '../dialect.ts'
import { bareName, requireAddress } from '../gemini/address.ts'
import { tallyMedia } from '../gemini/bounds.ts'
import { camelFields, type Json, repeated } from '../gemini/json.ts'
import { isObject, parseObject, readJsonBody, wrongType } from '../json-body.ts'
import { boundByBytes, MediaTally, objectsIn } from '../media-tally.ts'
import {
  optionalArray,
  optionalNumber,
  optionalString,
  reading,
  requiredObject,
  requiredString,
  said,
  wrong,
} from '../reading.ts'

/** A single request is its `content`, a batch its `requests`; each may name the model of the path again. */
export function parseEmbedRequest(incoming: IncomingRequest): Decision<Asked> {
  const address = requireAddress(incoming.rest)
  if (!address.ok) return address
  const { body } = incoming
  const read = readJsonBody(body)
  if (!read.ok) return read
  const { json } = read.value
  const isBatch = address.value.method === 'batchEmbedContents'
  if (isBatch && (!Array.isArray(json.requests) || json.requests.length === 0))
    return wrongType('requests', 'an array of at least one request', json.requests)
  if (!isBatch && !isObject(json.content)) return wrongType('content', 'an object', json.content)
  return allow({
    operation: 'embeddings',
    dialect: 'gemini-embeddings',
    model: address.value.model,
    stream: false,
    wantsUsage: true,
    estimatedInputTokens: Math.ceil(body.length / 4),
    incoming,
    renderFor: model => (isBatch ? renameAll(body, model) : renameOne(body, model)),
    toEmbeddings: () => reading(() => readEmbedRequest(body, isBatch)),
    ...inputBounds(boundByBytes(body.length, tallyContents(json))),
  })
}

/** Newer models read pictures too. */
function tallyContents(json: Json): MediaTally {
  const tally = new MediaTally()
  for (const { content } of [json, ...objectsIn(json.requests)]) tallyMedia(content, tally)
  return tally
}

function renameOne(body: Buffer, model: string): Buffer {
  return changeFields(body, { set: { model: JSON.stringify(`models/${bareName(model)}`) } })
}

/** Each request of a batch must name the model, so the list is written anew; what else stands in it is kept. */
function renameAll(body: Buffer, model: string): Buffer {
  const { requests } = parseObject(body.toString()) ?? {}
  const renamed = (Array.isArray(requests) ? requests : []).map((request: unknown) =>
    isObject(request) ? { ...request, model: `models/${bareName(model)}` } : request,
  )
  return changeFields(body, { set: { requests: JSON.stringify(renamed) } })
}

const known = ['model', 'content', 'taskType', 'title', 'outputDimensionality', 'embedContentConfig']

function readEmbedRequest(body: Buffer, isBatch: boolean): EmbeddingsRequest {
  const json = parseObject(body.toString()) ?? {}
  const requests = isBatch
    ? (optionalArray(json, 'requests') ?? []).map((request, i) => readOne(request, `requests[${i}].`))
    : [readOne(json, '')]
  const [first] = requests
  if (!first) return wrong('requests', '`requests` must have at least one request.')
  const differs = requests.findIndex(
    request => JSON.stringify(request.settings) !== JSON.stringify(first.settings),
  )
  if (differs !== -1)
    wrong(
      `requests[${differs}]`,
      `\`requests[${differs}]\` asks for other settings than the first; this model takes the same for all.`,
    )
  return {
    inputs: requests.map(({ input }) => input),
    extras: requests.flatMap(({ extras }) => extras),
    ...first.settings,
  }
}

interface OneRequest {
  input: string
  settings: Pick<EmbeddingsRequest, 'dimensions' | 'taskType' | 'title'>
  extras: EmbeddingsRequest['extras']
}

function readOne(value: unknown, path: string): OneRequest {
  const json = camelFields(value, path.slice(0, -1))
  // Newer requests have their settings in an object of their own.
  const config: Json = { ...json, ...camelFields(json.embedContentConfig ?? {}, `${path}embedContentConfig`) }
  const content = requiredObject(json.content, `${path}content`)
  const parts = repeated(content, 'parts', `${path}content.parts`) ?? []
  const texts = parts.map((part, i) => {
    const at = `${path}content.parts[${i}]`
    const inner = camelFields(part, at)
    return requiredString(inner, 'text', `${at}.text`)
  })
  return {
    input: texts.join('\n'),
    settings: said<OneRequest['settings']>({
      dimensions: optionalNumber(config, 'outputDimensionality', {
        path: `${path}outputDimensionality`,
        min: 1,
        whole: true,
      }),
      taskType: optionalString(config, 'taskType', `${path}taskType`),
      title: optionalString(config, 'title', `${path}title`),
    }),
    extras: Object.entries(config)
      .filter(([field, inner]) => !known.includes(field) && inner !== undefined && inner !== null)
      .map(([field, inner]) => ({ field: `${path}${field}`, value: inner, weight: 'meaning' })),
  }
}

/** A batch for a provider: texts alone, since tokens of another model mean nothing to this one. */
export function renderEmbedRequest(
  { inputs, dimensions, taskType, title }: EmbeddingsRequest,
  { model }: RenderTarget,
): Decision<Record<string, unknown>> {
  const texts = inputs.filter(input => typeof input === 'string')
  if (texts.length < inputs.length)
    return refuse('unsupported_parameter', '`input` must be text: this model does not take tokens.', {
      param: 'input',
    })
  const settings = said({ taskType, title, outputDimensionality: dimensions })
  return allow({
    requests: texts.map(text => ({
      model: `models/${bareName(model)}`,
      content: { parts: [{ text }] },
      ...settings,
    })),
  })
}
