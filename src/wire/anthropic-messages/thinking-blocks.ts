import type { ReasoningPart } from '#exchange'
import { readSignature, writeSignature } from '../signature.ts'

type Json = Readonly<Record<string, unknown>>

/** A `thinking` or `redacted_thinking` block. An empty signature is none: it stands for thinking that nobody signed. */
export function readThinking(block: Json): ReasoningPart {
  if (block.type === 'redacted_thinking') {
    const data = typeof block.data === 'string' ? block.data : ''
    return { type: 'reasoning', text: '', signature: readSignature(data, 'anthropic-messages', 'sealed') }
  }
  const text = typeof block.thinking === 'string' ? block.thinking : ''
  if (typeof block.signature !== 'string' || block.signature === '') return { type: 'reasoning', text }
  return { type: 'reasoning', text, signature: readSignature(block.signature, 'anthropic-messages', 'seal') }
}

/** For a caller, who gives it back as it is: other makers' seals travel under their name. */
export function writeThinking({ text, signature }: ReasoningPart): Json {
  if (!signature) return { type: 'thinking', thinking: text, signature: '' }
  const value = writeSignature(signature, 'anthropic-messages')
  return text === '' && signature.kind === 'sealed'
    ? { type: 'redacted_thinking', data: value }
    : { type: 'thinking', thinking: text, signature: value }
}
