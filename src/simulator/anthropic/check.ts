import { type ApiError, badRequest } from '../api-error.ts'
import type { Body } from '../dialect.ts'
import { typeOf } from '../fields.ts'

/** Says what is wrong with a value, or nothing. `at` is its place as Anthropic writes it: `messages.0.content`. */
export type Check = (value: unknown, at: string) => ApiError | undefined

/** A mistake in the manner of Messages: the place, a colon, the sentence of its validator. */
export function mistake(at: string, sentence: string): ApiError {
  return badRequest(at === '' ? sentence : `${at}: ${sentence}`, null)
}

/** An object with these fields and no other; a name with `!` must be there. Null counts as absent. */
export function fields(checks: Readonly<Record<string, Check>>): Check {
  const known = new Map(
    Object.entries(checks).map(([name, check]) => [
      name.replace('!', ''),
      { check, required: name.endsWith('!') },
    ]),
  )
  return (value, at) => {
    if (typeOf(value) !== 'object') return mistake(at, 'Input should be a valid dictionary')
    const body = value as Body
    const place = (name: string): string => (at === '' ? name : `${at}.${name}`)
    for (const [name, { check, required }] of known) {
      const field = body[name] ?? undefined
      if (field === undefined && required) return mistake(place(name), 'Field required')
      const wrong = field === undefined ? undefined : check(field, place(name))
      if (wrong) return wrong
    }
    const extra = Object.keys(body).find(name => !known.has(name))
    return extra === undefined ? undefined : mistake(place(extra), 'Extra inputs are not permitted')
  }
}

/** One of several objects, told apart by their `type`; a name with `*` at its end stands for all that begin so. */
export function tagged(kinds: Readonly<Record<string, Check>>): Check {
  return (value, at) => {
    if (typeOf(value) !== 'object') return mistake(at, 'Input should be a valid dictionary or object')
    const { type } = value as Body
    if (type === undefined) return mistake(`${at}.type`, 'Field required')
    const name = Object.keys(kinds).find(
      kind => kind === type || (kind.endsWith('*') && String(type).startsWith(kind.slice(0, -1))),
    )
    const check = name === undefined ? undefined : kinds[name]
    if (check) return check(value, `${at}.${String(type)}`)
    const tags = Object.keys(kinds).map(kind => `'${kind}'`)
    return mistake(
      at,
      `Input tag '${String(type)}' found using 'type' does not match any of the expected tags: ${tags.join(', ')}`,
    )
  }
}

export function list(check: Check): Check {
  return (value, at) => {
    if (!Array.isArray(value)) return mistake(at, 'Input should be a valid list')
    for (const [index, item] of value.entries()) {
      const wrong = check(item, `${at}.${index}`)
      if (wrong) return wrong
    }
    return undefined
  }
}

/** A text as it is, or a list. */
export function textOr(check: Check): Check {
  return (value, at) => (typeof value === 'string' ? undefined : check(value, at))
}

export const text: Check = (value, at) =>
  typeof value === 'string' ? undefined : mistake(at, 'Input should be a valid string')

export const flag: Check = (value, at) =>
  typeof value === 'boolean' ? undefined : mistake(at, 'Input should be a valid boolean')

export const dictionary: Check = (value, at) =>
  typeOf(value) === 'object' ? undefined : mistake(at, 'Input should be a valid dictionary')

export const anything: Check = () => undefined

export function number(least: number, most: number, kind: 'integer' | 'number'): Check {
  return (value, at) => {
    if (typeof value !== 'number' || (kind === 'integer' && !Number.isInteger(value))) {
      return mistake(at, `Input should be a valid ${kind}`)
    }
    if (value < least) return mistake(at, `Input should be greater than or equal to ${least}`)
    if (value > most) return mistake(at, `Input should be less than or equal to ${most}`)
    return undefined
  }
}

export function oneOf(...values: readonly string[]): Check {
  const quoted = values.map(value => `'${value}'`)
  const wanted = quoted.length > 1 ? `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}` : quoted[0]
  return (value, at) =>
    typeof value === 'string' && values.includes(value)
      ? undefined
      : mistake(at, `Input should be ${wanted ?? ''}`)
}

export function matching(pattern: RegExp): Check {
  return (value, at) => {
    if (typeof value !== 'string') return text(value, at)
    return pattern.test(value) ? undefined : mistake(at, `String should match pattern '${pattern.source}'`)
  }
}
