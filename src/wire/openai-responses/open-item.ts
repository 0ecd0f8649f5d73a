import type { AnswerPart, Citation, PartStart, Signature, TokenLogprob } from '#exchange'
import { said } from '../reading.ts'
import { writeSignature } from '../signature.ts'
import { renderAnnotation, renderLogprobs } from './annotations.ts'
import { itemId } from './ids.ts'

type Json = Record<string, unknown>

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete'

const prefixes = { message: 'msg', reasoning: 'rs', function_call: 'fc', custom_tool_call: 'ctc' } as const

/** A part of a message, while it is said. */
export class OpenContent {
  readonly type: 'text' | 'refusal'
  text = ''
  readonly annotations: unknown[] = []
  /** Citations that do not say what words they stand for: all of them, once the text is whole. */
  readonly placeless: Citation[] = []
  readonly logprobs: unknown[] = []
  signature: Signature | undefined

  constructor(type: 'text' | 'refusal') {
    this.type = type
  }

  addLogprobs(logprobs: readonly TokenLogprob[] | undefined): unknown[] {
    if (!logprobs) return []
    const rendered = renderLogprobs(logprobs)
    this.logprobs.push(...rendered)
    return rendered
  }

  /** The annotation, where it can be told now. */
  addCitation(citation: Citation): unknown {
    if (citation.raw?.dialect !== 'openai-responses' && citation.end === undefined) {
      this.placeless.push(citation)
      return undefined
    }
    const annotation = renderAnnotation(citation, this.text.length)
    this.annotations.push(annotation)
    return annotation
  }

  render(): Json {
    if (this.type === 'refusal') return { type: 'refusal', refusal: this.text }
    const { annotations, logprobs, text, signature } = this
    return { type: 'output_text', annotations, logprobs, text, ...renderSeal(signature) }
  }
}

/** An item that the caller was told of, and that is not done. */
export class OpenItem {
  readonly kind: keyof typeof prefixes
  readonly id: string
  readonly #call: { call_id: string; name: string } | undefined
  /** Finished parts of a message. */
  readonly content: Json[] = []
  open: OpenContent | undefined
  /** Of a thought, or the arguments of a call. */
  text = ''
  signature: Signature | undefined
  /** Whether its only part, a thought or arguments, is still being said. */
  speaking: boolean

  constructor(start: Exclude<PartStart, { type: 'whole' }>, hex: string, number: number) {
    this.kind = kindOf(start)
    this.id = itemId(prefixes[this.kind], hex, number)
    if (start.type === 'tool-call') this.#call = { call_id: start.id, name: start.name }
    this.speaking = this.kind !== 'message'
  }

  get name(): string | undefined {
    return this.#call?.name
  }

  /** As it stands, what is being said included. */
  render(status: ItemStatus): Json {
    const { id, kind, text, signature } = this
    switch (kind) {
      case 'message': {
        const content = this.open ? [...this.content, this.open.render()] : [...this.content]
        return { id, type: kind, status, role: 'assistant', content }
      }
      case 'reasoning': // without a status, as OpenAI has it: given back with one, it is refused by some
        return { id, type: kind, summary: text === '' ? [] : [summary(text)], ...renderSeal(signature) }
      case 'function_call':
        return { id, type: kind, status, ...this.#call, arguments: text, ...renderSeal(signature) }
      case 'custom_tool_call':
        return { id, type: kind, status, ...this.#call, input: text, ...renderSeal(signature) }
    }
  }
}

export function kindOf(start: Exclude<PartStart, { type: 'whole' }>): keyof typeof prefixes {
  if (start.type === 'tool-call') return start.custom ? 'custom_tool_call' : 'function_call'
  return start.type === 'reasoning' ? 'reasoning' : 'message'
}

export function summary(text: string): Json {
  return { type: 'summary_text', text }
}

/** The dialect seals thoughts alone; what others seal beside them travels in the same field. */
function renderSeal(signature: Signature | undefined): Json {
  const own = signature?.dialect === 'openai-responses' && signature.kind === 'reference'
  return said<Json>({
    encrypted_content: signature && !own ? writeSignature(signature, 'openai-responses') : undefined,
  })
}

/** How the events of a call's arguments are called. */
export const callWords = {
  message: '',
  reasoning: '',
  function_call: 'function_call_arguments',
  custom_tool_call: 'custom_tool_call_input',
} as const

/** What the dialect has no item for, as far as it can be said. */
export function wordsFor(part: AnswerPart): string | undefined {
  if (part.type === 'audio') return part.transcript
  return part.type === 'image' && part.source.kind === 'url' ? `![](${part.source.url})` : undefined
}
