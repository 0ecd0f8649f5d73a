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
import { chatBounds } from '../bounds.ts'
import { isObject, readJsonBody, wrongType } from '../json-body.ts'
import { readLabels } from '../labels.ts'
import { reading } from '../reading.ts'
import { requireAddress } from './address.ts'
import { boundlessField, outputOf, tallyMedia, withCap } from './bounds.ts'
import { withUsableSeals } from './relay.ts'
import { readChatRequest } from './to-chat.ts'

/** As much of a request as the relay relies on; the provider judges the rest. Model and method stand in the path. */
export function parseGeminiRequest(incoming: IncomingRequest): Decision<Asked> {
  const address = requireAddress(incoming.rest)
  if (!address.ok) return address
  const { body } = incoming
  const read = readJsonBody(body)
  if (!read.ok) return read
  const { json } = read.value
  const problem = findProblem(json.contents)
  if (problem) return problem
  const toChat = (): Decision<ChatRequest> => reading(() => readChatRequest(body))
  const tier = json.serviceTier ?? json.service_tier
  return allow({
    operation: 'chat',
    dialect: 'gemini',
    model: address.value.model,
    stream: address.value.method === 'streamGenerateContent',
    wantsUsage: true,
    ...readAttribution(json.labels),
    ...(typeof tier === 'string' && tier.toLowerCase() === 'flex' && { batch: true }),
    ...askedTier(typeof tier === 'string' ? tier.replace(/^SERVICE_TIER_/i, '') : undefined),
    estimatedInputTokens: Math.ceil(body.length / 4),
    incoming,
    renderFor: model => withUsableSeals(body, model),
    toChat,
    ...chatBounds({
      bytes: body.length,
      tally: tallyMedia(json.contents),
      hasTools: json.tools !== undefined,
      boundless: boundlessField(json),
      output: outputOf(json),
      toChat,
      capped: tokens => parseGeminiRequest({ ...incoming, body: withCap(body, tokens) }),
    }),
  })
}

function findProblem(contents: unknown): Refusal | undefined {
  if (isObject(contents)) return undefined
  if (!Array.isArray(contents)) return wrongType('contents', 'an array of contents', contents)
  if (contents.length === 0)
    return refuse('invalid_request', '`contents` must have at least one content.', { param: 'contents' })
  const stranger = contents.findIndex(content => !isObject(content))
  return stranger === -1 ? undefined : wrongType(`contents[${stranger}]`, 'an object', contents[stranger])
}

/** `labels` are for the bill; Gemini has no field for the end user, so that one goes by the name of Anthropic's. */
function readAttribution(given: unknown): Pick<Asked, 'user' | 'feature' | 'tags' | 'environment'> {
  const labels = isObject(given) ? given : {}
  const { feature, user_id: user } = labels
  return {
    ...(typeof user === 'string' && user !== '' && { user }),
    ...(typeof feature === 'string' && feature !== '' && { feature }),
    ...readLabels(labels),
  }
}
