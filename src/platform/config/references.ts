export type Environment = Readonly<Record<string, string | undefined>>

/** References whose text cannot be mistaken for the end of a quoted scalar. */
const reference = /\$\{[A-Za-z_]\w*(?::-[^{}"'\\\n]*)?\}/g

/**
 * YAML reads braces and commas inside `{ … }` and `[ … ]` as its own, so that `{ key: ${NAME} }` would be broken.
 * References are therefore written in other characters of the same length while YAML is read, from a private block
 * of Unicode that the text does not use; every line and column stays as it is.
 */
export function maskReferences(text: string): { masked: string; unmask(part: string): string } {
  const base = findUnusedBlock(text)
  const hide = (char: string): string =>
    char < '\x7f' ? String.fromCharCode(base + char.charCodeAt(0)) : char
  const hidden = new RegExp(`[${block(base)}]`, 'g')
  return {
    masked: text.replace(reference, found => `$${found.slice(1).replace(/./g, hide)}`),
    unmask: part => part.replace(hidden, char => String.fromCharCode(char.charCodeAt(0) - base)),
  }
}

function findUnusedBlock(text: string): number {
  for (let base = 0xe000; base < 0xf880; base += 0x80) {
    if (!new RegExp(`[${block(base)}]`).test(text)) return base
  }
  return 0xf880
}

function block(base: number): string {
  return `${String.fromCharCode(base)}-${String.fromCharCode(base + 0x7f)}`
}

/**
 * Puts the environment's values in place of `${NAME}` and `${NAME:-default}`; an empty variable counts as not set,
 * as in a shell, and `$$` is a dollar. What is wrong is said to `report`, without any value.
 */
export function expandReferences(text: string, env: Environment, report: (message: string) => void): string {
  return text.replace(
    /\$\$|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}|\$\{/g,
    (found, name?: string, fallback?: string) => {
      if (found === '$$') return '$'
      if (name === undefined) {
        report(
          'A reference is written `${NAME}` or `${NAME:-default}`; for the characters themselves, write `$${`.',
        )
        return ''
      }
      const value = env[name] || fallback
      if (value === undefined) report(`The environment variable \`${name}\` is not set.`)
      return value ?? ''
    },
  )
}
