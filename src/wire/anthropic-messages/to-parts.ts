import type {
  AnswerPart,
  FilePart,
  ImagePart,
  MediaSource,
  OpaquePart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  UserPart,
} from '#exchange'
import { readCacheControl } from '../cache-control.ts'
import { isObject } from '../json-body.ts'
import {
  checkBase64,
  optionalBoolean,
  optionalObject,
  optionalString,
  requiredObject,
  requiredString,
  said,
  wrong,
} from '../reading.ts'
import { readCitations } from './citations.ts'
import { readThinking } from './thinking-blocks.ts'

type Json = Readonly<Record<string, unknown>>

/** Blocks that this dialect knows and no other: kept whole (SDK types, `ContentBlockParam` and its beta). */
const ownBlocks = new Set([
  'search_result',
  'server_tool_use',
  'mcp_tool_use',
  'mcp_tool_result',
  'mcp_tool_listing',
  'container_upload',
  'compaction',
  'fallback',
  'tool_reference',
  'tool_addition',
  'tool_removal',
  'browser_state',
  'mid_conv_system',
])

/** A text, or an array of blocks, each read by `read`. */
export function readContent<T>(
  content: unknown,
  path: string,
  read: (block: Json, path: string) => T,
): (T | TextPart)[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content))
    return wrong(path, `\`${path}\` must be a string or an array of content blocks.`)
  return content.map((value: unknown, index) =>
    read(requiredObject(value, `${path}[${index}]`), `${path}[${index}]`),
  )
}

export function readText(block: Json, path: string): TextPart {
  if (block.type !== 'text') wrong(`${path}.type`, `\`${path}.type\` must be \`text\` here.`)
  const citations = readCitations(block.citations)
  return {
    type: 'text',
    text: requiredString(block, 'text', `${path}.text`),
    ...(citations.length > 0 && { citations }),
    ...readCacheControl(block, path),
  }
}

/** In the midst of a conversation, where tools may be given and taken away too. */
export function readSystemBlock(block: Json, path: string): TextPart | OpaquePart {
  return block.type === 'text' ? readText(block, path) : readOwn(block, path)
}

export function readUserBlock(block: Json, path: string): UserPart {
  switch (block.type) {
    case 'image':
      return readImage(block, path)
    case 'document':
      return readDocument(block, path)
    case 'tool_result':
      return readToolResult(block, path)
    default:
      return block.type === 'text' ? readText(block, path) : readOwn(block, path)
  }
}

export function readAssistantBlock(block: Json, path: string): AnswerPart {
  switch (block.type) {
    case 'text':
      return readText(block, path)
    case 'thinking':
      requiredString(block, 'thinking', `${path}.thinking`)
      requiredString(block, 'signature', `${path}.signature`)
      return readThinking(block)
    case 'redacted_thinking':
      requiredString(block, 'data', `${path}.data`)
      return readThinking(block)
    case 'tool_use':
      return readToolUse(block, path)
    case 'image':
      return readImage(block, path) as ImagePart
    default:
      return readOwn(block, path)
  }
}

/**
 * A seal of another maker that stands in a block of its own belongs to the text or the call before it
 * (`writeSeal`); thinking that is sealed whole is of another kind.
 */
export function attachSeals(parts: readonly AnswerPart[]): AnswerPart[] {
  const attached: AnswerPart[] = []
  for (const part of parts) {
    const before = attached.at(-1)
    const seal =
      part.type === 'reasoning' && part.text === '' && isSealOfBefore(part.signature)
        ? part.signature
        : undefined
    if (seal && (before?.type === 'text' || before?.type === 'tool-call'))
      attached[attached.length - 1] = { ...before, signature: seal }
    else attached.push(part)
  }
  return attached
}

function isSealOfBefore(signature: { dialect: string; kind: string } | undefined): boolean {
  return signature !== undefined && signature.dialect !== 'anthropic-messages' && signature.kind !== 'sealed'
}

