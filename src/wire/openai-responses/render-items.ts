import type {
  AnswerPart,
  AudioPart,
  FilePart,
  ImagePart,
  Message,
  OpaquePart,
  ReasoningPart,
  RefusalPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  UserPart,
} from '#exchange'
import { urlOf } from '../data-url.ts'
import { shortId } from '../openai/short-id.ts'
import { said } from '../reading.ts'
import { renderAnnotation } from './annotations.ts'

type Json = Record<string, unknown>

export function renderItems(messages: readonly Message[]): unknown[] {
  return messages.flatMap(message => {
    if (message.role === 'assistant') return renderTurn(message.parts)
    return renderGiven(message.role, message.parts)
  })
}

/** A turn of the user's: results of tools first, in items of their own; what else there is behind them, in order. */
function renderGiven(role: 'system' | 'developer' | 'user', parts: readonly UserPart[]): unknown[] {
  const items: unknown[] = parts.filter(part => part.type === 'tool-result').map(renderResult)
  let content: UserPart[] = []
  const flush = (): void => {
    if (content.length > 0) items.push({ type: 'message', role, content: renderContent(content) })
    content = []
  }
  for (const part of parts) {
    if (part.type === 'tool-result') continue
    if (part.type !== 'opaque') content.push(part)
    else if (part.dialect === 'openai-responses') {
      flush()
      items.push(part.value)
    }
  }
  flush()
  return items
}

/** One text is a string, as every server reads it; anything else is a list. */
function renderContent(parts: readonly UserPart[]): unknown {
  const [only] = parts
  if (parts.length === 1 && only?.type === 'text') return only.text
  return parts.flatMap(renderPart)
}

function renderPart(part: UserPart | ToolResultPart['parts'][number]): Json[] {
  switch (part.type) {
    case 'text':
      return [{ type: 'input_text', text: part.text }]
    case 'image':
      return [renderImage(part)]
    case 'file':
      return [
        ...(part.context === undefined ? [] : [{ type: 'input_text', text: part.context }]),
        renderFile(part),
      ]
    default:
      return []
  }
}

function renderImage({ source, detail }: ImagePart): Json {
  const where = source.kind === 'id' ? { file_id: source.id } : { image_url: urlOf(source) }
  return { type: 'input_image', ...where, ...said({ detail }) }
}

function renderFile({ source, filename }: FilePart): Json {
  if (source.kind === 'id') return { type: 'input_file', file_id: source.id }
  if (source.kind === 'url') return { type: 'input_file', file_url: source.url, ...said({ filename }) }
  const name = filename ?? (source.kind === 'text' ? 'document.txt' : nameFor(source.mediaType))
  return { type: 'input_file', filename: name, file_data: urlOf(source) }
}

/** A file that is given whole must have a name. */
function nameFor(mediaType: string): string {
  const end = mediaType.startsWith('text/plain') ? 'txt' : (/[a-z0-9]+$/.exec(mediaType)?.[0] ?? 'pdf')
  return `document.${end}`
}

function renderResult(result: ToolResultPart): Json {
  const [only] = result.parts
  const output =
    result.parts.length === 0
      ? ''
      : result.parts.length === 1 && only?.type === 'text'
        ? only.text
        : result.parts.flatMap(renderPart)
  const type = result.custom ? 'custom_tool_call_output' : 'function_call_output'
  return { type, call_id: callId(result.callId), output }
}

const callId = (id: string): string => shortId(id, 64, 'call_')

/** What the model thought, said and called, in order; texts in a row are one message. */
function renderTurn(parts: readonly AnswerPart[]): unknown[] {
  const items: unknown[] = []
  let said: (TextPart | RefusalPart)[] = []
  const flush = (): void => {
    if (said.length > 0) items.push(renderSaid(said))
    said = []
  }
  for (const part of parts) {
    if (part.type === 'text' || part.type === 'refusal') {
      if (part.text !== '') said.push(part)
      continue
    }
    flush()
    if (part.type === 'reasoning') items.push(...renderThought(part))
    else items.push(...renderOther(part))
  }
  flush()
  return items
}

function renderSaid(parts: readonly (TextPart | RefusalPart)[]): Json {
  const [only] = parts
  const plain = parts.length === 1 && only?.type === 'text' && !only.citations?.length
  const content = plain ? only.text : parts.map(renderSpoken)
  return { type: 'message', role: 'assistant', content }
}

function renderSpoken(part: TextPart | RefusalPart): Json {
  if (part.type === 'refusal') return { type: 'refusal', refusal: part.text }
  const annotations = (part.citations ?? []).map(citation => renderAnnotation(citation, part.text.length))
  return { type: 'output_text', text: part.text, annotations }
}

function renderOther(part: ToolCallPart | ImagePart | AudioPart | OpaquePart): unknown[] {
  switch (part.type) {
    case 'tool-call':
      return [renderCall(part)]
    case 'image': // there is no place for it on the model's side
      return [{ type: 'message', role: 'user', content: [renderImage(part)] }]
    case 'audio':
      return part.transcript ? [{ type: 'message', role: 'assistant', content: part.transcript }] : []
    case 'opaque':
      return part.dialect === 'openai-responses' ? [part.value] : []
  }
}

/** Only what a provider of this dialect sealed; one that it was to keep itself is gone, since nothing is kept there. */
function renderThought({ text, signature }: ReasoningPart): Json[] {
  if (signature?.dialect !== 'openai-responses' || signature.kind === 'reference') return []
  const summary = text === '' ? [] : [{ type: 'summary_text', text }]
  return [{ type: 'reasoning', encrypted_content: signature.value, summary }]
}

function renderCall({ id, name, arguments: text, custom }: ToolCallPart): Json {
  const call_id = callId(id)
  return custom
    ? { type: 'custom_tool_call', call_id, name, input: text }
    : { type: 'function_call', call_id, name, arguments: text }
}
