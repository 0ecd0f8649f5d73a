import type { ChatAnswer, ChatEvent, ChatRequest, Dialect, ReasoningPart, Signature } from '#exchange'

/**
 * What a model thought before it called a tool, by the call's id. Providers want it back with the call's result,
 * seal and all; a caller whose SDK or framework keeps only texts and calls has lost it by then.
 */
export interface ThoughtMemory {
  remember(callId: string, thoughts: Thoughts): void
  recall(callId: string): Thoughts | undefined
}

export interface Thoughts {
  /** Those with a seal, in order. */
  parts: readonly ReasoningPart[]
  /** Of the call itself. */
  signature?: Signature
}

/** The request with what the caller has lost put back, as far as it is `dialect`'s own: no other could read it. */
export function recallThoughts(request: ChatRequest, memory: ThoughtMemory, dialect: Dialect): ChatRequest {
  const isOwn = (signature: Signature | undefined): boolean => signature?.dialect === dialect
  const messages = request.messages.map(message => {
    if (message.role !== 'assistant') return message
    const recalled = message.parts.map(part =>
      part.type === 'tool-call' ? memory.recall(part.id) : undefined,
    )
    const hasOwn = message.parts.some(part => part.type === 'reasoning' && part.signature)
    const lost = hasOwn ? [] : (recalled.find(thoughts => thoughts)?.parts ?? [])
    const parts = message.parts.map((part, index) => {
      const signature = recalled[index]?.signature
      return part.type === 'tool-call' && !part.signature && signature && isOwn(signature)
        ? { ...part, signature }
        : part
    })
    return { ...message, parts: [...lost.filter(({ signature }) => isOwn(signature)), ...parts] }
  })
  return { ...request, messages }
}

/** Remembers what a whole answer thought before its calls. */
export function rememberAnswer({ choices }: ChatAnswer, memory: ThoughtMemory): void {
  for (const { parts } of choices) {
    const thoughts = parts.filter(part => part.type === 'reasoning' && part.signature) as ReasoningPart[]
    for (const part of parts) if (part.type === 'tool-call') keep(memory, part.id, thoughts, part.signature)
  }
}

function keep(
  memory: ThoughtMemory,
  callId: string,
  parts: readonly ReasoningPart[],
  signature: Signature | undefined,
): void {
  if (parts.length > 0 || signature) memory.remember(callId, { parts, ...(signature && { signature }) })
}

/** Hears a stream, and remembers what was thought before each of its calls. */
export class ThoughtListener {
  readonly #memory: ThoughtMemory
  readonly #thoughts: ReasoningPart[] = []
  #text = ''
  #signature: Signature | undefined
  /** The call that is open; undefined while anything else is. */
  #callId: string | undefined

  constructor(memory: ThoughtMemory) {
    this.#memory = memory
  }

  hear(event: ChatEvent): void {
    if (event.type === 'reasoning-delta') this.#text += event.text
    else if (event.type === 'signature') this.#signature = event.signature
    else if (event.type === 'part-start') {
      this.#text = ''
      this.#signature = undefined
      this.#callId = event.part.type === 'tool-call' ? event.part.id : undefined
    } else if (event.type === 'part-end') this.#endPart()
  }

  #endPart(): void {
    if (this.#callId !== undefined) keep(this.#memory, this.#callId, [...this.#thoughts], this.#signature)
    else if (this.#signature && this.#signature.kind !== 'reference')
      this.#thoughts.push({ type: 'reasoning', text: this.#text, signature: this.#signature })
  }
}
