import type { ChatRequest, Message, Part } from '#exchange'

/** A copy without one of its optional fields. */
export function omit<T extends object, K extends keyof T>(object: T, key: K): T {
  const { [key]: _gone, ...rest } = object
  return rest as T
}

/** Whether any part is such, those inside tool results included. */
export function someParts(request: ChatRequest, is: (part: Part) => boolean): boolean {
  return request.messages.some(({ parts }) =>
    parts.some(part => is(part) || (part.type === 'tool-result' && part.parts.some(is))),
  )
}

/** Exchanges or takes out parts, those inside tool results included; a message left without parts goes. */
export function mapParts(request: ChatRequest, change: (part: Part) => Part | undefined): ChatRequest {
  const all = (parts: readonly Part[]): Part[] =>
    parts.flatMap(part => {
      const inner =
        part.type === 'tool-result' ? { ...part, parts: all(part.parts) as typeof part.parts } : part
      return change(inner) ?? []
    })
  const messages = request.messages.map(message => ({ ...message, parts: all(message.parts) }) as Message)
  return { ...request, messages: messages.filter(({ parts }) => parts.length > 0) }
}
