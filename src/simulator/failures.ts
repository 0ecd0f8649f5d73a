import { allDisturbances, type Disturbance } from './disturbances.ts'
import { type ErrorAnswer, errorAnswers, plainError } from './error-answers.ts'

/** Everything that `fail=` can make happen. */
export type Failure = ErrorAnswer | Disturbance

export const failures: ReadonlyMap<string, Failure> = new Map<string, Failure>(
  [...errorAnswers, ...allDisturbances].map(one => [one.name, one]),
)

/** A failure by its name, or by any error status from 400 to 599. */
export function findFailure(name: string): Failure | undefined {
  return failures.get(name) ?? (/^[45]\d\d$/.test(name) ? plainError(Number(name)) : undefined)
}
