import type { ChatAnswer } from '#exchange'
import { readBill } from '../bill.ts'
import { isObject } from '../json-body.ts'
import { readBlock } from './read-blocks.ts'
import { readStop } from './stop.ts'
import { readConverseUsage, readTier } from './usage.ts'

/** A whole answer (API reference, `Converse`); undefined when it is none. It names neither itself nor its model. */
export function readConverseAnswer(json: Record<string, unknown>): ChatAnswer | undefined {
  const message = isObject(json.output) ? json.output.message : undefined
  if (!isObject(message) || !Array.isArray(message.content)) return undefined
  const parts = message.content.filter(isObject).map(readBlock)
  const usage = readConverseUsage(json.usage)
  const bill = readBill(json.usage)
  const finish = readStop(
    json,
    parts.some(({ type }) => type === 'tool-call'),
  )
  return { ...readTier(json), choices: [{ parts, finish }], ...(usage && { usage }), ...(bill && { bill }) }
}
