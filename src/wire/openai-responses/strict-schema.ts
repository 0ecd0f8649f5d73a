import { isObject } from '../json-body.ts'

/**
 * Whether a schema is one of OpenAI's strict mode as it stands: every object closed, every property of it required
 * (developers.openai.com/api/docs/guides/structured-outputs, supported schemas).
 */
export function isStrictSchema(schema: unknown): boolean {
  if (!isObject(schema) || !isClosed(schema)) return false
  return innerSchemas(schema).every(isStrictSchema)
}

function isClosed({ type, properties, required, additionalProperties }: Record<string, unknown>): boolean {
  const isOfObjects = type === 'object' || (Array.isArray(type) && type.includes('object'))
  if (!isOfObjects && properties === undefined) return true
  if (additionalProperties !== false || !isObject(properties)) return false
  return Object.keys(properties).every(name => Array.isArray(required) && required.includes(name))
}

function innerSchemas({ properties, items, anyOf, $defs, definitions }: Record<string, unknown>): unknown[] {
  return [
    ...(items === undefined ? [] : [items]),
    ...(Array.isArray(anyOf) ? anyOf : []),
    ...[properties, $defs, definitions].flatMap(named => (isObject(named) ? Object.values(named) : [])),
  ]
}
