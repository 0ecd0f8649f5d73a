import type { Document } from 'yaml'

/** Larger files are not configurations. */
const maxLength = 4 * 1024 * 1024

/** Far deeper than any configuration. YAML's parser recurses, and a text of brackets alone could end the process. */
const maxDepth = 100

export interface Misspelling {
  offset: number
  message: string
}

/** What makes a text unfit to be read as YAML at all. */
export function refuseText(text: string): Misspelling | undefined {
  if (text.length > maxLength) return { offset: 0, message: 'The file is larger than 4 MB.' }
  const nul = text.indexOf('\0')
  if (nul >= 0)
    return { offset: nul, message: 'This is not a text file in UTF-8: there is a NUL byte in it.' }
  const deep = findTooDeep(text)
  if (deep !== undefined)
    return { offset: deep, message: `This is nested more than ${maxDepth} levels deep.` }
  return undefined
}

/** A bound from above: brackets in quotes and comments count too, as do columns of indentation. */
function findTooDeep(text: string): number | undefined {
  const indent = new RegExp(`^(?: |[-?:] ){${2 * maxDepth}}`, 'm').exec(text)
  if (indent) return indent.index
  let open = 0
  for (const { 0: bracket, index } of text.matchAll(/[[\]{}]/g)) {
    open = bracket === '[' || bracket === '{' ? open + 1 : Math.max(0, open - 1)
    if (open > maxDepth) return index
  }
  return undefined
}

/**
 * What YAML itself complains of, in our words: the parser's own quote pieces of the text, which may be secrets.
 * After the first error that breaks the structure, the rest are its consequences and are left out.
 */
export function findMisspellings(document: Document.Parsed): { fatal: boolean; found: Misspelling[] } {
  const tags = document.warnings.filter(warning => warning.code === 'TAG_RESOLVE_FAILED')
  const found = tags.map(({ pos }) => ({
    offset: pos[0],
    message: 'Tags such as `!name` are not read; remove it.',
  }))
  const [first] = document.errors
  if (!first) return { fatal: false, found }
  const star = document.warnings.find(({ code, pos }) => code === 'BAD_ALIAS' && pos[0] <= first.pos[0])
  if (star) {
    const offset = Math.max(0, star.pos[0] - 1)
    return {
      fatal: true,
      found: [...found, { offset, message: "A name that begins with `*` needs quotes: `'*'`." }],
    }
  }
  return {
    fatal: true,
    found: [...found, { offset: first.pos[0], message: describe(first.code, first.message) }],
  }
}

const sentences: Readonly<Record<string, string>> = {
  BAD_INDENT: 'The indentation does not fit the lines above.',
  BAD_SCALAR_START: 'A value that begins with this character needs quotes.',
  BLOCK_AS_IMPLICIT_KEY: 'A value that contains `: ` needs quotes.',
  MISSING_CHAR: 'A quote, a comma or a bracket is missing here.',
  MULTILINE_IMPLICIT_KEY: 'This is not `name: value`.',
  MULTIPLE_DOCS: 'A configuration is one document; remove the `---`.',
  TAB_AS_INDENT: 'YAML is indented with spaces, not with tabs.',
  UNEXPECTED_TOKEN: 'This does not belong here.',
}

function describe(code: string, message: string): string {
  if (code === 'BAD_INDENT' && message.startsWith('Flow')) return 'A `{` or `[` is not closed.'
  return sentences[code] ?? 'This is not valid YAML.'
}
