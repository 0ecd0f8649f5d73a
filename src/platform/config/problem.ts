/** One thing that is wrong with a configuration, and where. */
export interface Problem {
  file: string
  /** From 1. */
  line: number
  column: number
  /** `models.smart.targets[0]`; empty for the file as a whole. */
  path: string
  message: string
  /** The nearest thing that would have been right. */
  hint?: string
  /** How much of the line may be shown; all of it when absent. What follows may be a secret in the wrong place. */
  shownColumns?: number
}

/** For a terminal: each problem with its place and its line. Values of secrets are not shown. */
export function renderProblems(problems: readonly Problem[], text: string): string {
  const lines = text.split(/\r?\n/)
  const shown = problems.map(({ file, line, column, path, message, hint, shownColumns }) => {
    const place = `${file}:${line}:${column}`
    const quoted = lines[line - 1]?.trim() ? `\n    ${line} | ${quote(lines, line - 1, shownColumns)}` : ''
    return `${place}  ${path === '' ? '' : `${path}: `}${message}${hint ? ` ${hint}` : ''}${quoted}`
  })
  const count = problems.length === 1 ? 'One problem' : `${problems.length} problems`
  return `${count} in the configuration:\n\n${shown.join('\n\n')}\n`
}

const secretName = /(?:key|secret|token|password|authorization|headers|url|database|valkey)["']?\s*:/i
const longestQuote = 200

/** What the keys of well-known vendors look like, wherever they stand. */
const vendorKey = /\b(?:sk|pk|gsk|xai|AIza)[\w-]{12,}/g

/** A line up to the first secret in it; nothing of a line that continues a secret from above. */
function quote(lines: readonly string[], index: number, shownColumns = longestQuote): string {
  const whole = lines[index] ?? ''
  const line = whole.slice(0, shownColumns)
  const named = [...line.matchAll(new RegExp(secretName, 'gi'))].map(found => found.index + found[0].length)
  const secretAt = named.find(end => line.slice(end).trim() !== '' && !isDuration(line.slice(end)))
  if (secretAt !== undefined) return `${line.slice(0, secretAt)} …`
  if (named.length === 0 && isBelowSecret(lines, index)) return `${/^\s*/.exec(line)?.[0] ?? ''}…`
  return `${line.replace(vendorKey, '…')}${line.length < whole.length ? ' …' : ''}`
}

/** `first_token: 10s` is named like a secret. */
function isDuration(value: string): boolean {
  return /^\s*\d+(\.\d+)?(ms|s|m|h|d)\s*(#.*|,.*|\}.*)?$/.test(value)
}

/** Whether a line above, of which this one is the inside, opens a secret: names it, and has no plain value of its own. */
function isBelowSecret(lines: readonly string[], index: number): boolean {
  let indent = indentOf(lines[index] ?? '')
  for (let above = index - 1; above >= 0 && indent > 0; above -= 1) {
    const line = lines[above] ?? ''
    if (line.trim() === '' || indentOf(line) >= indent) continue
    indent = indentOf(line)
    const named = secretName.exec(line)
    if (named && /^\s*([|>[{&!"'#].*)?$/.test(line.slice(named.index + named[0].length))) return true
  }
  return false
}

/** A dash stands where what it lists would be. */
function indentOf(line: string): number {
  return /^[\s-]*/.exec(line)?.[0].length ?? 0
}
