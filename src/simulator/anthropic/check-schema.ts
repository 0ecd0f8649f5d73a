import type { ApiError } from '../api-error.ts'
import { asBody, asList } from '../fields.ts'
import { mistake } from './check.ts'

const unsupported: Readonly<Record<string, readonly string[]>> = {
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  string: ['minLength', 'maxLength'],
  array: ['maxItems', 'uniqueItems'],
}

/** What Anthropic's constrained decoding does not take: open objects, bounds of numbers, lengths. */
export function checkSchema(schema: unknown, at: string): ApiError | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined
  const body = asBody(schema)
  const type = String(body.type)
  const wrong = (unsupported[type] ?? []).filter(name => body[name] !== undefined).sort()
  if (wrong.length > 0) {
    return mistake(at, `For '${type}' type, properties ${wrong.join(', ')} are not supported`)
  }
  if (type === 'array' && Number(body.minItems ?? 0) > 1) {
    return mistake(at, "For 'array' type, 'minItems' values other than 0 or 1 are not supported")
  }
  if (type === 'object' && body.additionalProperties !== false) {
    return mistake(at, "For 'object' type, 'additionalProperties' must be explicitly set to false")
  }
  const inner = [
    ...[body.properties, body.$defs, body.definitions].flatMap(one => Object.values(asBody(one))),
    ...[body.prefixItems, body.anyOf, body.allOf].flatMap(asList),
    body.items,
  ]
  for (const one of inner) {
    const found = checkSchema(one, at)
    if (found) return found
  }
  return undefined
}
