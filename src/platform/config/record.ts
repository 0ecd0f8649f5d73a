import type { Static, TSchema } from 'typebox'
import { explainAll } from './explain.ts'
import { renderPath } from './source.ts'
import { createValidator } from './validate.ts'

/** A record that came another way than in the file, such as over the API, and all that is wrong with it. */
export type RecordRead<T> = { ok: true; value: T } | { ok: false; problems: RecordProblem[] }

export interface RecordProblem {
  /** `soft[0].at`; empty for the record as a whole. */
  path: string
  message: string
  hint?: string | undefined
}

/** Reads a record of the configuration from JSON, by the same rules and in the same words as the file. */
export type RecordReader<S extends TSchema> = (given: unknown) => RecordRead<Static<S>>

/** A reader of one kind of record; it gets ready when it is first used. */
export function recordReader<S extends TSchema>(schema: S): RecordReader<S> {
  let validator: ReturnType<typeof createValidator> | undefined
  return given => {
    validator ??= createValidator(inside(schema))
    const data = { record: structuredClone(given) }
    const problems = explainAll(validator(data), data).map(({ path, message, hint }) => ({
      path: renderPath(path.slice(1)),
      message,
      hint,
    }))
    return problems.length > 0 ? { ok: false, problems } : { ok: true, value: data.record as Static<S> }
  }
}

/** What is short, empty or a quantity is put right in its place: it must stand in something. */
function inside(schema: TSchema): TSchema {
  return { type: 'object', properties: { record: schema }, required: ['record'] } as TSchema
}
