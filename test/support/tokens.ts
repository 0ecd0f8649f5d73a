/** A piece of source text that means something: comments and blanks are gone, what is in strings stays in strings. */
export interface Token {
  /** A `template` is a template literal's text up to its end or its next `${`; a `mark` is one character. */
  kind: 'word' | 'string' | 'template' | 'regex' | 'mark'
  /** Without the quotes, escapes as written. */
  text: string
  line: number
  /** How many brackets of any kind are open around it. */
  depth: number
}

interface Scanner {
  source: string
  at: number
  tokens: Token[]
  depth: number
  /** The depths at which a `}` goes back into a template literal. */
  templates: number[]
}

type Kind = Token['kind']

const word = /[\p{ID_Start}$_#@\d][\p{ID_Continue}$\u200c\u200d]*/uy
const comment = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y
const quoted = /'((?:[^'\\\n]|\\[\s\S])*)'|"((?:[^"\\\n]|\\[\s\S])*)"/y
const regex = /\/((?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/\w*/y
const templateText = /((?:[^`\\$]|\\[\s\S]|\$(?!\{))*)(`|\$\{)/y

/** After these a slash begins a regular expression; after other words it divides. */
const beforeRegex = /^(return|typeof|case|do|else|in|of|instanceof|new|void|delete|throw|await|yield)$/

/** Splits TypeScript or JavaScript into tokens, enough to tell code from comments and strings; no parser. */
export function tokenize(source: string): Token[] {
  const scanner: Scanner = { source, at: 0, tokens: [], depth: 0, templates: [] }
  while (scanner.at < source.length) scanOne(scanner)
  return scanner.tokens
}

function scanOne(scanner: Scanner): void {
  const char = scanner.source[scanner.at] ?? ''
  if (/\s/.test(char) || take(scanner, comment)) {
    if (/\s/.test(char)) scanner.at += 1
    return
  }
  if (char === '`') {
    scanner.at += 1
    scanTemplate(scanner)
  } else if (char === '}' && scanner.templates.at(-1) === scanner.depth) {
    scanner.at += 1
    scanner.depth -= 1
    scanner.templates.pop()
    scanTemplate(scanner)
  } else if (!scanLiteral(scanner)) {
    scanMark(scanner, char)
  }
}

function scanLiteral(scanner: Scanner): boolean {
  const from = scanner.at
  const string = take(scanner, quoted)
  if (string) return push(scanner, 'string', string[1] ?? string[2] ?? '', from)
  const name = take(scanner, word)
  if (name) return push(scanner, 'word', name[0], from)
  const pattern = mayBeRegex(scanner.tokens.at(-1)) && take(scanner, regex)
  return pattern ? push(scanner, 'regex', pattern[1] ?? '', from) : false
}

function scanTemplate(scanner: Scanner): void {
  const from = scanner.at
  const text = take(scanner, templateText)
  if (!text) throw new Error(`A template literal has no end (line ${lineAt(scanner, from)})`)
  push(scanner, 'template', text[1] ?? '', from)
  if (text[2] === '`') return
  scanner.depth += 1
  scanner.templates.push(scanner.depth)
}

function scanMark(scanner: Scanner, char: string): void {
  if (/[)\]}]/.test(char)) scanner.depth -= 1
  if (/['"]/.test(char)) throw new Error(`A quote has no end (line ${lineAt(scanner, scanner.at)})`)
  const from = scanner.at
  scanner.at += 1
  push(scanner, 'mark', char, from)
  if (/[([{]/.test(char)) scanner.depth += 1
}

function mayBeRegex(before: Token | undefined): boolean {
  if (!before) return true
  if (before.kind === 'word') return beforeRegex.test(before.text)
  return before.kind === 'mark' && !/[)\]}]/.test(before.text)
}

function take(scanner: Scanner, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = scanner.at
  const match = pattern.exec(scanner.source)
  if (match) scanner.at += match[0].length
  return match
}

function push(scanner: Scanner, kind: Kind, text: string, from: number): true {
  scanner.tokens.push({ kind, text, line: lineAt(scanner, from), depth: scanner.depth })
  return true
}

function lineAt(scanner: Scanner, at: number): number {
  return scanner.source.slice(0, at).split('\n').length
}
