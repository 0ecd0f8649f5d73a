import type { Static, TSchema } from 'typebox'
import { explainAll } from './explain.ts'
import { renderPath } from './source.ts'
import { validate } from './validate.ts'

/** A record that came another way than in the file, such as over the API, and all that is wrong with it. */
export type RecordRead<T> = { ok: true; value: T } | { ok: false; problems: RecordProblem[] }

interface RecordProblem {
  /** `soft[0].at`; empty for the record as a whole. */
  path: string
  message: string
  hint?: string | undefined
}

/** Reads one record of the configuration from JSON, by the same rules and in the same words as the file. */
export function readRecord<S extends TSchema>(schema: S, given: unknown): RecordRead<Static<S>> {
  const data = { record: structuredClone(given) }
  const whole = { type: 'object', properties: { record: schema }, required: ['record'] } as TSchema
  const problems = explainAll(validate(whole, data), data).map(({ path, message, hint }) => ({
    path: renderPath(path.slice(1)),
    message,
    hint,
  }))
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: data.record as Static<S> }
}
