import type { AnswerPart, AudioPart, ChatAnswer, Choice, ImagePart, TextPart, ToolCallPart } from '#exchange'
import { urlOf } from '../data-url.ts'
import type { AnswerContext } from '../dialect.ts'
import { renderChatUsage } from '../openai/usage.ts'
import { said } from '../reading.ts'
import { writeSignature } from '../signature.ts'
import { renderAnnotation } from './citations.ts'
import { renderFinish } from './finish.ts'
import { renderLogprobs, renderReasoningDetail, writeGoogleSeal } from './spoken.ts'

type Json = Record<string, unknown>

/** A whole answer for a caller. */
export function renderChatAnswer(answer: ChatAnswer, context: AnswerContext): Json {
  return {
    id: `chatcmpl-${context.hex}`,
    object: 'chat.completion',
    created: Math.floor(context.createdAtMs / 1000),
    model: answer.model ?? context.model,
    ...(answer.serviceTier !== undefined && { service_tier: answer.serviceTier }),
    choices: answer.choices.map(renderChoice),
    ...(answer.usage && { usage: renderChatUsage(answer.usage) }),
  }
}

function renderChoice({ parts, finish, logprobs }: Choice, index: number): Json {
  return { index, message: renderMessage(parts), logprobs: renderLogprobs(logprobs), ...renderFinish(finish) }
}

function renderMessage(parts: readonly AnswerPart[]): Json {
  const texts = parts.filter(part => part.type === 'text')
  const refusals = parts.filter(part => part.type === 'refusal')
  const thoughts = parts.filter(part => part.type === 'reasoning')
  const calls = parts.filter(part => part.type === 'tool-call')
  const images = parts.filter(part => part.type === 'image')
  const audio = parts.find(part => part.type === 'audio')
  const seal = texts.map(sealFor).findLast(seal => seal !== undefined)
  const thought = thoughts.map(({ text }) => text).filter(text => text !== '')
  const details = thoughts
    .map((part, index) => renderReasoningDetail(part, sealFor(part), index))
    .filter(detail => detail !== undefined)
  return {
    role: 'assistant',
    content: texts.length > 0 ? texts.map(({ text }) => text).join('') : null,
    refusal: refusals.length > 0 ? refusals.map(({ text }) => text).join('') : null,
    ...said({
      reasoning_content: thought.length > 0 ? thought.join('\n\n') : undefined,
      reasoning_details: details.length > 0 ? details : undefined,
      annotations: renderAnnotations(parts),
      images: images.length > 0 ? images.map(renderImage) : undefined,
      audio: audio && renderAudio(audio),
      tool_calls: calls.length > 0 ? calls.map(renderCall) : undefined,
      extra_content: seal && writeGoogleSeal(seal.value),
    }),
  }
}

/** Texts are put together, so what stands at a place in one of them stands further back in the whole. */
function renderAnnotations(parts: readonly AnswerPart[]): unknown[] | undefined {
  const annotations: unknown[] = []
  let before = 0
  for (const part of parts) {
    if (part.type !== 'text') continue
    for (const citation of part.citations ?? []) annotations.push(renderAnnotation(shift(citation, before)))
    before += part.text.length
  }
  return annotations.length > 0 ? annotations : undefined
}

export function shift<C extends { start?: number; end?: number }>(citation: C, by: number): C {
  if (by === 0 || citation.start === undefined || citation.end === undefined) return citation
  return { ...citation, start: citation.start + by, end: citation.end + by }
}

function sealFor({
  signature,
}: Pick<ToolCallPart | TextPart, 'signature'>): { kind: string; value: string } | undefined {
  return signature && { kind: signature.kind, value: writeSignature(signature, 'openai-chat') }
}

export function renderImage({ source }: ImagePart): Json {
  return { type: 'image_url', image_url: { url: urlOf(source) } }
}

export function renderAudio({ source, transcript }: AudioPart): Json {
  return { id: 'audio', data: source.kind === 'data' ? source.base64 : '', transcript: transcript ?? '' }
}

function renderCall(call: ToolCallPart): Json {
  const { id, name, arguments: args, custom } = call
  const seal = sealFor(call)
  return {
    id,
    ...(custom
      ? { type: 'custom', custom: { name, input: args } }
      : { type: 'function', function: { name, arguments: args } }),
    ...(seal && { extra_content: writeGoogleSeal(seal.value) }),
  }
}
