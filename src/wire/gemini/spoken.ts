import type { AnswerPart, Finish, Signature, ToolCallPart, Usage } from '#exchange'
import { parseObject } from '../json-body.ts'
import { writeFinish } from './finish.ts'
import { type Json, writeSeal } from './json.ts'
import { writeGeminiUsage } from './usage.ts'

/* What both a whole answer and a stream say to a caller. */

/**
 * A part for a caller; undefined where there is nothing to say, or no way to. A refusal is a text: Gemini has no word
 * for one.
 */
export function writePart(part: AnswerPart): Json | undefined {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      if (part.text === '' && !part.signature) return undefined
      return {
        text: part.text,
        ...(part.type === 'reasoning' && { thought: true }),
        ...sealOf(part.signature),
      }
    case 'refusal':
      return part.text === '' ? undefined : { text: part.text }
    case 'image':
    case 'audio': {
      const { source } = part
      const seal = part.type === 'image' ? sealOf(part.signature) : {}
      if (source.kind === 'data')
        return { inlineData: { mimeType: source.mediaType, data: source.base64 }, ...seal }
      return source.kind === 'url'
        ? { fileData: { fileUri: source.url, mimeType: source.mediaType }, ...seal }
        : undefined
    }
    case 'opaque':
      return part.dialect === 'gemini' ? (part.value as Json) : undefined
    case 'tool-call':
      return writeCall(part)
  }
}

function sealOf(signature: Signature | undefined): Json {
  return signature ? { thoughtSignature: writeSeal(signature) } : {}
}

/** A call, whole; undefined where its arguments are no JSON object, which Gemini has no way to say. */
function writeCall({ id, name, arguments: text, custom, signature }: ToolCallPart): Json | undefined {
  const args = custom ? { input: text } : parseObject(text.trim() === '' ? '{}' : text)
  return args && { functionCall: { id, name, args }, ...sealOf(signature) }
}

/** How a candidate ends; `broken` is a call that could not be said, which Google ends so too. */
export function writeEnd(finish: Finish, broken: { name: string; arguments: string } | undefined): Json {
  if (!broken || finish.reason === 'length') return { finishReason: writeFinish(finish) }
  return {
    finishReason: 'MALFORMED_FUNCTION_CALL',
    finishMessage: `Malformed function call: ${broken.name}(${broken.arguments})`,
  }
}

export function writeUsageMetadata(usage: Usage | undefined, serviceTier: string | undefined): Json {
  if (!usage) return {}
  const tier = serviceTier === 'default' ? 'standard' : serviceTier
  return { usageMetadata: { ...writeGeminiUsage(usage), ...(tier !== undefined && { serviceTier: tier }) } }
}
