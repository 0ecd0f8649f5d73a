import { posix } from 'node:path'
import { type Token, tokenize } from './tokens.ts'

export interface SourceFile {
  /** From the repository's root: `src/keys/admit.ts`. */
  path: string
  text: string
}

/** `roles`, `edge` … with what each may import; DESIGN's table. */
const onTheWay = [
  'idempotency',
  'responses',
  'keys',
  'guardrails',
  'cache',
  'routing',
  'limits',
  'providers',
  'metering',
  'events',
]
const domains = [...onTheWay, 'alerts', 'queue', 'retrieval', 'inference', 'prompts', 'evals']
const ground = ['exchange', 'platform']
const mayImport: Readonly<Record<string, readonly string[] | 'all'>> = {
  roles: 'all',
  edge: ['gateway', 'wire', ...ground, ...domains],
  gateway: [...onTheWay, ...ground],
  ...Object.fromEntries(domains.map(domain => [domain, ground])),
  providers: [...ground, 'wire'],
  wire: ['exchange'],
  exchange: [],
  platform: [],
  simulator: ['platform'],
}

const drawers = /^(utils?|types?|services?|helpers?|common|shared|misc)$/
const longestFileLines = 500

/** Where the rules of the house are broken, as `src/keys/admit.ts:3: sentence`; empty when all is well. */
export function findViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap(file => {
    const said = [...checkPlace(file)]
    const tokens = tokenize(file.text)
    const isTest = /\.(test|contract)\.ts$/.test(file.path)
    said.push(...checkImports(file, tokens, isTest))
    if (!isTest) said.push(...checkWorld(file, tokens), ...checkState(file, tokens))
    return said
  })
}

function folderOf(file: SourceFile): string {
  return file.path.split('/')[1] ?? ''
}

function* checkPlace(file: SourceFile): Generator<string> {
  const folder = folderOf(file)
  if (!Object.hasOwn(mayImport, folder)) yield `${file.path}: the import table knows no folder src/${folder}`
  const names = file.path.replace(/\.\w+$/, '').split('/')
  const drawer = names.find(name => drawers.test(name))
  if (drawer) yield `${file.path}: "${drawer}" says nothing of what is in it; name it after what it holds`
  const lines = file.text.trimEnd().split('\n').length
  if (lines > longestFileLines)
    yield `${file.path}: ${lines} lines; past ${longestFileLines} it wants splitting`
}

function* checkImports(file: SourceFile, tokens: readonly Token[], isTest: boolean): Generator<string> {
  for (const { specifier, line } of findImports(tokens)) {
    const why =
      specifier === undefined
        ? 'what is imported must be written out, or the table cannot be checked'
        : refuseImport(file, specifier, isTest)
    if (why) yield `${file.path}:${line}: ${why}`
  }
}

interface Import {
  /** Undefined when it is computed. */
  specifier: string | undefined
  line: number
}

/**
 * `import … from 'x'`, `export … from 'x'`, `import 'x'`, `import('x')` (in types too) and `require('x')`. Nothing
 * else in the language puts a string right after the word `from` or `import`.
 */
function findImports(tokens: readonly Token[]): Import[] {
  return tokens.flatMap((token, i) => {
    if (token.kind !== 'word' || isMember(tokens, i)) return []
    const next = tokens[i + 1]
    if (/^(from|import)$/.test(token.text) && next?.kind === 'string')
      return [{ specifier: next.text, line: next.line }]
    if (!/^(import|require)$/.test(token.text) || next?.text !== '(' || next.kind !== 'mark') return []
    const what = tokens[i + 2]
    // Or found by looking, in a folder of one's own whose name is written out.
    const isWrittenOut =
      (/^(string|template)$/.test(what?.kind ?? '') && /^[),]$/.test(tokens[i + 3]?.text ?? '')) ||
      (what?.kind === 'template' && /^\.\/[a-z-]+\/$/.test(what.text))
    return [{ specifier: isWrittenOut ? what?.text : undefined, line: token.line }]
  })
}

function refuseImport(file: SourceFile, specifier: string, isTest: boolean): string | undefined {
  const folder = folderOf(file)
  if (specifier.startsWith('.')) return refuseRelative(file, specifier, isTest)
  if (specifier.startsWith('/') || specifier.startsWith('file:')) return `imports "${specifier}" by its place`
  if (!specifier.startsWith('#')) return undefined
  const target = specifier.slice(1)
  if (!Object.hasOwn(mayImport, target)) return `imports "${specifier}", which is no face of ours`
  // A test goes through the face of its own domain, and may set up the neighbours that the code itself is handed.
  if (isTest) return undefined
  if (target === folder) return `imports its own face; inside src/${folder} import the file`
  const allowed = mayImport[folder] ?? []
  if (allowed === 'all' || allowed.includes(target)) return undefined
  return `${folder} may not import ${target}; have it handed in, or move the code`
}

