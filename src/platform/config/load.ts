import type { Static, TSchema } from 'typebox'
import { explainAll } from './explain.ts'
import type { Problem } from './problem.ts'
import type { Environment } from './references.ts'
import { Source } from './source.ts'
import { createValidator } from './validate.ts'
import type { Path } from './values.ts'

/** A rule that spans several fields: reports what is wrong at a path. */
export type Check<T> = (config: T, report: (path: Path, message: string, hint?: string) => void) => void

/** A check and the top-level sections it reads: while one of them is broken, there is nothing to check. */
export interface CheckOf<T> {
  reads: readonly (keyof T & string)[]
  check: Check<T>
}

export interface ConfigShape<S extends TSchema> {
  schema: S
  checks?: readonly CheckOf<Static<S>>[]
}

export interface ConfigSource {
  text: string
  /** For messages. */
  file: string
  env: Environment
}

export type { Environment } from './references.ts'

export type Loaded<T> = { ok: true; config: T } | { ok: false; problems: Problem[] }

/**
 * Reads a configuration: YAML, `${ENV}` references, the schema with its defaults, the rules across fields. All
 * problems are reported at once, in the order of their lines. The result is frozen.
 */
export function loadConfig<S extends TSchema>(options: ConfigShape<S> & ConfigSource): Loaded<Static<S>> {
  return configReader<S>(options)(options)
}

/** A reader of one kind of configuration; it gets ready when it is first used, which takes a tenth of a second. */
export function configReader<S extends TSchema>({
  schema,
  checks = [],
}: ConfigShape<S>): (source: ConfigSource) => Loaded<Static<S>> {
  let validator: ReturnType<typeof createValidator> | undefined
  return ({ text, file, env }) => {
    const source = new Source(file, text)
    const written = source.read(env)
    if (!written) return { ok: false, problems: source.problems }
    validator ??= createValidator(schema)
    const broken = new Set<unknown>()
    for (const finding of explainAll(validator(written.data), written.data)) {
      source.report(finding)
      if (finding.breaks) broken.add(finding.path[0])
    }
    const config = written.data as Static<S> // the schema says so, but for the sections that are broken
    for (const { reads, check } of checks) {
      if (reads.some(section => broken.has(section))) continue
      check(config, (path, message, hint) => {
        if (!source.isFaulty(path)) source.report({ path, message, hint })
      })
    }
    if (source.problems.length === 0) return { ok: true, config: freeze(config) }
    return {
      ok: false,
      problems: source.problems.toSorted((a, b) => a.line - b.line || a.column - b.column),
    }
  }
}

/** The schema's defaults around what is given: a configuration without a file. Throws when that is not valid. */
export function defaultConfig<S extends TSchema>(schema: S, given: unknown): Static<S> {
  const config = structuredClone(given) as Static<S>
  const [error] = createValidator(schema)(config)
  if (error) throw new Error(`${error.instancePath} ${error.message}`)
  return freeze(config)
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) freeze(inner)
  return Object.freeze(value)
}
