import type { Dice } from './dice.ts'
import { samplePattern } from './pattern-sample.ts'

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

type Schema = Readonly<Record<string, unknown>>

/** Deeper than this, only what is required is made; much deeper, nothing. */
const leanDepth = 5
const maxDepth = 40
/** A schema that refers to itself in several places grows fast: after so many values, the same holds. */
const leanCount = 500
const maxCount = 20_000

/**
 * A value that is valid by a JSON Schema (draft 2020-12 as far as providers accept it: types, enum, const,
 * properties, items, prefixItems, bounds, pattern, format, anyOf, oneOf, allOf, local $ref). The first of several
 * choices that does not lead deeper is good enough; `not`, `if` and `patternProperties` are not looked at.
 */
export function sampleSchema(schema: unknown, dice: Dice, words: readonly string[]): Json {
  return new Sampler(schema, dice, words).sample(schema, { name: 'text', depth: 0 })
}

interface Place {
  /** Name of the property whose value is made: a city's name looks like one. */
  name: string
  depth: number
}

const wordsByName: readonly (readonly [RegExp, readonly [string, ...string[]]])[] = [
  [/city|location|place|town|destination|origin/i, ['Lisbon', 'Oslo', 'Kyoto', 'Montevideo', 'Nairobi']],
  [/country/i, ['Portugal', 'Norway', 'Japan', 'Uruguay', 'Kenya']],
  [/name|author|person|user|customer/i, ['Ada', 'Grace', 'Alan', 'Edsger', 'Barbara']],
  [/currency/i, ['EUR', 'USD', 'JPY']],
  [/language|locale/i, ['en', 'pt', 'ja']],
  [/colou?r/i, ['teal', 'amber', 'indigo']],
]

const formats: Readonly<Record<string, string>> = {
  'date-time': '2026-03-14T09:26:53Z',
  date: '2026-03-14',
  time: '09:26:53Z',
  duration: 'PT90S',
  email: 'ada@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uuid: '0195f3a4-7c2e-7b10-8a55-3d2f1e0c9b8a',
  uri: 'https://example.com/simulated',
}

class Sampler {
  readonly #root: unknown
  readonly #dice: Dice
  readonly #words: readonly string[]
  #made = 0

  constructor(root: unknown, dice: Dice, words: readonly string[]) {
    this.#root = root
    this.#dice = dice
    this.#words = words
  }

