import type { AnswerPart, ReasoningPart, TokenLogprob } from '#exchange'
import { isObject } from '../json-body.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * What a message or a delta says, in the ways in which servers say it: `content` as text or as a list (Mistral puts
 * its thinking there), `refusal`, thinking as `reasoning_content` (DeepSeek, vLLM, xAI, Z.ai), as `reasoning` (Groq,
 * OpenRouter), or as `reasoning_details` with seals (OpenRouter).
 */
export interface Spoken {
  reasoning: string
  text: string
  refusal: string
}

export function readSpoken(message: Json): Spoken {
  const spoken: Spoken = {
    reasoning: firstText(message.reasoning_content, message.reasoning),
    text: typeof message.content === 'string' ? message.content : '',
    refusal: typeof message.refusal === 'string' ? message.refusal : '',
  }
  if (Array.isArray(message.content)) readContentList(message.content, spoken)
  return spoken
}

function firstText(...values: unknown[]): string {
  for (const value of values) if (typeof value === 'string' && value !== '') return value
  return ''
}

function readContentList(content: readonly unknown[], spoken: Spoken): void {
  for (const part of content) {
    if (!isObject(part)) continue
    if (part.type === 'thinking' && Array.isArray(part.thinking)) {
      for (const thought of part.thinking)
        if (isObject(thought) && typeof thought.text === 'string') spoken.reasoning += thought.text
    } else if (typeof part.text === 'string') spoken.text += part.text
  }
}

/** Pictures that a model made, as OpenRouter and Google's compatible endpoint give them. */
export function readImages(message: Json): AnswerPart[] {
  if (!Array.isArray(message.images)) return []
  return message.images.flatMap((image: unknown): AnswerPart[] => {
    const inner = isObject(image) && isObject(image.image_url) ? image.image_url : {}
    const url = typeof inner.url === 'string' ? inner.url : ''
    const data = /^data:([^;,]+);base64,(.*)$/s.exec(url)
    if (data?.[1] !== undefined && data[2] !== undefined)
      return [{ type: 'image', source: { kind: 'data', mediaType: data[1], base64: data[2] } }]
    return url === '' ? [] : [{ type: 'image', source: { kind: 'url', url } }]
  })
}

export function readAudio(message: Json): AnswerPart[] {
  const { audio } = message
  if (!isObject(audio) || typeof audio.data !== 'string') return []
  const transcript = typeof audio.transcript === 'string' ? { transcript: audio.transcript } : {}
  return [
    { type: 'audio', source: { kind: 'data', mediaType: 'audio/wav', base64: audio.data }, ...transcript },
  ]
}

export function readLogprobs(value: unknown): TokenLogprob[] | undefined {
  if (!isObject(value)) return undefined
  const tokens = [value.content, value.refusal].find(list => Array.isArray(list) && list.length > 0)
  if (!Array.isArray(tokens)) return undefined
  return tokens.filter(isObject).map(token => ({
    ...readToken(token),
    top: Array.isArray(token.top_logprobs) ? token.top_logprobs.filter(isObject).map(readToken) : [],
  }))
}

function readToken(token: Json): { token: string; logprob: number; bytes: number[] | null } {
  return {
    token: typeof token.token === 'string' ? token.token : '',
    logprob: typeof token.logprob === 'number' ? token.logprob : 0,
    bytes: Array.isArray(token.bytes) ? token.bytes.filter(byte => typeof byte === 'number') : null,
  }
}

export function renderLogprobs(logprobs: readonly TokenLogprob[] | undefined): unknown {
  if (!logprobs || logprobs.length === 0) return null
  const content = logprobs.map(({ token, logprob, bytes, top }) => ({
    token,
    logprob,
    bytes,
    top_logprobs: top,
  }))
  return { content, refusal: null }
}

/** A thought as an entry of `reasoning_details`: only those with a seal need one. */
export function renderReasoningDetail(
  { text }: ReasoningPart,
  signature: { kind: string; value: string } | undefined,
  index: number,
): Record<string, unknown> | undefined {
  if (!signature) return undefined
  if (signature.kind === 'seal')
    return { type: 'reasoning.text', text, signature: signature.value, index, format: 'sluice-v1' }
  return {
    type: 'reasoning.encrypted',
    ...(text !== '' && { summary: text }),
    data: signature.value,
    index,
    format: 'sluice-v1',
  }
}

/** Where Google's own OpenAI-compatible endpoint has the seal of a call, and of a message's text. */
export function writeGoogleSeal(value: string): Json {
  return { google: { thought_signature: value } }
}
