import { createHash } from 'node:crypto'
import { isObject } from '../json-body.ts'
import { wrapped } from './as-messages.ts'
import { documentFormat, documentName, imageFormats } from './formats.ts'

type Json = Readonly<Record<string, unknown>>

/** Content blocks of Messages as Converse's, with a cache point behind each that was marked. */
export function renderBlocks(blocks: readonly Json[]): Json[] {
  return blocks.flatMap((block, at) => {
    const rendered = renderBlock(block, at + 1)
    const mark = markOf(block)
    return rendered && mark ? [rendered, cachePoint(mark)] : rendered ? [rendered] : []
  })
}

export function cachePoint(mark: Json): Json {
  return { cachePoint: { type: 'default', ...(mark.ttl !== undefined && { ttl: mark.ttl }) } }
}

/** A mark inside a tool's result counts for the whole of it: there is no place for one inside. */
function markOf(block: Json): Json | undefined {
  const inner = Array.isArray(block.content) ? block.content.filter(isObject) : []
  return [block, ...inner].map(({ cache_control: mark }) => mark).find(isObject)
}

function renderBlock(block: Json, number: number): Json | undefined {
  switch (block.type) {
    case 'text':
      return { text: block.text }
    case 'image':
      return renderImage(block)
    case 'document':
      return renderDocument(block, number)
    case 'thinking':
      return { reasoningContent: { reasoningText: { text: block.thinking, signature: block.signature } } }
    case 'redacted_thinking':
      return { reasoningContent: { redactedContent: block.data } }
    case 'tool_use':
      return { toolUse: { toolUseId: shortId(block.id), name: block.name, input: block.input } }
    case 'tool_result':
      return renderResult(block)
    case wrapped:
      return isObject(block.value) ? block.value : undefined
    default:
      return undefined
  }
}

function renderImage({ source }: Json): Json | undefined {
  if (!isObject(source) || source.type !== 'base64') return undefined
  return { image: { format: imageFormats[String(source.media_type)], source: { bytes: source.data } } }
}

function renderDocument({ source, title, context, citations }: Json, number: number): Json | undefined {
  if (!isObject(source)) return undefined
  const cites = isObject(citations) && citations.enabled === true
  const data = String(source.data)
  const isText = source.type === 'text'
  return {
    document: {
      format: isText ? 'txt' : documentFormat(String(source.media_type)),
      name: documentName(typeof title === 'string' ? title : undefined, number),
      // Characters are cited of a text; of a file, pages.
      source:
        isText && cites ? { text: data } : { bytes: isText ? Buffer.from(data).toString('base64') : data },
      ...(context !== undefined && { context }),
      ...(citations !== undefined && { citations }),
    },
  }
}

/** Converse takes no empty result and no blank text. */
function renderResult(block: Json): Json {
  const content = Array.isArray(block.content) ? block.content.filter(isObject) : []
  const rendered = content.flatMap((inner, at) => renderBlock(inner, at + 1) ?? [])
  return {
    toolResult: {
      toolUseId: shortId(block.tool_use_id),
      content: rendered.length > 0 ? rendered : [{ text: '(empty)' }],
      ...(block.is_error !== undefined && { status: block.is_error === true ? 'error' : 'success' }),
    },
  }
}

/** At most 64 characters (ToolUseBlock); the same id always gives the same. */
function shortId(id: unknown): string {
  const text = String(id)
  return text.length <= 64
    ? text
    : `${text.slice(0, 47)}_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
}