  sample(given: unknown, place: Place): Json {
    this.#made += 1
    if (place.depth > maxDepth || this.#made > maxCount) return null
    const schema = this.#resolve(given, place.depth)
    if ('const' in schema) return schema.const as Json
    if (Array.isArray(schema.enum) && schema.enum.length > 0) return this.#any(schema.enum) as Json
    switch (this.#typeOf(schema, place.depth)) {
      case 'object':
        return this.#object(schema, place.depth)
      case 'array':
        return this.#array(schema, place)
      case 'integer':
        return sampleNumber(schema, this.#dice, true)
      case 'number':
        return sampleNumber(schema, this.#dice, false)
      case 'boolean':
        return this.#dice.roll() < 0.5
      case 'null':
        return null
      default:
        return this.#text(schema, place.name)
    }
  }

  /** The schema with its references, all of its `allOf` and one of its alternatives taken in. */
  #resolve(given: unknown, depth: number): Schema {
    let schema = asSchema(given)
    for (let hops = 0; hops < maxDepth; hops += 1) {
      if (typeof schema.$ref === 'string') {
        const { $ref, ...rest } = schema
        schema = merge(this.#pointed(String($ref)), rest)
      } else if (Array.isArray(schema.allOf)) {
        const { allOf, ...rest } = schema
        schema = (allOf as unknown[]).map(asSchema).reduce(merge, rest)
      } else if (Array.isArray(schema.anyOf) || Array.isArray(schema.oneOf)) {
        const { anyOf, oneOf, ...rest } = schema
        schema = merge(rest, this.#alternative((anyOf ?? oneOf) as unknown[], depth))
      } else break
    }
    return schema
  }

  #lean(depth: number): boolean {
    return depth >= leanDepth || this.#made > leanCount
  }

  #pointed(reference: string): Schema {
    let found: unknown = this.#root
    for (const step of reference.split('/').slice(1)) {
      found = asSchema(found)[decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')]
    }
    return asSchema(found)
  }

  /** Something rather than null, while there is room for it. */
  #alternative(options: readonly unknown[], depth: number): Schema {
    const schemas = options.map(asSchema)
    const isPlain = (one: Schema): boolean =>
      !('$ref' in one) && one.type !== 'object' && one.type !== 'array'
    const wanted = schemas.filter(!this.#lean(depth) ? one => one.type !== 'null' : isPlain)
    return wanted[this.#dice.below(wanted.length)] ?? schemas[0] ?? {}
  }

  #typeOf(schema: Schema, depth: number): unknown {
    if (Array.isArray(schema.type)) {
      const [first] = schema.type.filter(type => type !== 'null')
      return this.#lean(depth) && schema.type.includes('null') ? 'null' : first
    }
    if (schema.type !== undefined) return schema.type
    if ('properties' in schema || 'required' in schema) return 'object'
    if ('items' in schema || 'prefixItems' in schema) return 'array'
    return 'minimum' in schema || 'maximum' in schema ? 'number' : 'string'
  }

  #object(schema: Schema, depth: number): Json {
    const properties = asSchema(schema.properties)
    const required = Array.isArray(schema.required) ? schema.required.map(String) : []
    const names = !this.#lean(depth) ? [...new Set([...Object.keys(properties), ...required])] : required
    const made = names.map(name => {
      const value = this.sample(properties[name] ?? schema.additionalProperties, { name, depth: depth + 1 })
      return [name, value] as const
    })
    for (let extra = made.length; extra < Number(schema.minProperties ?? 0); extra += 1) {
      const name = `key_${extra + 1}`
      made.push([name, this.sample(schema.additionalProperties, { name, depth: depth + 1 })])
    }
    return Object.fromEntries(made)
  }

  #array(schema: Schema, { name, depth }: Place): Json {
    const fixed = Array.isArray(schema.prefixItems) ? schema.prefixItems : []
    const least = Number(schema.minItems ?? 0)
    const liked = this.#lean(depth) ? 0 : 1 + this.#dice.below(2)
    const open = schema.items === false ? 0 : Math.max(least, fixed.length + liked)
    const count = Math.min(
      Math.max(fixed.length, open),
      Number(schema.maxItems ?? Number.POSITIVE_INFINITY),
      1000,
    )
    const items: Json[] = []
    for (let tries = 0; items.length < count && tries < count * 20; tries += 1) {
      const item = this.sample(fixed[items.length] ?? schema.items, { name, depth: depth + 1 })
      const known =
        schema.uniqueItems === true && items.some(one => JSON.stringify(one) === JSON.stringify(item))
      if (!known) items.push(item)
    }
    return items
  }

  #text(schema: Schema, name: string): string {
    if (typeof schema.pattern === 'string') {
      const sampled = samplePattern(schema.pattern, this.#dice)
      if (sampled !== undefined) return sampled
    }
    const formatted = typeof schema.format === 'string' ? formats[schema.format] : undefined
    if (formatted !== undefined) return formatted
    const fitting = wordsByName.find(([pattern]) => pattern.test(name))?.[1]
    const words = this.#words.length > 0 ? this.#words.join(' and ') : 'a simulated answer'
    return fit(fitting ? this.#dice.pick(fitting) : words, schema)
  }

  #any(list: readonly unknown[]): unknown {
    return list[this.#dice.below(list.length)]
  }
}

/** Lengths count code points, as JSON Schema does. */
function fit(text: string, schema: Schema): string {
  const least = Math.min(Number(schema.minLength ?? 0), 10_000)
  let points = [...text]
  while (points.length < least) points = [...points, ...` ${text}`]
  const most = Number(schema.maxLength ?? Number.POSITIVE_INFINITY)
  return points.length <= most ? points.join('') : points.slice(0, most).join('')
}

function sampleNumber(schema: Schema, dice: Dice, whole: boolean): number {
  const step = Number(schema.multipleOf ?? (whole ? 1 : 0.5))
  const above = Number(schema.exclusiveMinimum ?? Number.NEGATIVE_INFINITY)
  const below = Number(schema.exclusiveMaximum ?? Number.POSITIVE_INFINITY)
  const given = { least: Number(schema.minimum ?? above), most: Number(schema.maximum ?? below) }
  const least = Number.isFinite(given.least) ? given.least : Math.min(0, given.most - 100 * step)
  const most = Number.isFinite(given.most) ? given.most : least + 100 * step
  const first = Math.ceil(Math.max(least, above) / step) + (Math.ceil(least / step) * step === above ? 1 : 0)
  const last = Math.floor(Math.min(most, below) / step) - (Math.floor(most / step) * step === below ? 1 : 0)
  if (first > last) return least + (most - least) / 2
  return Number(((first + dice.below(last - first + 1)) * step).toFixed(10))
}

function merge(one: Schema, other: Schema): Schema {
  const properties = { ...asSchema(one.properties), ...asSchema(other.properties) }
  const required = [one.required, other.required].flatMap(list => (Array.isArray(list) ? list : []))
  return {
    ...one,
    ...other,
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required: [...new Set(required)] } : {}),
  }
}

function asSchema(value: unknown): Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}