function readOwn(block: Json, path: string): OpaquePart {
  const type = requiredString(block, 'type', `${path}.type`)
  if (ownBlocks.has(type) || type.endsWith('_tool_result'))
    return { type: 'opaque', dialect: 'anthropic-messages', value: block }
  return wrong(
    `${path}.type`,
    `\`${path}.type\` is \`${type.slice(0, 40)}\`, which is no content block that can stand here.`,
  )
}

function readImage(block: Json, path: string): ImagePart | OpaquePart {
  const source = requiredObject(block.source, `${path}.source`)
  return { type: 'image', source: readSource(source, `${path}.source`), ...readCacheControl(block, path) }
}

function readDocument(block: Json, path: string): FilePart | OpaquePart {
  const source = requiredObject(block.source, `${path}.source`)
  const citations = optionalObject(block, 'citations', `${path}.citations`)
  // A document made of blocks is cited by them, which no other dialect can.
  if (source.type === 'content' && typeof source.content !== 'string')
    return { type: 'opaque', dialect: 'anthropic-messages', value: block }
  const text = source.type === 'content' ? source.content : undefined
  return {
    type: 'file',
    source: typeof text === 'string' ? { kind: 'text', text } : readSource(source, `${path}.source`),
    ...said<Partial<FilePart>>({
      filename: optionalString(block, 'title', `${path}.title`),
      context: optionalString(block, 'context', `${path}.context`),
      cite: citations && optionalBoolean(citations, 'enabled', `${path}.citations.enabled`),
    }),
    ...readCacheControl(block, path),
  }
}

function readSource(source: Json, path: string): MediaSource {
  switch (source.type) {
    case 'base64': {
      const mediaType = requiredString(source, 'media_type', `${path}.media_type`)
      const base64 = checkBase64(requiredString(source, 'data', `${path}.data`), `${path}.data`)
      return { kind: 'data', mediaType, base64 }
    }
    case 'url': {
      const url = requiredString(source, 'url', `${path}.url`)
      if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
        wrong(`${path}.url`, `\`${path}.url\` is no http address.`)
      return { kind: 'url', url }
    }
    case 'file':
      return {
        kind: 'id',
        id: requiredString(source, 'file_id', `${path}.file_id`),
        dialect: 'anthropic-messages',
      }
    case 'text': {
      const mediaType = optionalString(source, 'media_type', `${path}.media_type`)
      return {
        kind: 'text',
        text: requiredString(source, 'data', `${path}.data`),
        ...(mediaType !== undefined && { mediaType }),
      }
    }
    default:
      return wrong(`${path}.type`, `\`${path}.type\` must be base64, url, file or text.`)
  }
}

function readToolResult(block: Json, path: string): ToolResultPart {
  const isError = optionalBoolean(block, 'is_error', `${path}.is_error`)
  const content = block.content ?? []
  return {
    type: 'tool-result',
    callId: requiredString(block, 'tool_use_id', `${path}.tool_use_id`),
    parts: readContent(content, `${path}.content`, readResultBlock),
    ...(isError !== undefined && { isError }),
    ...readCacheControl(block, path),
  }
}

function readResultBlock(block: Json, path: string): ToolResultPart['parts'][number] {
  if (block.type === 'text') return readText(block, path)
  if (block.type === 'image') return readImage(block, path)
  return block.type === 'document' ? readDocument(block, path) : readOwn(block, path)
}

function readToolUse(block: Json, path: string): ToolCallPart {
  const input = block.input ?? {}
  if (!isObject(input)) wrong(`${path}.input`, `\`${path}.input\` must be an object.`)
  return {
    type: 'tool-call',
    id: requiredString(block, 'id', `${path}.id`),
    name: requiredString(block, 'name', `${path}.name`),
    arguments: JSON.stringify(input),
    ...readCacheControl(block, path),
  }
}
