import { type Asked, allow, type Decision, type IncomingRequest } from '#exchange'
import { inputBounds } from '../bounds.ts'
import { changeFields, fieldBytes } from '../change-fields.ts'
import type { CountDialect } from '../dialect.ts'
import { isObject, parseObject, readJsonBody, wrongType } from '../json-body.ts'
import { reading } from '../reading.ts'
import { readCount } from '../token-count.ts'
import { bareName, modelPath, modelRoutes, requireAddress, servesMethods } from './address.ts'
import { readGeminiError, renderGeminiError, renderGeminiErrorEvent } from './error.ts'
import { withoutForeignSeals } from './relay.ts'
import { renderGeminiRequest } from './render-request.ts'
import { readGenerateContent } from './to-chat.ts'

/** Google's `countTokens` (ai.google.dev/api/tokens): of bare `contents`, or of a whole `generateContentRequest`. */
export const geminiCountTokens: CountDialect = {
  operation: 'count-tokens',
  routes: modelRoutes,
  serves: servesMethods('countTokens'),
  path: ({ model }) => modelPath(model, 'countTokens'),
  parseRequest: parseCountRequest,
  readFacts(body) {
    const json = parseObject(body.toString())
    return json && readCount(json, 'totalTokens') !== undefined
      ? { usage: undefined, model: undefined }
      : undefined
  },
  readError: readGeminiError,
  renderError: renderGeminiError,
  renderErrorEvent: renderGeminiErrorEvent,
  renderRequest: (request, target) => ({
    generateContentRequest: {
      model: `models/${bareName(target.model)}`,
      ...renderGeminiRequest(request, target),
    },
  }),
  readAnswer: json => readCount(json, 'totalTokens'),
  renderAnswer: totalTokens => ({ totalTokens }),
}

function parseCountRequest(incoming: IncomingRequest): Decision<Asked> {
  const address = requireAddress(incoming.rest)
  if (!address.ok) return address
  const { body } = incoming
  const read = readJsonBody(body)
  if (!read.ok) return read
  const { json } = read.value
  const field = wholeField in json ? wholeField : snakeField in json ? snakeField : undefined
  const whole = field === undefined ? undefined : json[field]
  if (field !== undefined && !isObject(whole)) return wrongType(field, 'an object', whole)
  const contents = isObject(whole) ? whole.contents : json.contents
  if (!Array.isArray(contents) && !isObject(contents))
    return wrongType('contents', 'an array of contents', contents)
  return allow({
    operation: 'count-tokens',
    dialect: 'gemini-count-tokens',
    model: address.value.model,
    stream: false,
    wantsUsage: false,
    estimatedInputTokens: Math.ceil(body.length / 4),
    incoming,
    renderFor: model => (field === undefined ? withoutForeignSeals(body) : withModel(body, field, model)),
    toChat: () => reading(() => readCounted(body)),
    ...inputBounds(0),
  })
}

const wholeField = 'generateContentRequest'
const snakeField = 'generate_content_request'

function readCounted(body: Buffer): ReturnType<typeof readGenerateContent> {
  const json = parseObject(body.toString()) ?? {}
  const { model: _model, ...request } = json
  const whole = request[wholeField] ?? request[snakeField]
  return readGenerateContent(isObject(whole) ? whole : request)
}

/** The whole request names its model a second time. */
function withModel(body: Buffer, field: string, model: string): Buffer {
  const inner = fieldBytes(body, field)
  if (!inner) return body
  const set = { model: JSON.stringify(`models/${bareName(model)}`) }
  return changeFields(body, {
    set: { [field]: changeFields(withoutForeignSeals(inner), { set }).toString() },
  })
}
