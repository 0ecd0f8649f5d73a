import type { AnswerPart } from '#exchange'
import { isObject } from '../json-body.ts'
import { readCitations } from './citations.ts'
import { readThinking } from './thinking-blocks.ts'

type Json = Readonly<Record<string, unknown>>

/** A content block of an answer. What no other dialect can say (server tools and their results) stays whole. */
export function readAnswerBlock(block: Json): AnswerPart {
  switch (block.type) {
    case 'text': {
      const citations = readCitations(block.citations)
      const text = typeof block.text === 'string' ? block.text : ''
      return { type: 'text', text, ...(citations.length > 0 && { citations }) }
    }
    case 'thinking':
    case 'redacted_thinking':
      return readThinking(block)
    case 'tool_use':
      return { type: 'tool-call', ...readCall(block), arguments: JSON.stringify(block.input ?? {}) }
    default:
      return { type: 'opaque', dialect: 'anthropic-messages', value: block }
  }
}

export function readCall(block: Json): { id: string; name: string } {
  return {
    id: typeof block.id === 'string' ? block.id : '',
    name: typeof block.name === 'string' ? block.name : '',
  }
}

export function hasInput(block: Json): boolean {
  return isObject(block.input) && Object.keys(block.input).length > 0
}
