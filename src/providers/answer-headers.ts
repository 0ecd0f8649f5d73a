import type { Passage } from '#wire'

type Received = Readonly<Record<string, string | string[] | undefined>>

/** What a caller is told in headers beside the answer: the provider's own words, and what it was not told. */
export function answerHeaders({ relayed, dropped }: Passage, received: Received): Record<string, string> {
  return {
    ...(relayed && shownHeaders(received)),
    ...(dropped.length > 0 && { 'x-sluice-dropped': headerList(dropped) }),
  }
}
/** Names of fields as a header may have them. */
function headerList(names: readonly string[]): string {
  return names
    .join(', ')
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 1_000)
}

/** The provider's headers that say something to its SDK; the rest is between the provider and us. */
function shownHeaders(headers: Received): Record<string, string> {
  const shown: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (
      typeof value === 'string' &&
      /^(x-ratelimit-|anthropic-ratelimit-|openai-(processing-ms|version)$)/.test(name)
    )
      shown[name] = value
  }
  return shown
}
