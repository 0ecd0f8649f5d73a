import type { ChatRequest, Part } from '#exchange'
import { tokensPerFile, tokensPerImage } from './media-tally.ts'

/**
 * What vendors put before a request, and bill: roles and separators, a system prompt of their own (gpt-oss' Harmony has
 * some 70 tokens of it, Llama's and Qwen's templates some 30).
 */
export const tokensPerRequest = 96

/** The prompt that tells a model of its tools: 804 tokens at most (platform.claude.com/docs, tool use, pricing). */
export const tokensOfTools = 1_024

/** What frames a message, and a part of it, in the templates of the vendors: two or three marks and a role. */
const tokensPerMessage = 8
const tokensPerPart = 4

/**
 * An upper bound of a request's input tokens, whatever cuts its text: every tokenizer in use works on bytes (byte-level
 * BPE, or SentencePiece with a fall-back to bytes), so that no text has more tokens than UTF-8 bytes. To the texts comes
 * what frames them. Pictures count as the largest that the model's vendor bills.
 */
export function boundChat(request: ChatRequest, model = ''): number {
  const perImage = imageBound(model)
  let tokens = tokensPerRequest
  for (const { parts, name } of request.messages) {
    tokens += tokensPerMessage + bytesOf(name)
    for (const part of parts) tokens += boundPart(part, perImage)
  }
  if (request.tools.length > 0)
    tokens += (/claude|^$/i.test(model) ? tokensOfTools : 0) + jsonBytes(request.tools)
  return tokens + jsonBytes(request.format) + jsonBytes(request.extras)
}

function boundPart(part: Part, perImage: number): number {
  switch (part.type) {
    case 'text':
      return tokensPerPart + bytesOf(part.text) + jsonBytes(part.citations)
    case 'refusal':
      return tokensPerPart + bytesOf(part.text)
    case 'reasoning':
      return tokensPerPart + bytesOf(part.text) + bytesOf(part.signature?.value)
    case 'image':
      return perImage
    case 'audio':
      return part.source.kind === 'data' ? part.source.base64.length : tokensPerFile
    case 'file':
      return boundFile(part, perImage)
    case 'tool-call':
      return 2 * tokensPerPart + bytesOf(part.id) + bytesOf(part.name) + bytesOf(part.arguments)
    case 'tool-result':
      return part.parts.reduce(
        (sum, inner) => sum + boundPart(inner, perImage),
        tokensPerMessage + bytesOf(part.callId) + bytesOf(part.name),
      )
    case 'opaque':
      return tokensPerFile // what one dialect alone can say may name what is kept elsewhere
  }
}

function boundFile(part: Extract<Part, { type: 'file' }>, perImage: number): number {
  const { source } = part
  const framed = tokensPerMessage + bytesOf(part.filename) + bytesOf(part.context)
  if (source.kind === 'text') return framed + bytesOf(source.text)
  if (source.kind !== 'data') return framed + tokensPerFile
  if (source.mediaType.startsWith('image/')) return framed + perImage
  return framed + (/^(text|audio)\//.test(source.mediaType) ? source.base64.length : tokensPerFile)
}

/**
 * The largest that a vendor bills for one picture: OpenAI's, but for gpt-4o-mini, 10,000 patches of the original with
 * a fifth on top (developers.openai.com/api/docs/guides/images-vision); Anthropic 4,784
 * (platform.claude.com/docs/en/build-with-claude/vision); Gemini 2,240, or tiles of 258
 * (ai.google.dev/gemini-api/docs/media-resolution).
 */
function imageBound(model: string): number {
  if (/gpt-4o-mini/.test(model)) return tokensPerImage
  if (/claude/.test(model)) return 4_784
  if (/gemini/.test(model)) return 8_192
  return /^(gpt-|o\d|chatgpt)/.test(model) ? 12_288 : tokensPerImage
}

function bytesOf(text: string | undefined): number {
  return text === undefined ? 0 : Buffer.byteLength(text)
}

function jsonBytes(value: unknown): number {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return 0
  return Buffer.byteLength(JSON.stringify(value))
}
