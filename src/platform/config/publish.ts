import type { TSchema } from 'typebox'
import { quantities } from './quantities.ts'
import { type Shape, shapeOfEach } from './shape.ts'

/** One line of the reference page. */
export interface Setting {
  /** `providers.PROVIDER.timeouts.connect`, `keys[].name`. */
  name: string
  description: string
  /** How it is written. */
  form: string
  /** As it would be written; undefined when there is none. */
  default?: string
  isRequired: boolean
}

interface Listed {
  settings: Setting[]
  /** Names that a later version will have. */
  later: string[]
}

/** All settings of a schema, each before what is inside of it. */
export function listSettings(schema: TSchema): Listed {
  return listProperties(schema, '')
}

function listProperties(shape: Shape, prefix: string): Listed {
  const lists = Object.entries(shape.properties ?? {}).map(([property, inner]) => {
    if (property === shape.word) return { settings: [], later: [] } // it is written as the map itself
    const name = `${prefix}${property}`
    if (inner.later !== undefined) return { settings: [], later: [name] }
    const isRequired = (shape.required ?? []).includes(property) && inner.default === undefined
    const below = listInside(inner, name)
    return { settings: [settingOf(inner, name, isRequired), ...below.settings], later: below.later }
  })
  return { settings: lists.flatMap(list => list.settings), later: lists.flatMap(list => list.later) }
}

function listInside(shape: Shape, name: string): Listed {
  if (shape.items) return listInside(shape.items, `${name}[]`)
  const each = shapeOfEach(shape)
  if (each) return listInside(each, `${name}.${shape.placeholder ?? 'NAME'}`)
  return listProperties(shape, `${name}.`)
}

function settingOf(shape: Shape, name: string, isRequired: boolean): Setting {
  const { description = '' } = shape
  const isScalar = typeof shape.default === 'string' || typeof shape.default === 'number'
  return {
    name,
    description,
    form: formOf(shape),
    isRequired,
    ...(isScalar && { default: String(shape.default) }),
  }
}

const quantityForms = {
  duration: 'duration',
  count: 'number',
  bytes: 'size',
  price: 'US dollars',
  usd: 'US dollars',
  amount: 'US dollars or number',
  threshold: 'share or amount',
  span: 'word or duration',
}

function formOf(shape: Shape): string {
  if (shape.orOne && shape.items) return `${formOf(shape.items)}; or a list of them`
  if (shape.word !== undefined) return `${formOf(shape.properties?.[shape.word] ?? {})}; or a map`
  if (shape.quantity) return `${quantityForms[shape.quantity]}${boundsOf(shape.atLeast, shape.atMost)}`
  if (shape.enum) return shape.enum.map(word => `\`${word}\``).join(', ')
  if (shape.items) return shape.items.properties ? 'list of maps' : 'list'
  if (shape.type === 'object') return 'map'
  const words = { string: 'text', integer: 'whole number', number: 'number', boolean: '`true`, `false`' }
  const word = Object.entries(words).find(([type]) => type === shape.type)?.[1] ?? ''
  return `${word}${boundsOf(shape.minimum, shape.maximum)}`
}

function boundsOf(least: string | number | undefined, most: string | number | undefined): string {
  if (least !== undefined && most !== undefined) return `, ${least} to ${most}`
  if (least !== undefined) return `, at least ${least}`
  return most === undefined ? '' : `, at most ${most}`
}

/** What an editor's YAML support understands: JSON Schema of draft 7, with values spelled as people write them. */
export function editorSchema(schema: TSchema, title: string): object {
  return { $schema: 'http://json-schema.org/draft-07/schema#', title, ...publish(schema) }
}

/** Instead of a number or a word, a reference to the environment is as good. */
const reference = '\\$\\{[A-Za-z_]'

function publish(shape: Shape): object {
  const { orOne, word, ...full } = shape
  if (orOne && full.items) return eitherOf(full, full.items)
  if (word !== undefined) return eitherOf(full, full.properties?.[word] ?? {})
  const words = {
    ...(shape.description !== undefined && { description: shape.description }),
    ...(shape.default !== undefined && { default: shape.default }),
  }
  if (shape.later !== undefined) return { description: shape.later, not: {} }
  if (shape.quantity) return { ...words, ...publishQuantity(shape.quantity) }
  if (shape.enum) return { ...words, anyOf: [{ enum: shape.enum }, { type: 'string', pattern: reference }] }
  if (shape.type === 'object') return { ...words, ...publishMap(shape) }
  if (shape.items) {
    const { minItems } = shape
    return {
      ...words,
      type: ['array', 'null'],
      items: publish(shape.items),
      ...(minItems !== undefined && { minItems }),
    }
  }
  return { ...words, ...publishScalar(shape) }
}

/** Written in full or short; a default and a description belong to both. */
function eitherOf({ description, default: preset, ...full }: Shape, short: Shape): object {
  return {
    ...(description !== undefined && { description }),
    ...(preset !== undefined && { default: preset }),
    anyOf: [publish(full), publish(short)],
  }
}

function publishQuantity(kind: keyof typeof quantities): object {
  const { expected, pattern } = quantities[kind]
  const type = kind === 'duration' || kind === 'span' ? 'string' : ['string', 'number']
  return { type, pattern: `${pattern}|${reference}`, patternErrorMessage: `Write ${expected}.` }
}

function publishScalar({ type, pattern, patternHint, minLength, minimum, maximum }: Shape): object {
  if (type === 'string') {
    const words = patternHint === undefined ? {} : { patternErrorMessage: patternHint }
    return {
      type,
      ...(minLength && { minLength }),
      ...(pattern && { pattern: `${pattern}|${reference}`, ...words }),
    }
  }
  const number = {
    type,
    ...(minimum !== undefined && { minimum }),
    ...(maximum !== undefined && { maximum }),
  }
  return { anyOf: [number, { type: 'string', pattern: reference }] }
}

function publishMap(shape: Shape): object {
  const { properties, patternProperties, required = [] } = shape
  const asked = required.filter(name => properties?.[name]?.default === undefined)
  return {
    type: ['object', 'null'],
    additionalProperties: false,
    ...(properties && { properties: publishEach(properties) }),
    ...(patternProperties && { patternProperties: publishEach(patternProperties) }),
    ...(asked.length > 0 && { required: asked }),
  }
}

function publishEach(shapes: Readonly<Record<string, Shape>>): object {
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, publish(shape)]))
}
