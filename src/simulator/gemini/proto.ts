import { type ApiError, badRequest } from '../api-error.ts'
import type { Body } from '../dialect.ts'
import { typeOf } from '../fields.ts'

/**
 * The type of a field as its proto has it: a scalar, an enum by its names, `struct` for any object, `value` for
 * anything, a message of its own, or a list or map of one of these.
 */
export type Kind =
  | 'string'
  | 'bytes'
  | 'bool'
  | 'int'
  | 'float'
  | 'struct'
  | 'value'
  | { enum: readonly string[]; name: string }
  | { list: Kind }
  | { map: Kind }
  | { message: () => Fields }

export type Fields = Readonly<Record<string, Kind>>

/**
 * Reads JSON as Google's proto parser does: names in lowerCamelCase or snake_case, unknown ones refused, null as
 * absent. What comes back has lowerCamelCase names only. All mistakes are told at once, a line each.
 */
export function readProto(body: Body, fields: Fields): Body | ApiError {
  const mistakes: Mistake[] = []
  const read = readMessage(body, fields, '', mistakes)
  const [first] = mistakes
  if (!first) return read
  const lines = mistakes.map(one => `Invalid JSON payload received. ${one.sentence}`)
  return badRequest(lines.join('\n'), 'proto', first.field || undefined)
}

interface Mistake {
  field: string
  sentence: string
}

function readMessage(body: Body, fields: Fields, at: string, mistakes: Mistake[]): Body {
  const read: Record<string, unknown> = {}
  for (const [given, value] of Object.entries(body)) {
    const name = Object.hasOwn(fields, given) ? given : toCamelCase(given)
    const kind = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (kind === undefined) {
      const where = at === '' ? '' : ` at '${at}'`
      mistakes.push({ field: at, sentence: `Unknown name "${given}"${where}: Cannot find field.` })
    } else if (value !== null) {
      const place = at === '' ? toSnakeCase(name) : `${at}.${toSnakeCase(name)}`
      read[name] = readValue(value, kind, place, mistakes)
    }
  }
  return read
}

function readValue(value: unknown, kind: Kind, at: string, mistakes: Mistake[]): unknown {
  const refuse = (type: string): void => {
    const shown = typeof value === 'string' ? `"${value.slice(0, 64)}"` : JSON.stringify(value).slice(0, 64)
    mistakes.push({ field: at, sentence: `Invalid value at '${at}' (${type}), ${shown}` })
  }
  if (typeof kind === 'string') {
    const scalar = scalars[kind]
    if (!scalar.fits(value)) refuse(scalar.name)
    return kind === 'int' || kind === 'float' ? Number(value) : value
  }
  if ('enum' in kind) {
    const name = String(value).toUpperCase()
    if (typeof value !== 'string' || !kind.enum.includes(name)) refuse(`type.googleapis.com/${kind.name}`)
    return name
  }
  if ('list' in kind) {
    if (Array.isArray(value)) {
      return value.map((item, index) => readValue(item, kind.list, `${at}[${index}]`, mistakes))
    }
    // a single value where a list is wanted is taken as a list of one
    return [readValue(value, kind.list, at, mistakes)]
  }
  if (typeOf(value) !== 'object') return refuse('Message')
  if ('message' in kind) return readMessage(value as Body, kind.message(), at, mistakes)
  const entries = Object.entries(value as Body)
  return Object.fromEntries(
    entries.map(([key, one]) => [key, readValue(one, kind.map, `${at}.${key}`, mistakes)]),
  )
}

/** Numbers may come as text, as in all of proto's JSON. Base64 may be of either alphabet, padded or not. */
const scalars = {
  string: { name: 'TYPE_STRING', fits: (value: unknown) => typeof value === 'string' },
  bytes: {
    name: 'TYPE_BYTES',
    fits: (value: unknown) => typeof value === 'string' && /^[A-Za-z0-9+/_-]*={0,2}$/.test(value),
  },
  bool: { name: 'TYPE_BOOL', fits: (value: unknown) => typeof value === 'boolean' },
  int: {
    name: 'TYPE_INT32',
    fits: (value: unknown) => Number.isInteger(value) || (typeof value === 'string' && /^-?\d+$/.test(value)),
  },
  float: {
    name: 'TYPE_FLOAT',
    fits: (value: unknown) =>
      typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)),
  },
  struct: { name: 'Struct', fits: (value: unknown) => typeOf(value) === 'object' },
  value: { name: 'Value', fits: () => true },
}

function toCamelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}