function refuseRelative(file: SourceFile, specifier: string, isTest: boolean): string | undefined {
  const target = posix.join(posix.dirname(file.path), specifier)
  if (target.startsWith(`src/${folderOf(file)}/`)) return undefined
  if (isTest && target.startsWith('test/support/')) return undefined
  return `imports "${specifier}", out of its own folder; others are known by their face only (#name)`
}

/** Time, chance and the environment are handed in: only the platform touches them itself. */
function* checkWorld(file: SourceFile, tokens: readonly Token[]): Generator<string> {
  const folder = folderOf(file)
  if (folder === 'platform') return
  for (const [i, token] of tokens.entries()) {
    const why = touchesWorld(tokens, i)
    if (why && !(folder === 'roles' && why.startsWith('process.env')))
      yield `${file.path}:${token.line}: ${why}`
  }
}

function touchesWorld(tokens: readonly Token[], i: number): string | undefined {
  const said = tokens.slice(i, i + 3)
  const code = said.map(token => (token.kind === 'string' ? `'${token.text}'` : token.text)).join('')
  if (tokens[i]?.kind === 'string') {
    const isImported = /^(from|import|\()$/.test(tokens[i - 1]?.text ?? '')
    if (isImported && /^(node:)?timers(\/promises)?$/.test(tokens[i].text))
      return timeIsHandedIn(tokens[i].text)
    if (isImported && /^(node:)?process$/.test(tokens[i].text))
      return 'process.env and all else of the process belong to platform and roles'
    return undefined
  }
  if (tokens[i]?.kind !== 'word' || (isMember(tokens, i) && tokens[i - 2]?.text !== 'globalThis'))
    return undefined
  if (/^process(\.env$|\[|\?\.)/.test(code))
    return 'process.env belongs to platform and roles; take a setting'
  if (/^(Date\.now|performance\.now)$/.test(code)) return timeIsHandedIn(code)
  if (/^new Date/.test(`${said[0]?.text} ${said[1]?.text}`) && isWithoutArguments(tokens, i + 2))
    return timeIsHandedIn('new Date()')
  if (/^(setTimeout|setInterval)$/.test(said[0]?.text ?? '') && said[1]?.text !== ':')
    return timeIsHandedIn(said[0]?.text ?? '')
  if (code === 'Math.random') return 'Math.random: chance is handed in (Chance), so that a test can replay it'
  return undefined
}

function timeIsHandedIn(what: string): string {
  return `${what}: time is handed in (Clock), so that a test can turn it`
}

function isWithoutArguments(tokens: readonly Token[], i: number): boolean {
  return tokens[i]?.text !== '(' || tokens[i + 1]?.text === ')'
}

/** What a module keeps for itself cannot be built twice, handed in or thrown away. */
function* checkState(file: SourceFile, tokens: readonly Token[]): Generator<string> {
  if (folderOf(file) === 'platform') return
  for (const [i, token] of tokens.entries()) {
    if (token.depth > 0 || token.kind !== 'word' || isMember(tokens, i)) continue
    const what = mutableState(tokens, i)
    if (what)
      yield `${file.path}:${token.line}: ${what} at top level is mutable module state; create it in create…`
  }
}

function mutableState(tokens: readonly Token[], i: number): string | undefined {
  const [token, next] = [tokens[i], tokens[i + 1]]
  if (/^(let|var)$/.test(token?.text ?? '') && next && (next.kind === 'word' || /^[{[]$/.test(next.text)))
    return `"${token?.text}"`
  if (token?.text !== 'new' || !/^(Map|Set|WeakMap|WeakSet)$/.test(next?.text ?? '')) return undefined
  const open = tokens.findIndex((other, n) => n > i && other.text === '(' && other.depth === 0)
  return isWithoutArguments(tokens, open) ? `an empty ${next?.text}` : undefined
}

function isMember(tokens: readonly Token[], i: number): boolean {
  const before = tokens[i - 1]
  // Two dots in a row are a spread, not a member.
  return before?.kind === 'mark' && before.text === '.' && tokens[i - 2]?.text !== '.'
}
