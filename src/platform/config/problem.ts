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
}

/** For a terminal: each problem with its place and its line. Values of secrets are not shown. */
export function renderProblems(problems: readonly Problem[], text: string): string {
  const lines = text.split(/\r?\n/)
  const shown = problems.map(({ file, line, column, path, message, hint }) => {
    const place = `${file}:${line}:${column}`
    const quoted = lines[line - 1]?.trim() ? `\n    ${line} | ${withoutSecret(lines[line - 1] ?? '')}` : ''
    return `${place}  ${path === '' ? '' : `${path}: `}${message}${hint ? ` ${hint}` : ''}${quoted}`
  })
  const count = problems.length === 1 ? 'One problem' : `${problems.length} problems`
  return `${count} in the configuration:\n\n${shown.join('\n\n')}\n`
}

function withoutSecret(line: string): string {
  return line
    .slice(0, 200)
    .replace(
      /((?:key|secret|token|password|authorization|database|valkey)\w*["']?\s*:\s*)(?!\s*[[{]|\s*$).*/gi,
      '$1…',
    )
    .replace(/\/\/[^/@\s]+@/g, '//…@')
}

/** The known name nearest to one that is not known, when it is near enough to have been meant. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const asked = name.slice(0, 100).toLowerCase()
  let best: { name: string; distance: number } | undefined
  for (const candidate of known) {
    const distance = editDistance(asked, candidate.slice(0, 100).toLowerCase())
    if (!best || distance < best.distance) best = { name: candidate, distance }
  }
  return best && best.distance <= Math.max(2, Math.floor(best.name.length / 3)) ? best.name : undefined
}

/** Levenshtein's, row by row. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, changed))
    }
    row = next
  }
  return row[b.length] ?? 0
}
