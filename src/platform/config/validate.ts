import { Ajv, type ErrorObject } from 'ajv'
import type { DataValidationCxt } from 'ajv/dist/types/index.js'
import type { TSchema } from 'typebox'
import { type Bounds, type QuantityKind, readQuantity } from './quantities.ts'
import { type Shape, shapeOfEach } from './shape.ts'
import { define, leftOut } from './values.ts'

/** Holds data against a schema, and fills in its defaults and the numbers that quantities stand for; compiled once. */
export function createValidator(schema: TSchema): (data: unknown) => readonly ErrorObject[] {
  const isValid = createAjv().compile(schema)
  return data => {
    prepare(schema, data)
    return isValid(data) ? [] : (isValid.errors ?? [])
  }
}

function createAjv(): Ajv {
  const ajv = new Ajv({
    allErrors: true,
    useDefaults: true,
    strict: true,
    verbose: true,
    allowUnionTypes: true,
    code: { optimize: false }, // a configuration is read once: compiling takes longer than checking
  })
  // Words for messages, and bounds that `quantity` reads; they say nothing to the validator.
  for (const keyword of ['patternHint', 'nameHint', 'placeholder', 'atLeast', 'atMost', 'orOne', 'word'])
    ajv.addKeyword(keyword)
  ajv.addKeyword({ keyword: 'later', schemaType: 'string', validate: () => false, errors: false })
  ajv.addKeyword({
    keyword: 'quantity',
    schemaType: 'string',
    modifying: true,
    errors: false,
    validate: putQuantity,
  })
  return ajv
}

/** Checks a quantity and puts the number it stands for in its place. */
function putQuantity(
  kind: QuantityKind,
  value: unknown,
  bounds?: Bounds,
  context?: DataValidationCxt,
): boolean {
  const read = readQuantity(kind, value, bounds)
  if (read === undefined || !context) return false
  context.parentData[context.parentDataProperty] = read
  return true
}

/**
 * What depends on what is expected: `sim:` with nothing after it is an empty map, `keys:` an empty list; and what
 * comes from the environment is text, even where a number is wanted.
 */
function prepare(schema: Shape, data: unknown): void {
  if (typeof data !== 'object' || data === null) return
  const each = shapeOfEach(schema)
  for (const [name, value] of Object.entries(data)) {
    const inner = Array.isArray(data) ? schema.items : (own(schema.properties, name) ?? each)
    if (value === leftOut) leaveOut(data, name, inner)
    if (!inner || value === leftOut) continue
    const whole = inFull(value, inner)
    prepare(inner, whole)
    const meant = meantBy(whole, inner.type)
    if (meant !== value) define(data, name, meant)
  }
}

/** What may be written short: one value for a list of it, one word for a map. */
function inFull(value: unknown, { orOne, word }: Shape): unknown {
  if (value === null) return value
  if (orOne && !Array.isArray(value)) return [value]
  if (word === undefined || typeof value === 'object') return value
  const map = {}
  define(map, word, value)
  return map
}

/** A single value, as if it were not written. Not a list: `models: ${MODELS:-}` must not come to mean all of them. */
function leaveOut(data: object, name: string, inner: Shape | undefined): void {
  if (inner?.type === 'array' || inner?.type === 'object') define(data, name, '')
  else Reflect.deleteProperty(data, name)
}

function meantBy(value: unknown, type: string | undefined): unknown {
  if (value === null && type === 'object') return {}
  if (value === null && type === 'array') return []
  const isNumber = typeof value === 'string' && /^-?\d{1,15}(\.\d+)?$/.test(value)
  return isNumber && (type === 'number' || type === 'integer') ? Number(value) : value
}

function own<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record && Object.hasOwn(record, name) ? record[name] : undefined
}
