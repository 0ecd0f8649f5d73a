import type { CacheMark, FilePart, ImagePart, MediaSource, Part, TextPart, ToolResultPart } from '#exchange'
import { imageTypes, isTextType } from './takes.ts'
import { readInput } from './write-blocks.ts'

type Json = Readonly<Record<string, unknown>>

/** A part of a request as content blocks for Anthropic; none where it has no form that would be taken. */
export function renderBlock(part: Part, callId: (part: Part) => string): Json[] {
  switch (part.type) {
    case 'text':
      return renderText(part)
    case 'refusal':
      return renderText({ type: 'text', text: part.text })
    case 'image':
      return renderImage(part)
    case 'file':
      return renderFile(part)
    case 'reasoning':
      return renderThinking(part)
    case 'tool-call':
      return [
        {
          type: 'tool_use',
          id: callId(part),
          name: part.name,
          input: readInput(part),
          ...renderCache(part.cache),
        },
      ]
    case 'opaque':
      return part.dialect === 'anthropic-messages' ? [part.value as Json] : []
    case 'tool-result':
      return [] // stands where its call wants it: `renderResult`
    case 'audio':
      return renderText({ type: 'text', text: part.transcript ?? '' })
  }
}

/** A block in the turn of an assistant, where images cannot stand. */
export function renderSaid(part: Part, callId: (part: Part) => string): Json[] {
  return part.type === 'image' ? renderText({ type: 'text', text: '[an image]' }) : renderBlock(part, callId)
}

export function renderResult(part: ToolResultPart, id: string): Json {
  const content = part.parts.flatMap(inner => renderBlock(inner, () => ''))
  return {
    type: 'tool_result',
    tool_use_id: id,
    ...(content.length > 0 && { content }),
    ...(part.isError !== undefined && { is_error: part.isError }),
    ...renderCache(part.cache),
  }
}

export function renderCache(mark: CacheMark | undefined): { cache_control?: Json } {
  return mark ? { cache_control: { type: 'ephemeral', ...mark } } : {}
}

/** Texts of nothing but white space are refused. Citations are taken back only as Anthropic gave them. */
function renderText({ text, citations, cache }: TextPart): Json[] {
  if (text.trim() === '') return []
  const own =
    citations?.flatMap(({ raw }) => (raw?.dialect === 'anthropic-messages' ? [raw.value] : [])) ?? []
  return [{ type: 'text', text, ...(own.length > 0 && { citations: own }), ...renderCache(cache) }]
}

/** Byte for byte what Anthropic signed; nothing else is taken back. */
function renderThinking({ text, signature }: Extract<Part, { type: 'reasoning' }>): Json[] {
  if (signature?.dialect !== 'anthropic-messages') return []
  return signature.kind === 'sealed'
    ? [{ type: 'redacted_thinking', data: signature.value }]
    : [{ type: 'thinking', thinking: text, signature: signature.value }]
}

function renderImage({ source, cache }: ImagePart): Json[] {
  const rendered = renderSource(source)
  if (!rendered || (source.kind === 'data' && !imageTypes.includes(source.mediaType))) return []
  return [{ type: 'image', source: rendered, ...renderCache(cache) }]
}

function renderFile({ source, filename, context, cite, cache }: FilePart): Json[] {
  const rendered = renderSource(source)
  if (!rendered) return []
  return [
    {
      type: 'document',
      source: rendered,
      ...(filename !== undefined && { title: filename }),
      ...(context !== undefined && { context }),
      ...(cite !== undefined && { citations: { enabled: cite } }),
      ...renderCache(cache),
    },
  ]
}

function renderSource(source: MediaSource): Json | undefined {
  switch (source.kind) {
    case 'data': {
      const { mediaType, base64 } = source
      if (isTextType(mediaType)) return plainText(Buffer.from(base64, 'base64').toString())
      return { type: 'base64', media_type: mediaType, data: base64 }
    }
    case 'url':
      return { type: 'url', url: source.url }
    case 'text':
      return plainText(source.text)
    case 'id':
      return source.dialect === 'anthropic-messages' ? { type: 'file', file_id: source.id } : undefined
  }
}

/** The one media type that is taken for a text. */
function plainText(data: string): Json {
  return { type: 'text', media_type: 'text/plain', data }
}
