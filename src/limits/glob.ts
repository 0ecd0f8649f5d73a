/** A name, or a pattern in which `*` stands for any text. Read once, so that no call needs an expression. */
export interface Glob {
  readonly text: string
  /** What stands between the stars; one part alone: the name itself. */
  readonly parts: readonly string[]
}

export function readGlob(text: string): Glob {
  return { text, parts: text.split('*') }
}

export function isExact({ parts }: Glob): boolean {
  return parts.length === 1
}

export function fits({ text, parts }: Glob, name: string): boolean {
  if (parts.length === 1) return name === text
  const [first = '', last = ''] = [parts[0], parts.at(-1)]
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last))
    return false
  let from = first.length
  const end = name.length - last.length
  for (let i = 1; i < parts.length - 1; i += 1) {
    const part = parts[i] ?? ''
    const at = name.indexOf(part, from)
    if (at < 0 || at + part.length > end) return false
    from = at + part.length
  }
  return true
}
