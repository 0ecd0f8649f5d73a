import type {
  AnswerPart,
  ImagePart,
  ReasoningPart,
  Signature,
  ToolCallPart,
  ToolResultPart,
  UserPart,
} from '#exchange'
import { readCacheControl } from '../cache-control.ts'
import { isObject } from '../json-body.ts'
import {
  checkBase64,
  optionalArray,
  optionalString,
  optionalWord,
  readDataUrl,
  requiredObject,
  requiredString,
  said,
  wrong,
} from '../reading.ts'
import { readSignature } from '../signature.ts'
import { readImages } from './spoken.ts'

type Json = Readonly<Record<string, unknown>>

export function readUserParts(content: unknown, path: string): UserPart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (content === null || content === undefined) return []
  if (!Array.isArray(content)) return wrong(path, `\`${path}\` must be a string or an array of parts.`)
  return content.map((value: unknown, index) => readUserPart(value, `${path}[${index}]`))
}

function readUserPart(value: unknown, path: string): UserPart {
  const json = requiredObject(value, path)
  const type = requiredString(json, 'type', `${path}.type`)
  const cache = readCacheControl(json, path)
  switch (type) {
    case 'text':
      return { type: 'text', text: requiredString(json, 'text', `${path}.text`), ...cache }
    case 'image_url':
      return { ...readImage(json, path), ...cache }
    case 'input_audio': {
      const audio = requiredObject(json.input_audio, `${path}.input_audio`)
      const format = requiredString(audio, 'format', `${path}.input_audio.format`)
      const data = requiredString(audio, 'data', `${path}.input_audio.data`)
      const base64 = checkBase64(data, `${path}.input_audio.data`)
      return { type: 'audio', source: { kind: 'data', mediaType: `audio/${format}`, base64 } }
    }
    case 'file':
      return { ...readFile(requiredObject(json.file, `${path}.file`), `${path}.file`), ...cache }
    default:
      return wrong(
        `${path}.type`,
        `\`${path}.type\` is \`${type.slice(0, 40)}\`, which is no part of a message.`,
      )
  }
}

function readImage(json: Json, path: string): ImagePart {
  const inner = json.image_url
  const image = typeof inner === 'string' ? { url: inner } : requiredObject(inner, `${path}.image_url`)
  const url = requiredString(image, 'url', `${path}.image_url.url`)
  const detail = optionalWord(
    image,
    'detail',
    ['auto', 'low', 'high', 'original'],
    `${path}.image_url.detail`,
  )
  const source = readDataUrl(url, `${path}.image_url.url`) ?? { kind: 'url', url: checkUrl(url, path) }
  return { type: 'image', source, ...said<{ detail?: NonNullable<typeof detail> }>({ detail }) }
}

function checkUrl(url: string, path: string): string {
  if (/^https?:\/\//i.test(url) && URL.canParse(url)) return url
  return wrong(
    `${path}.image_url.url`,
    `\`${path}.image_url.url\` is neither an http address nor a data URL.`,
  )
}

function readFile(json: Json, path: string): Extract<UserPart, { type: 'file' }> {
  const filename = said<{ filename?: string }>({
    filename: optionalString(json, 'filename', `${path}.filename`),
  })
  const id = optionalString(json, 'file_id', `${path}.file_id`)
  if (id !== undefined)
    return { type: 'file', source: { kind: 'id', id, dialect: 'openai-chat' }, ...filename }
  const data = requiredString(json, 'file_data', `${path}.file_data`)
  const source = readDataUrl(data, `${path}.file_data`) ?? {
    kind: 'data' as const,
    mediaType: 'application/pdf',
    base64: checkBase64(data, `${path}.file_data`),
  }
  return { type: 'file', source, ...filename }
}

export function readToolResult(json: Json, path: string): ToolResultPart {
  const parts = readUserParts(json.content, `${path}.content`).filter(
    part => part.type === 'text' || part.type === 'image' || part.type === 'file',
  )
  return {
    type: 'tool-result',
    callId: requiredString(json, 'tool_call_id', `${path}.tool_call_id`),
    parts,
    ...readCacheControl(json, path),
  }
}

/** An assistant's turn: what it thought, said and called, in the order in which a model does that. */
export function readAssistantParts(json: Json, path: string): AnswerPart[] {
  return [
    ...readReasoning(json, path),
    ...sealLastText(readSpoken(json.content, `${path}.content`), readGoogleSignature(json)),
    ...(typeof json.refusal === 'string' ? [{ type: 'refusal' as const, text: json.refusal }] : []),
    ...readImages(json),
    ...(optionalArray(json, 'tool_calls', `${path}.tool_calls`) ?? []).map((call, index) =>
      readToolCall(call, `${path}.tool_calls[${index}]`),
    ),
  ]
}

/** The seal of a message is that of its text; without one it says nothing. */
function sealLastText(parts: AnswerPart[], signature: Signature | undefined): AnswerPart[] {
  const at = parts.findLastIndex(({ type }) => type === 'text')
  const text = parts[at]
  return signature && text?.type === 'text' ? parts.with(at, { ...text, signature }) : parts
}

function readSpoken(content: unknown, path: string): AnswerPart[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }]
  if (content === null || content === undefined) return []
  if (!Array.isArray(content)) return wrong(path, `\`${path}\` must be a string or an array of parts.`)
  return content.map((value: unknown, index): AnswerPart => {
    const json = requiredObject(value, `${path}[${index}]`)
    if (json.type === 'refusal')
      return { type: 'refusal', text: requiredString(json, 'refusal', `${path}[${index}].refusal`) }
    if (json.type === 'thinking') return { type: 'reasoning', text: readThinking(json, `${path}[${index}]`) }
    const part = readUserPart(json, `${path}[${index}]`)
    return part.type === 'text' || part.type === 'image' || part.type === 'audio'
      ? part
      : wrong(`${path}[${index}]`, `\`${path}[${index}]\` is no part of an assistant's message.`)
  })
}

