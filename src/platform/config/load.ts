import { Ajv, type ErrorObject } from 'ajv'
import type { DataValidationCxt } from 'ajv/dist/types/index.js'
import type { Static, TSchema } from 'typebox'
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml'
import { nearest, type Problem } from './problem.ts'
import { type QuantityKind, quantities } from './quantities.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A rule that spans several fields: reports what is wrong at a path. */
export type Check<T> = (
  config: T,
  report: (path: readonly (string | number)[], message: string, hint?: string) => void,
) => void

export interface LoadOptions<S extends TSchema> {
  schema: S
  checks?: readonly Check<Static<S>>[]
  text: string
  /** For messages. */
  file: string
  env: Environment
}

export type Loaded<T> = { ok: true; config: T } | { ok: false; problems: Problem[] }

/** Larger files are not configurations. */
const maxBytes = 4 * 1024 * 1024

/**
 * Reads a configuration: YAML, `${ENV}` references, the schema with its defaults, the rules across fields. All
 * problems are reported at once, each with its line. The result is frozen.
 */
export function loadConfig<S extends TSchema>(options: LoadOptions<S>): Loaded<Static<S>> {
  const reader = new Reader(options.file, options.text)
  if (options.text.length > maxBytes) return reader.failed('The file is larger than 4 MB.')
  if (options.text.includes('\u0000')) return reader.failed('This is not a text file.')
  const document = reader.parse()
  if (!document) return { ok: false, problems: reader.problems }
  reader.substitute(document, options.env)
  const data: unknown = reader.problems.length > 0 ? undefined : (document.toJS({ maxAliasCount: 100 }) ?? {})
  if (reader.problems.length > 0) return { ok: false, problems: reader.problems }
  const config = data as Static<S>
  validate(options.schema, config, reader)
  if (reader.problems.length === 0) {
    for (const check of options.checks ?? []) {
      check(config, (path, message, hint) => reader.report(path, message, hint))
    }
  }
  return reader.problems.length > 0
    ? { ok: false, problems: reader.problems }
    : { ok: true, config: freeze(config) }
}

/** The defaults alone: what an empty file means. */
export function defaultConfig<S extends TSchema>(schema: S, given: unknown): Static<S> {
  const config = structuredClone(given) as Static<S>
  const validator = createAjv()
  if (!validator.validate(schema, config)) throw new Error(validator.errorsText())
  return freeze(config)
}

class Reader {
  readonly problems: Problem[] = []
  readonly #file: string
  readonly #text: string
  readonly #lines = new LineCounter()
  #document: Document.Parsed | undefined

  constructor(file: string, text: string) {
    this.#file = file
    this.#text = text
  }

  failed(message: string): { ok: false; problems: Problem[] } {
    this.#add(0, '', message)
    return { ok: false, problems: this.problems }
  }

  parse(): Document.Parsed | undefined {
    const document = parseDocument(this.#text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: true,
      merge: false,
    })
    this.#document = document
    for (const error of document.errors)
      this.#add(error.pos[0], '', `This is not valid YAML: ${error.message.split('\n')[0]}.`)
    if (this.problems.length === 0 && document.contents !== null && !isMap(document.contents)) {
      this.#add(0, '', 'The file must be a map of sections, such as `providers:` and `models:`.')
    }
    return this.problems.length === 0 ? document : undefined
  }

  /** Puts the environment's values in place of `${NAME}` and `${NAME:-default}`; `$$` is a dollar. */
  substitute(document: Document.Parsed, env: Environment): void {
    visit(document, {
      Alias: (_key, alias) => {
        if (!alias.resolve(document))
          this.#add(alias.range?.[0] ?? 0, '', `There is no anchor \`${alias.source}\`.`)
      },
      Scalar: (key, scalar) => {
        if (key === 'key' || typeof scalar.value !== 'string' || !scalar.value.includes('$')) return
        const text = scalar.value
        const plain = scalar.type === 'PLAIN'
        const replaced = text.replace(
          /\$\$|\$\{([^}:]*)(?::-([^}]*))?\}/g,
          (found, name?: string, fallback?: string) => {
            if (found === '$$' || name === undefined) return '$'
            const value = env[name] === '' ? undefined : env[name]
            if (value === undefined && fallback === undefined) {
              this.#add(scalar.range?.[0] ?? 0, '', `The environment variable \`${name}\` is not set.`)
            }
            return value ?? fallback ?? ''
          },
        )
        scalar.value =
          plain && replaced !== text && /^(true|false|-?\d+(\.\d+)?)$/.test(replaced)
            ? JSON.parse(replaced)
            : replaced
      },
    })
  }

  report(path: readonly (string | number)[], message: string, hint?: string, atKey = false): void {
    this.#add(this.#offsetOf(path, atKey), renderPath(path), message, hint)
  }

  /** Where a path stands, or as much of it as is written. */
  #offsetOf(path: readonly (string | number)[], atKey: boolean): number {
    let node: unknown = this.#document?.contents
    let offset = 0
    for (const [depth, step] of path.entries()) {
      if (isAlias(node)) node = node.resolve(this.#document as Document)
      if (isMap(node)) {
        const pair = node.items.find(item => isScalar(item.key) && String(item.key.value) === String(step))
        if (!pair) break
        offset = (pair.key as Node).range?.[0] ?? offset
        node = pair.value
        const last = depth === path.length - 1
        if (!(last && atKey) && isScalar(node) && node.value !== null) offset = node.range?.[0] ?? offset
      } else if (isSeq(node)) {
        node = node.items[Number(step)]
        offset = (node as Node | undefined)?.range?.[0] ?? offset
      } else break
    }
    return offset
  }

  #add(offset: number, path: string, message: string, hint?: string): void {
    const { line, col } = this.#text === '' ? { line: 1, col: 1 } : this.#lines.linePos(offset)
    this.problems.push({
      file: this.#file,
      line: Math.max(1, line),
      column: Math.max(1, col),
      path,
      message,
      ...(hint && { hint }),
    })
  }
}

