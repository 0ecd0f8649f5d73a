import {
  type Asked,
  allow,
  type ChatRequest,
  type Decision,
  type IncomingRequest,
  type Refusal,
  refuse,
} from '#exchange'
import { chatBounds } from '../bounds.ts'
import { isObject, type JsonBody, readJsonBody, wrongType } from '../json-body.ts'
import { exchangeFields } from '../json-fields.ts'
import { withTagsAsText } from '../labels.ts'
import { readAttribution } from '../openai/attribution.ts'
import { reading } from '../reading.ts'
import { boundlessField, outputOf, tallyMedia, withCap } from './bounds.ts'
import { exchangesFor } from './relay-quirks.ts'
import { readChatRequest } from './to-chat.ts'

/** As much of a request as the relay relies on; the provider judges the rest. */
export function parseChatRequest(incoming: IncomingRequest): Decision<Asked> {
  const read = readJsonBody(incoming.body)
  if (!read.ok) return read
  const { json, fields } = read.value
  const problem = findProblem(json)
  if (problem) return problem
  const plain = withTagsAsText(incoming.body, json, fields)
  if (plain) return parseChatRequest({ ...incoming, body: plain })
  return allow(askedOf(incoming, read.value))
}

function findProblem(json: Record<string, unknown>): Refusal | undefined {
  if (typeof json.model !== 'string' || json.model === '')
    return wrongType('model', 'the name of a model', json.model)
  if (!Array.isArray(json.messages)) return wrongType('messages', 'an array of messages', json.messages)
  if (json.messages.length === 0) {
    return refuse('invalid_request', '`messages` must have at least one message.', { param: 'messages' })
  }
  for (const [index, message] of json.messages.entries()) {
    if (!isObject(message)) return wrongType(`messages[${index}]`, 'an object', message)
    if (typeof message.role !== 'string')
      return wrongType(`messages[${index}].role`, 'a string', message.role)
  }
  if (!isOptional(json.stream, 'boolean')) return wrongType('stream', 'true or false', json.stream)
  if (json.stream_options != null && !isObject(json.stream_options)) {
    return wrongType('stream_options', 'an object', json.stream_options)
  }
  return undefined
}

function isOptional(value: unknown, type: 'boolean'): boolean {
  return value === undefined || value === null || typeof value === type
}

function askedOf(incoming: IncomingRequest, { json, fields }: JsonBody): Asked {
  const { body } = incoming
  const stream = json.stream === true
  const options = isObject(json.stream_options) ? json.stream_options : undefined
  const toChat = (): Decision<ChatRequest> => reading(() => readChatRequest(body))
  return {
    operation: 'chat',
    dialect: 'openai-chat',
    model: String(json.model),
    stream,
    wantsUsage: options?.include_usage === true,
    ...readAttribution(json),
    estimatedInputTokens: Math.ceil(body.length / 4),
    incoming,
    renderFor(model, quirks) {
      const values: Record<string, string> = { model: JSON.stringify(model) }
      // Usage is always asked for: without it a stream could only be priced by guessing.
      if (stream) values.stream_options = JSON.stringify({ ...options, include_usage: true })
      return quirks.size === 0 ? exchangeFields(body, fields, values) : exchangesFor(quirks, body, values)
    },
    toChat,
    ...chatBounds({
      bytes: body.length,
      tally: tallyMedia(json),
      hasTools: json.tools !== undefined || json.functions !== undefined,
      boundless: boundlessField(json),
      output: outputOf(json),
      toChat,
      capped: tokens => parseChatRequest({ ...incoming, body: withCap(body, fields, tokens) }),
    }),
  }
}
