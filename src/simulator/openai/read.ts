import { type ApiError, badRequest } from '../api-error.ts'
import type { Body } from '../dialect.ts'
import { typeOf } from '../fields.ts'

export { asBody, asList, asNumber, asText } from '../fields.ts'

/** Says what is wrong with a field's value, or nothing. `undefined` and null have been let through before. */
export type Check = (value: unknown, field: string) => ApiError | undefined

/** The first mistake among the fields that are there. `at` is where the object stands, as in `input[0].`. */
export function checkFields(
  body: Body,
  checks: Readonly<Record<string, Check>>,
  at = '',
): ApiError | undefined {
  for (const [field, check] of Object.entries(checks)) {
    const value = body[field]
    const mistake = value === undefined || value === null ? undefined : check(value, at + field)
    if (mistake) return mistake
  }
  return undefined
}

export function isA(...types: ('string' | 'number' | 'boolean' | 'object' | 'array')[]): Check {
  return (value, field) => {
    if (types.some(type => type === typeOf(value))) return undefined
    const wanted = types.join(' or ')
    return badRequest(
      `Invalid type for '${field}': expected ${wanted}, but got ${typeOf(value)} instead.`,
      'invalid_type',
      field,
    )
  }
}

export function between(least: number, most: number, kind: 'integer' | 'decimal'): Check {
  return (value, field) => {
    if (typeof value !== 'number' || (kind === 'integer' && !Number.isInteger(value))) {
      return badRequest(`Invalid type for '${field}': expected ${kind}.`, 'invalid_type', field)
    }
    if (value < least) return outOfRange(`${kind}_below_min_value`, `>= ${least}`)
    if (value > most) return outOfRange(`${kind}_above_max_value`, `<= ${most}`)
    return undefined
    function outOfRange(code: string, wanted: string): ApiError {
      return badRequest(
        `Invalid '${field}': ${kind} value out of range. Expected a value ${wanted}, but got ${value} instead.`,
        code,
        field,
      )
    }
  }
}

export function missing(field: string): ApiError {
  return badRequest(`Missing required parameter: '${field}'.`, 'missing_required_parameter', field)
}
