import type { Message, ToolCallPart, ToolResultPart } from '#exchange'
import { toolUseId } from './tool-ids.ts'

/** A call with the id it is sent under and the result it got. */
export interface LinkedCall {
  id: string
  result: ToolResultPart | undefined
}

/**
 * Finds for each tool call its result: the next of its id. Ids that come again in a later turn are told apart, since
 * Anthropic refuses a request in which one stands twice; a result that belongs to no call is left out.
 */
export function linkCalls(messages: readonly Message[]): Map<ToolCallPart, LinkedCall> {
  const links = new Map<ToolCallPart, LinkedCall>()
  const waiting = new Map<string, LinkedCall>()
  const used = new Set<string>()
  for (const { parts } of messages) {
    for (const part of parts) {
      if (part.type === 'tool-call') {
        const link = { id: freshId(toolUseId(part.id), used), result: undefined }
        links.set(part, link)
        waiting.set(part.id, link)
      } else if (part.type === 'tool-result') {
        const link = waiting.get(part.callId)
        if (!link) continue
        link.result = part
        waiting.delete(part.callId)
      }
    }
  }
  return links
}

function freshId(id: string, used: Set<string>): string {
  let fresh = id
  for (let again = 2; used.has(fresh); again += 1) fresh = `${id}_${again}`
  used.add(fresh)
  return fresh
}
