import type { AnswerPart, AudioPart, ImagePart, Signature, ToolCallPart } from '#exchange'
import { urlOf } from '../data-url.ts'
import { parseObject } from '../json-body.ts'
import { writeSignature } from '../signature.ts'
import { writeCitation } from './citations.ts'
import { writeThinking } from './thinking-blocks.ts'
import { toolUseId } from './tool-ids.ts'

type Json = Readonly<Record<string, unknown>>

/** An answer's part as content blocks for a caller. A refusal is no block: it is told where the answer ends. */
export function writeBlocks(part: AnswerPart): Json[] {
  switch (part.type) {
    case 'text':
      return [...writeText(part), ...writeSeal(part.signature)]
    case 'reasoning':
      return part.text === '' && !part.signature ? [] : [writeThinking(part)]
    case 'tool-call':
      return [{ ...openCall(part), input: readInput(part) }, ...writeSeal(part.signature)]
    case 'image':
    case 'audio':
      return writeText({ text: mediaAsText(part) })
    case 'opaque':
      return part.dialect === 'anthropic-messages' ? [part.value as Json] : []
    case 'refusal':
      return []
  }
}

/** Anthropic's clients give an answer back as it is, and the API refuses texts that are empty. */
function writeText({
  text,
  citations,
}: Pick<Extract<AnswerPart, { type: 'text' }>, 'text' | 'citations'>): Json[] {
  if (text === '' && !citations) return []
  return [{ type: 'text', text, citations: citations ? citations.map(writeCitation) : null }]
}

export function openCall({ id, name }: { id: string; name: string }): Json {
  return { type: 'tool_use', id: toolUseId(id), name, input: {}, caller: { type: 'direct' } }
}

/** Arguments as an object. What is none, by the model's mistake or by design of a custom tool, stands under a name. */
export function readInput({ arguments: text, custom }: Pick<ToolCallPart, 'arguments' | 'custom'>): unknown {
  if (custom) return { input: text }
  if (text.trim() === '') return {}
  return parseObject(text) ?? { invalid_arguments: text }
}

/** Another maker's seal of the text or call before it, which has no field for it: clients give the block back. */
export function writeSeal(signature: Signature | undefined): Json[] {
  return signature
    ? [{ type: 'redacted_thinking', data: writeSignature(signature, 'anthropic-messages') }]
    : []
}

/**
 * An image or audio in an answer, for which this dialect has no block: Markdown, so that a client can show it and
 * nothing is lost; of audio its words, where they are known.
 */
function mediaAsText(part: ImagePart | AudioPart): string {
  if (part.type === 'audio' && part.transcript) return part.transcript
  const { source } = part
  const address = source.kind === 'id' ? source.id : source.kind === 'text' ? source.text : urlOf(source)
  return part.type === 'image' ? `![image](${address})` : `[audio](${address})`
}
