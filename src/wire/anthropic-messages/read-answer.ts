import type { AnswerPart, ChatAnswer } from '#exchange'
import { withoutTier } from '../bill.ts'
import type { AnswerFacts } from '../dialect.ts'
import { isObject, parseObject } from '../json-body.ts'
import { readAnswerBlock } from './answer-blocks.ts'
import { readRefusal, readStop } from './stop.ts'
import { readMessagesBill, readMessagesUsage, readTier } from './usage.ts'

/** A whole message; undefined when it is none, or an error in the place of one. */
export function readMessagesAnswer(json: Record<string, unknown>): ChatAnswer | undefined {
  if (json.type === 'error' || !Array.isArray(json.content)) return undefined
  const parts: AnswerPart[] = json.content.filter(isObject).map(readAnswerBlock)
  const refusal = readRefusal(json)
  if (refusal !== undefined) parts.push({ type: 'refusal', text: refusal })
  const usage = readMessagesUsage(json.usage)
  const bill = withoutTier(readMessagesBill(json.usage), readTier(json.usage).serviceTier)
  const finish = readStop(
    json,
    parts.some(({ type }) => type === 'tool-call'),
  )
  return { ...readHead(json), choices: [{ parts, finish }], ...(usage && { usage }), ...(bill && { bill }) }
}

export function readHead(
  message: Readonly<Record<string, unknown>>,
): Pick<ChatAnswer, 'id' | 'model' | 'serviceTier'> {
  return {
    ...(typeof message.id === 'string' && { id: message.id }),
    ...(typeof message.model === 'string' && { model: message.model }),
    ...readTier(message.usage),
  }
}

export function readMessagesFacts(body: Buffer): AnswerFacts | undefined {
  const json = parseObject(body.toString())
  if (!json || json.type === 'error' || !Array.isArray(json.content)) return undefined
  return {
    usage: readMessagesUsage(json.usage),
    bill: readMessagesBill(json.usage),
    model: typeof json.model === 'string' ? json.model : undefined,
  }
}