/** Mistral's thinking, which is a part of the content. */
function readThinking(json: Json, path: string): string {
  const thoughts = optionalArray(json, 'thinking', `${path}.thinking`) ?? []
  return thoughts
    .map((thought, index) => {
      const at = `${path}.thinking[${index}]`
      return requiredString(requiredObject(thought, at), 'text', `${at}.text`)
    })
    .join('')
}

function readToolCall(value: unknown, path: string): ToolCallPart {
  const json = requiredObject(value, path)
  const id = requiredString(json, 'id', `${path}.id`)
  const signature = readGoogleSignature(json)
  const seal = said<{ signature?: Signature }>({ signature })
  if (json.type === 'custom') {
    const custom = requiredObject(json.custom, `${path}.custom`)
    const name = requiredString(custom, 'name', `${path}.custom.name`)
    return { type: 'tool-call', id, name, arguments: String(custom.input ?? ''), custom: true, ...seal }
  }
  const fn = requiredObject(json.function, `${path}.function`)
  const args = optionalString(fn, 'arguments', `${path}.function.arguments`) ?? ''
  if (args.trim() !== '' && !isJsonObject(args))
    wrong(`${path}.function.arguments`, `\`${path}.function.arguments\` is not the JSON text of an object.`)
  return {
    type: 'tool-call',
    id,
    name: requiredString(fn, 'name', `${path}.function.name`),
    arguments: args.trim() === '' ? '{}' : args,
    ...seal,
  }
}

function isJsonObject(text: string): boolean {
  try {
    return isObject(JSON.parse(text))
  } catch {
    return false
  }
}

/** As Google's own OpenAI-compatible endpoint has it, and as we write every seal of a call or a text. */
function readGoogleSignature(json: Json): Signature | undefined {
  const extra = isObject(json.extra_content) ? json.extra_content : {}
  const google = isObject(extra.google) ? extra.google : {}
  return typeof google.thought_signature === 'string'
    ? readSignature(google.thought_signature, 'gemini', 'seal')
    : undefined
}

/**
 * What the model thought, as an earlier answer gave it: `reasoning_details` (OpenRouter's list, which keeps seals),
 * else `reasoning_content` or `reasoning` as a bare text.
 */
function readReasoning(json: Json, path: string): ReasoningPart[] {
  const details = optionalArray(json, 'reasoning_details', `${path}.reasoning_details`)
  if (details) return details.flatMap(detail => (isObject(detail) ? readReasoningDetail(detail) : []))
  const text = json.reasoning_content ?? json.reasoning
  return typeof text === 'string' && text !== '' ? [{ type: 'reasoning', text }] : []
}

export function readReasoningDetail(detail: Json): ReasoningPart[] {
  const text = [detail.text, detail.summary].find(text => typeof text === 'string') ?? ''
  const sealed =
    typeof detail.data === 'string' ? readSignature(detail.data, 'openai-chat', 'sealed') : undefined
  const seal =
    typeof detail.signature === 'string' ? readSignature(detail.signature, 'openai-chat', 'seal') : undefined
  const signature = sealed ?? seal
  if (text === '' && !signature) return []
  return [{ type: 'reasoning', text: String(text), ...(signature && { signature }) }]
}
