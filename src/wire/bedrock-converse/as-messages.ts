import type { ChatRequest, Part, Signature } from '#exchange'
import { mapParts } from '../parts.ts'

/** Whose models they are, whatever the region or the profile before the name: `eu.anthropic.claude-…`, an ARN. */
export function isClaude(model: string): boolean {
  return model.includes('claude')
}

export function isNova(model: string): boolean {
  return model.includes('nova')
}

/**
 * A request as Anthropic's Messages would take it. Claude's seals are the same at Anthropic and at Bedrock
 * (Anthropic's guide to extended thinking); the thinking of other models is not taken back. What is Bedrock's own
 * travels as an opaque part of theirs, and is unwrapped by `renderBlocks`.
 */
export function asMessages(request: ChatRequest, model: string): ChatRequest {
  const changed = mapParts(request, part => asMessagesPart(part, isClaude(model)))
  if (isClaude(model) || changed.reasoning === undefined) return changed
  const { reasoning: _reasoning, ...rest } = changed
  return rest
}

function asMessagesPart(part: Part, claude: boolean): Part | undefined {
  if (part.type === 'reasoning') {
    if (!claude) return undefined
    return part.signature?.dialect === 'bedrock-converse'
      ? { ...part, signature: asAnthropics(part.signature) }
      : part
  }
  if (part.type === 'opaque' && part.dialect === 'bedrock-converse')
    return { type: 'opaque', dialect: 'anthropic-messages', value: { type: wrapped, value: part.value } }
  return part
}

function asAnthropics(signature: Signature): Signature {
  return { ...signature, dialect: 'anthropic-messages' }
}

/** Marks a block that was Bedrock's all the time. */
export const wrapped = 'bedrock-converse'
