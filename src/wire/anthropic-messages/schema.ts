import { isObject } from '../json-body.ts'

type Schema = Readonly<Record<string, unknown>>

/** What Anthropic's decoder keeps to; every other keyword is refused (its SDKs' `transform-json-schema`). */
const kept = new Set(['type', 'enum', 'const', 'description', 'title', '$ref', 'default'])
/** What may stand beside a reference. */
const besideRef = new Set(['$ref', '$defs', 'definitions'])
const formats = new Set([
  'date-time',
  'time',
  'date',
  'duration',
  'email',
  'hostname',
  'uri',
  'ipv4',
  'ipv6',
  'uuid',
])

/**
 * A schema for Anthropic's decoder: objects closed, keywords it refuses moved into the description, where the model
 * can still read them. The caller's own validation is by the schema as it was.
 */
export function closeSchema(schema: Schema): Record<string, unknown> {
  const closed: Record<string, unknown> = {}
  const unsaid: string[] = []
  for (const [key, value] of Object.entries(schema)) {
    if (schema.$ref !== undefined && !besideRef.has(key)) continue
    const said = closeKeyword(key, value, schema)
    if (said) Object.assign(closed, said)
    else if (key !== '$schema' && key !== '$id') unsaid.push(`${key}: ${JSON.stringify(value)}`)
  }
  if (schema.$ref !== undefined) return closed
  if (isObjectSchema(schema)) closed.additionalProperties = false
  if (unsaid.length > 0) {
    const words = typeof schema.description === 'string' ? `${schema.description}\n\n` : ''
    closed.description = `${words}{${unsaid.join(', ')}}`
  }
  return closed
}

/** The keyword as the decoder takes it; undefined when it takes it in no form. */
function closeKeyword(key: string, value: unknown, schema: Schema): Record<string, unknown> | undefined {
  switch (key) {
    case 'properties':
    case '$defs':
    case 'definitions':
      return isObject(value) ? { [key]: closeEach(value) } : undefined
    case 'items':
      return isObject(value) ? { items: closeSchema(value) } : undefined
    case 'anyOf':
    case 'allOf':
      return Array.isArray(value) ? { [key]: value.map(closeAny) } : undefined
    case 'oneOf':
      return Array.isArray(value) && schema.anyOf === undefined ? { anyOf: value.map(closeAny) } : undefined
    case 'required':
      return { required: value }
    case 'additionalProperties':
      return {}
    case 'format':
      return typeof value === 'string' && formats.has(value) ? { format: value } : undefined
    case 'minItems':
      return value === 0 || value === 1 ? { minItems: value } : undefined
    default:
      return kept.has(key) ? { [key]: value } : undefined
  }
}

function closeEach(schemas: Schema): Record<string, unknown> {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, closeAny(schema)]))
}

function closeAny(schema: unknown): unknown {
  return isObject(schema) ? closeSchema(schema) : schema
}

function isObjectSchema(schema: Schema): boolean {
  return schema.type === 'object' || isObject(schema.properties)
}

/** Whether closing loses nothing that can be answered: no object with keys of the model's own choice. */
export function canClose(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(canClose)
  if (!isObject(schema)) return true
  const named = isObject(schema.properties) ? Object.values(schema.properties) : []
  const { additionalProperties: others } = schema
  const open = isObject(others) || others === true || (others === undefined && named.length === 0)
  if (schema.type === 'object' && open) return false
  const inner = ['items', 'anyOf', 'oneOf', 'allOf'].map(key => schema[key])
  const defs = ['$defs', 'definitions'].flatMap(key =>
    isObject(schema[key]) ? Object.values(schema[key]) : [],
  )
  return [...named, ...inner, ...defs].every(canClose)
}
