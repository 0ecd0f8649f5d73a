import { isAlias, isMap, isNode, isScalar, isSeq, type Scalar, type YAMLMap } from 'yaml'
import { type Environment, expandReferences } from './references.ts'

export type Path = readonly (string | number)[]

/** Where a value begins, and where its name does; in a list, the same. As offsets into the text. */
export interface Place {
  name: number
  value: number
}

export interface Reading {
  env: Environment
  /** Puts back the references that were hidden from YAML. */
  unmask(part: string): string
  /** Called for everything that is written, before what is inside of it. */
  found(path: Path, place: Place): void
  wrong(path: Path, offset: number, message: string): void
}

/** Stands for a value that was left to the environment, `${NAME:-}`, when there is none. */
export const leftOut = Symbol('left out')

/** Far more than any configuration has. Aliases of aliases could come to more than memory holds. */
const mostValues = 100_000

/**
 * The values that YAML's nodes stand for. Every alias becomes a copy of its own, so that nothing is shared by two
 * places of a configuration; references to the environment are resolved. Undefined when they come to too many.
 */
export function readValues(contents: unknown, reading: Reading): unknown {
  const reader = new ValueReader(reading)
  const values = reader.read(contents, [])
  return reader.isOverfull ? undefined : values
}

class ValueReader {
  readonly #reading: Reading
  readonly #anchors = new Map<string, unknown>()
  /** What is being read, outermost first: an alias of one of these would never end. */
  readonly #open = new Set<unknown>()
  #aliases = 0
  #values = 0

  constructor(reading: Reading) {
    this.#reading = reading
  }

  get isOverfull(): boolean {
    return this.#values > mostValues
  }

  read(node: unknown, path: Path): unknown {
    this.#values += 1
    if (this.isOverfull) return null
    if (isAlias(node)) return this.#readAlias(node.source, offsetOf(node), path)
    if (isNode(node) && node.anchor !== undefined && this.#aliases === 0) this.#anchors.set(node.anchor, node)
    if (isScalar(node)) return this.#readScalar(node, path)
    this.#open.add(node)
    const value = isMap(node)
      ? this.#readMap(node, path)
      : isSeq(node)
        ? this.#readList(node.items, path)
        : null
    this.#open.delete(node)
    return value
  }

  #readAlias(name: string, offset: number, path: Path): unknown {
    const node = this.#anchors.get(name)
    if (node === undefined || this.#open.has(node)) {
      const message = node
        ? 'This alias stands inside of what it names.'
        : 'There is no anchor of this name above. Text that begins with `*` needs quotes.'
      this.#reading.wrong(path, offset, message)
      return null
    }
    this.#aliases += 1
    const value = this.read(node, path)
    this.#aliases -= 1
    return value
  }

  #readMap(map: YAMLMap, path: Path): unknown {
    const record = {}
    for (const { key, value } of map.items) {
      const name = this.#readName(key, value, path)
      if (name === undefined) continue
      const inner = [...path, name]
      if (Object.hasOwn(record, name)) {
        this.#reading.wrong(inner, offsetOf(key), 'This name stands here twice.')
        continue
      }
      const isShort = isAlias(value) || (isScalar(value) && value.value !== null)
      this.#reading.found(inner, { name: offsetOf(key), value: offsetOf(isShort ? value : key) })
      define(record, name, this.read(value, inner))
    }
    return record
  }

  /** Undefined when it is none, which has been said. */
  #readName(key: unknown, value: unknown, path: Path): string | undefined {
    const refuse = (name: string, message: string): undefined => {
      this.#reading.wrong(name === '' ? path : [...path, name], offsetOf(key), message)
    }
    if (!isScalar(key) || key.value === null)
      return refuse('', 'A name is missing here, or is not plain text.')
    const name = typeof key.value === 'string' ? this.#reading.unmask(key.value) : (key.source ?? '')
    if (name === '<<') return refuse(name, 'Merge keys (`<<`) are not read; write the settings out.')
    if (name.includes('${')) return refuse(name, 'References to the environment are not read in names.')
    const colon = name.indexOf(':')
    const isAlone = value === null || (isScalar(value) && value.value === null)
    // What follows the colon is a value, and may be a secret: it must not be told as a name.
    if (colon > 0 && isAlone) return refuse(name.slice(0, colon), 'A space is missing after the colon.')
    return name
  }

  #readList(items: readonly unknown[], path: Path): unknown {
    return items.map((item, index) => {
      const inner = [...path, index]
      this.#reading.found(inner, { name: offsetOf(item), value: offsetOf(item) })
      return this.read(item, inner)
    })
  }

  #readScalar({ value, source = '', range }: Scalar, path: Path): unknown {
    if (typeof value === 'number') return isExact(value, source) ? value : source
    if (typeof value !== 'string') return value
    const text = this.#reading.unmask(value)
    const expanded = expandReferences(text, this.#reading.env, message =>
      this.#reading.wrong(path, range?.[0] ?? 0, message),
    )
    return expanded === '' && /^\$\{\w+:-\}$/.test(text) ? leftOut : expanded
  }
}

/** Otherwise its text goes on: more digits than a double holds, which may be an amount of money; or no number at all. */
function isExact(value: number, source: string): boolean {
  return Number.isFinite(value) && !(/^\d*\.\d+$/.test(source) && source.length > 16)
}

function offsetOf(node: unknown): number {
  return (isNode(node) && node.range?.[0]) || 0
}

/** Not an assignment: one to `__proto__` would not make a setting of that name. */
export function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true })
}
