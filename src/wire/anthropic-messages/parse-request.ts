import {
  type Asked,
  allow,
  type ChatRequest,
  type Decision,
  type IncomingRequest,
  type Refusal,
  refuse,
} from '#exchange'
import { askedTier } from '../bill.ts'
import { chatBounds, inputBounds } from '../bounds.ts'
import { isObject, type JsonBody, readJsonBody, wrongType } from '../json-body.ts'
import { readLabels } from '../labels.ts'
import { reading } from '../reading.ts'
import { boundlessField, outputOf, tallyMedia, withCap } from './bounds.ts'
import { withoutForeignThinking } from './foreign-thinking.ts'
import { modelTraits } from './models.ts'
import { readMessagesRequest } from './to-chat.ts'
import { readMessagesBill } from './usage.ts'

type Json = Readonly<Record<string, unknown>>

/** As much of a request as the relay relies on; the provider judges the rest. */
export function parseMessagesRequest(incoming: IncomingRequest): Decision<Asked> {
  return parse(incoming, { operation: 'chat', dialect: 'anthropic-messages' })
}

/** A request whose tokens are to be counted: the same without what concerns the answer. */
export function parseCountRequest(incoming: IncomingRequest): Decision<Asked> {
  return parse(incoming, { operation: 'count-tokens', dialect: 'anthropic-count-tokens' })
}

function parse(incoming: IncomingRequest, kind: Pick<Asked, 'operation' | 'dialect'>): Decision<Asked> {
  const read = readJsonBody(incoming.body)
  if (!read.ok) return read
  const problem = findProblem(read.value.json, kind.operation === 'chat')
  if (problem) return problem
  return allow({ ...kind, ...askedOf(incoming, read.value, kind.operation === 'chat') })
}

function findProblem(json: Json, isChat: boolean): Refusal | undefined {
  if (typeof json.model !== 'string' || json.model === '')
    return wrongType('model', 'the name of a model', json.model)
  if (isChat && typeof json.max_tokens !== 'number')
    return wrongType('max_tokens', 'a number of tokens', json.max_tokens)
  if (!Array.isArray(json.messages)) return wrongType('messages', 'an array of messages', json.messages)
  if (json.messages.length === 0)
    return refuse('invalid_request', '`messages` must have at least one message.', { param: 'messages' })
  for (const [index, message] of json.messages.entries()) {
    if (!isObject(message)) return wrongType(`messages[${index}]`, 'an object', message)
    if (typeof message.role !== 'string')
      return wrongType(`messages[${index}].role`, 'a string', message.role)
  }
  if (json.stream !== undefined && json.stream !== null && typeof json.stream !== 'boolean')
    return wrongType('stream', 'true or false', json.stream)
  return undefined
}

function askedOf(
  incoming: IncomingRequest,
  { json, fields }: JsonBody,
  isChat: boolean,
): Omit<Asked, 'operation' | 'dialect'> {
  const { body } = incoming
  const toChat = (): Decision<ChatRequest> => reading(() => readMessagesRequest(body))
  const metadata = isObject(json.metadata) ? json.metadata : {}
  // Anthropic refuses metadata of any other name, so what else is told in it is told to us alone.
  const { feature, tags, environment, ...rest } = metadata
  return {
    model: String(json.model),
    stream: isChat && json.stream === true,
    wantsUsage: true,
    ...(isName(metadata.user_id) && { user: metadata.user_id }),
    ...(isName(feature) && { feature }),
    ...readLabels(metadata),
    ...askedTier(readMessagesBill({ speed: json.speed, inference_geo: json.inference_geo })?.tier),
    estimatedInputTokens: Math.ceil(body.length / 4),
    incoming,
    renderFor(model) {
      const values: Record<string, string> = { model: JSON.stringify(model) }
      if (feature !== undefined || tags !== undefined || environment !== undefined)
        values.metadata = JSON.stringify(rest)
      return withoutForeignThinking(body, { fields, values, claude: modelTraits(model).claude })
    },
    toChat,
    ...(isChat
      ? chatBounds({
          bytes: body.length,
          tally: tallyMedia(json),
          hasTools: json.tools !== undefined,
          boundless: boundlessField(json),
          output: outputOf(json),
          toChat,
          capped: tokens =>
            parseMessagesRequest({ ...incoming, body: withCap(body, { json, fields }, tokens) }),
        })
      : inputBounds(0)),
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