function createAjv(): Ajv {
  const ajv = new Ajv({
    allErrors: true,
    useDefaults: true,
    strict: true,
    verbose: true,
    allowUnionTypes: true,
  })
  ajv.addKeyword('patternHint') // words for `pattern`; says nothing to the validator
  ajv.addKeyword({ keyword: 'later', schemaType: 'string', validate: () => false, errors: false })
  ajv.addKeyword({
    keyword: 'quantity',
    schemaType: 'string',
    modifying: true,
    errors: false,
    validate: readQuantity,
  })
  return ajv
}

/** Checks a quantity and puts the number it stands for in its place. */
function readQuantity(
  kind: QuantityKind,
  value: unknown,
  _schema?: unknown,
  context?: DataValidationCxt,
): boolean {
  if (typeof value !== 'string' && typeof value !== 'number') return false
  const read = quantities[kind].read(value)
  if (read === undefined || !context) return false
  context.parentData[context.parentDataProperty] = read
  return true
}

function validate(schema: TSchema, config: unknown, reader: Reader): void {
  const ajv = createAjv()
  if (ajv.validate(schema, config)) return
  for (const error of ajv.errors ?? []) explain(error, config, reader)
}

/** An error of the schema in words: what was expected, and the nearest name for one that is not known. */
function explain(error: ErrorObject, config: unknown, reader: Reader): void {
  const path = pathOf(error.instancePath, config)
  const parent = (error.parentSchema ?? {}) as {
    properties?: object
    description?: string
    patternHint?: string
  }
  const params = error.params as Record<string, unknown>
  switch (error.keyword) {
    case 'additionalProperties': {
      const name = String(params.additionalProperty)
      const known = Object.keys(parent.properties ?? {})
      const near = nearest(name, known)
      const hint = near
        ? `Did you mean \`${near}\`?`
        : known.length > 0
          ? `Known here: ${known.join(', ')}.`
          : undefined
      return reader.report([...path, name], 'There is no such setting.', hint, true)
    }
    case 'propertyNames':
      return reader.report(
        [...path, String(params.propertyName)],
        'The name is not allowed.',
        parent.patternHint,
        true,
      )
    case 'required':
      return reader.report(path, `\`${params.missingProperty}\` is missing.`)
    case 'later':
      return reader.report(path, String(error.schema), undefined, true)
    case 'quantity':
      return reader.report(path, `This must be ${quantities[error.schema as QuantityKind].expected}.`)
    case 'type':
      return reader.report(path, `This must be ${typeNames(error.schema)}, not ${describe(error.data)}.`)
    case 'enum':
      return reader.report(
        path,
        `This must be one of ${(params.allowedValues as unknown[]).join(', ')}.`,
        nearHint(error),
      )
    case 'pattern':
      if (error.propertyName !== undefined) return
      return reader.report(path, parent.patternHint ?? `This must match ${error.schema}.`)
    default:
      return reader.report(path, `This ${error.message ?? 'is not right'}.`)
  }
}

function nearHint(error: ErrorObject): string | undefined {
  const near = nearest(
    String(error.data),
    ((error.params as { allowedValues: unknown[] }).allowedValues ?? []).map(String),
  )
  return near ? `Did you mean \`${near}\`?` : undefined
}

const words: Readonly<Record<string, string>> = {
  object: 'a map',
  array: 'a list',
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  null: 'nothing',
}

function typeNames(types: unknown): string {
  return [types]
    .flat()
    .map(type => words[String(type)] ?? String(type))
    .join(' or ')
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  return Array.isArray(value) ? 'a list' : (words[typeof value] ?? typeof value)
}

/** Ajv's JSON Pointer as steps; a list's are numbers. */
function pathOf(pointer: string, config: unknown): (string | number)[] {
  let node = config
  return pointer
    .split('/')
    .slice(1)
    .map(part => {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
      const step = Array.isArray(node) ? Number(name) : name
      node = typeof node === 'object' && node !== null ? Reflect.get(node, step) : undefined
      return step
    })
}

function renderPath(path: readonly (string | number)[]): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index > 0 ? '.' : ''}${step}`))
    .join('')
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) freeze(inner)
  return Object.freeze(value)
}
