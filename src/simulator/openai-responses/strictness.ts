import { type ApiError, badRequest } from '../api-error.ts'
import type { Body } from '../dialect.ts'
import { type Check, missing } from '../openai/read.ts'

/** OpenAI's Responses refuse every field they do not know, wherever it stands; messages as recorded. */
export function checkKnown(body: Body, known: readonly string[], at = ''): ApiError | undefined {
  const stranger = Object.keys(body).find(field => !known.includes(field))
  if (stranger === undefined) return undefined
  return badRequest(`Unknown parameter: '${at}${stranger}'.`, 'unknown_parameter', at + stranger)
}

export function checkRequired(body: Body, required: readonly string[], at = ''): ApiError | undefined {
  const lacking = required.find(field => body[field] === undefined || body[field] === null)
  return lacking === undefined ? undefined : missing(at + lacking)
}

export function oneOf(...values: string[]): Check {
  return (value, field) =>
    typeof value === 'string' && values.includes(value)
      ? undefined
      : badRequest(
          `Invalid value: '${show(value)}'. Supported values are: ${values.map(one => `'${one}'`).join(', ')}.`,
          'invalid_value',
          field,
        )
}

/** A text that is not longer than `most`. */
export function textUpTo(most: number): Check {
  return (value, field) => {
    if (typeof value !== 'string') {
      return badRequest(`Invalid type for '${field}': expected a string.`, 'invalid_type', field)
    }
    if (value.length <= most) return undefined
    return badRequest(
      `Invalid '${field}': string too long. Expected a string with maximum length ${most}, but got a string with length ${value.length} instead.`,
      'string_above_max_length',
      field,
    )
  }
}

/** An item's id tells its kind; a caller that sends the id of the call as the id of its item is found out here. */
export function idThatBegins(prefix: string): Check {
  return (value, field) =>
    typeof value === 'string' && value.startsWith(prefix)
      ? undefined
      : badRequest(
          `Invalid '${field}': '${show(value)}'. Expected an ID that begins with '${prefix}'.`,
          'invalid_value',
          field,
        )
}

export function matching(pattern: RegExp): Check {
  return (value, field) =>
    typeof value === 'string' && pattern.test(value)
      ? undefined
      : badRequest(
          `Invalid '${field}': string does not match pattern. Expected a string that matches the pattern '${pattern.source}'.`,
          'invalid_value',
          field,
        )
}

/** Both checks, one after the other. */
export function both(one: Check, other: Check): Check {
  return (value, field) => one(value, field) ?? other(value, field)
}

/** A value of any kind, to be named in a message; one that was sent as an object may not let itself be made a text. */
function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
