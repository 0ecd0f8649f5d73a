import { isObject, parseObject } from '../json-body.ts'
import { exchangeFields, type ObjectFields } from '../json-fields.ts'

/**
 * A request in which thinking stands that this API never signed: an earlier turn was answered by a provider of
 * another dialect, and its seals came to the caller in ours. Anthropic refuses such blocks, so they are taken out.
 */
export function withoutForeignThinking(
  body: Buffer,
  { fields, values, claude }: { fields: ObjectFields; values: Record<string, string>; claude: boolean },
): Buffer {
  if (!body.includes('sluice1:') && !(claude && hasUnsigned(body)))
    return exchangeFields(body, fields, values)
  const messages = parseObject(body.toString())?.messages
  if (!Array.isArray(messages)) return exchangeFields(body, fields, values)
  const kept = messages.map((message: unknown) => cleanMessage(message, claude)).filter(hasContent)
  return exchangeFields(body, fields, { ...values, messages: JSON.stringify(kept) })
}

/** A native search for what is rare, so that a long prompt is not read again for it. */
function hasUnsigned(body: Buffer): boolean {
  return body.includes('"signature":""') || body.includes('"signature": ""')
}

function cleanMessage(message: unknown, claude: boolean): unknown {
  if (!isObject(message) || message.role !== 'assistant' || !Array.isArray(message.content)) return message
  return { ...message, content: message.content.filter(block => !isForeign(block, claude)) }
}

function hasContent(message: unknown): boolean {
  return !isObject(message) || !Array.isArray(message.content) || message.content.length > 0
}

function isForeign(block: unknown, claude: boolean): boolean {
  if (!isObject(block)) return false
  const seal =
    block.type === 'thinking' ? block.signature : block.type === 'redacted_thinking' ? block.data : undefined
  return typeof seal === 'string' && (seal.startsWith('sluice1:') || (claude && seal === ''))
}
