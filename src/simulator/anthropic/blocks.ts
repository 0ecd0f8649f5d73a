import { isSigned } from '../signature.ts'
import {
  anything,
  type Check,
  dictionary,
  fields,
  flag,
  list,
  matching,
  mistake,
  oneOf,
  tagged,
  text,
  textOr,
} from './check.ts'

export const cacheControl = fields({
  'type!': oneOf('ephemeral'),
  ttl: oneOf('5m', '1h'),
  scope: text,
})

const nonEmptyText: Check = (value, at) =>
  text(value, at) ?? (value === '' ? mistake('messages', 'text content blocks must be non-empty') : undefined)

const imageTypes = ['image/jpeg', 'image/png', 'image/gif', 'image/webp']

/** Standard base64 with its padding, as Anthropic decodes it. */
const base64: Check = (value, at) => {
  if (typeof value !== 'string') return text(value, at)
  const good = value !== '' && value.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(value)
  return good ? undefined : mistake(at, 'invalid base64 data')
}

const httpUrl: Check = (value, at) =>
  text(value, at) ??
  (/^https?:\/\/./.test(String(value)) ? undefined : mistake(at, 'Only HTTP(S) URLs are supported.'))

const image = fields({
  'type!': text,
  'source!': tagged({
    base64: fields({ 'type!': text, 'media_type!': oneOf(...imageTypes), 'data!': base64 }),
    url: fields({ 'type!': text, 'url!': httpUrl }),
    file: fields({ 'type!': text, 'file_id!': text }),
  }),
  cache_control: cacheControl,
})

export const textBlock = fields({
  'type!': text,
  'text!': nonEmptyText,
  cache_control: cacheControl,
  citations: anything,
})

const document = fields({
  'type!': text,
  'source!': tagged({
    base64: fields({ 'type!': text, 'media_type!': oneOf('application/pdf'), 'data!': base64 }),
    text: fields({ 'type!': text, 'media_type!': oneOf('text/plain'), 'data!': text }),
    content: fields({ 'type!': text, 'content!': anything }),
    url: fields({ 'type!': text, 'url!': httpUrl }),
    file: fields({ 'type!': text, 'file_id!': text }),
  }),
  title: text,
  context: text,
  citations: dictionary,
  cache_control: cacheControl,
})

const thinking: Check = (value, at) => {
  const wrong = fields({ 'type!': text, 'thinking!': text, 'signature!': text })(value, at)
  if (wrong) return wrong
  const { thinking: thought, signature } = value as { thinking: string; signature: string }
  if (isSigned(signature, thought)) return undefined
  return mistake(at.replace(/\.thinking$/, ''), 'Invalid `signature` in `thinking` block')
}

const toolResult = fields({
  'type!': text,
  'tool_use_id!': matching(/^[a-zA-Z0-9_-]+$/),
  content: textOr(
    list(tagged({ text: textBlock, image, document, search_result: anything, tool_reference: anything })),
  ),
  is_error: flag,
  cache_control: cacheControl,
})

/**
 * What a message may contain. Blocks of Anthropic's own tools are let through: they are made by the provider, and
 * come back as they were.
 */
export const block = tagged({
  text: textBlock,
  image,
  document,
  thinking,
  redacted_thinking: fields({ 'type!': text, 'data!': text }),
  tool_use: fields({
    'type!': text,
    'id!': matching(/^[a-zA-Z0-9_-]+$/),
    'name!': text,
    'input!': dictionary,
    cache_control: cacheControl,
    caller: dictionary,
    toolset_name: text,
  }),
  tool_result: toolResult,
  search_result: anything,
  server_tool_use: anything,
  web_search_tool_result: anything,
  web_fetch_tool_result: anything,
  code_execution_tool_result: anything,
  bash_code_execution_tool_result: anything,
  text_editor_code_execution_tool_result: anything,
  tool_search_tool_result: anything,
  mcp_tool_use: anything,
  mcp_tool_result: anything,
  container_upload: anything,
  compaction: anything,
})
