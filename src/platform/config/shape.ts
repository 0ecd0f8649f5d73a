import type { Bounds, QuantityKind } from './quantities.ts'

/** A schema as what walks it sees it: JSON Schema's keywords, and a few of our own. */
export interface Shape extends Bounds {
  type?: string
  description?: string
  default?: unknown
  properties?: Readonly<Record<string, Shape>>
  required?: readonly string[]
  patternProperties?: Readonly<Record<string, Shape>>
  items?: Shape
  enum?: readonly string[]
  pattern?: string
  minimum?: number
  maximum?: number
  minLength?: number
  minItems?: number
  quantity?: QuantityKind
  /** Words for a value that does not match `pattern`. */
  patternHint?: string
  /** Words for a name that does not match the pattern of the map it stands in. */
  nameHint?: string
  /** What stands for such a name in the reference page. */
  placeholder?: string
  /** Of a list: a single value instead of it is a list of one. */
  orOne?: boolean
  /** Of a map: a single word instead of it is the value of this setting. */
  word?: string
  /** Not in this version: the sentence to refuse it with. */
  later?: string
}

/** Shape of what stands under each name of a map. */
export function shapeOfEach(shape: Shape): Shape | undefined {
  return Object.values(shape.patternProperties ?? {})[0]
}
