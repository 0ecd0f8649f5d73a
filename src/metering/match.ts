/**
 * Which names a price is for, as the data of `@pydantic/genai-prices` says it. Texts are in lower case, and are
 * compared with a name in lower case.
 */
export type Match =
  | { equals: string }
  | { starts_with: string }
  | { ends_with: string }
  | { contains: string }
  | { regex: string }
  | { or: readonly Match[] }
  | { and: readonly Match[] }

/** Whether a name, in lower case, is meant. */
export function matches(match: Match, name: string): boolean {
  if ('equals' in match) return name === match.equals
  if ('or' in match) return match.or.some(part => matches(part, name))
  if ('and' in match) return match.and.every(part => matches(part, name))
  if ('starts_with' in match) return name.startsWith(match.starts_with)
  if ('ends_with' in match) return name.endsWith(match.ends_with)
  if ('contains' in match) return name.includes(match.contains)
  return new RegExp(match.regex).test(name)
}
