import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml'
import type { Problem } from './problem.ts'
import { type Environment, expandReferences, maskReferences } from './references.ts'
import { findMisspellings, refuseText } from './syntax.ts'

export type Path = readonly (string | number)[]

/** Stands for a value that was left to the environment, `${NAME:-}`, when there is none. */
export const leftOut = Symbol('left out')

/** The values of a text, for a schema to be held against. */
export interface Written {
  data: unknown
}

/** A configuration's text: what is written in it, and where. Collects what is wrong with it. */
export class Source {
  readonly problems: Problem[] = []
  readonly #file: string
  readonly #text: string
  #document: Document.Parsed | undefined

  constructor(file: string, text: string) {
    this.#file = file
    this.#text = text
  }

  /** The data, with references to the environment resolved; undefined when the text cannot be read as a map. */
  read(env: Environment): Written | undefined {
    const refused = refuseText(this.#text)
    if (refused) return this.#fail(refused.offset, refused.message)
    const { masked, unmask } = maskReferences(this.#text)
    const document = parseDocument(masked, { prettyErrors: false, uniqueKeys: true, merge: false })
    this.#document = document
    const { fatal, found } = findMisspellings(document)
    for (const { offset, message } of found) this.#add(offset, '', message)
    if (fatal) return undefined
    if (document.contents === null) return this.#fail(0, 'The file is empty.')
    if (!isMap(document.contents)) {
      return this.#fail(0, 'The file must be a map of sections, such as `providers:` and `models:`.')
    }
    this.#resolve(document, unmask, env)
    return this.#expandAliases(document)
  }

  /** Says what is wrong at a path; one thing at a time, the first. */
  report(path: Path, message: string, hint?: string, atKey = false): void {
    const name = renderPath(path)
    if (this.problems.some(known => known.path === name && name !== '')) return
    this.#add(this.#offsetOf(path, atKey), name, message, hint)
  }

  /** Whether anything was said of what stands at a path, or inside of it. */
  isFaulty(path: Path): boolean {
    const name = renderPath(path)
    return this.problems.some(
      ({ path: known }) => known === name || known.startsWith(`${name}.`) || known.startsWith(`${name}[`),
    )
  }

  #resolve(document: Document.Parsed, unmask: (part: string) => string, env: Environment): void {
    visit(document, {
      Pair: (_index, pair, parents) => {
        if (isScalar(pair.key) && typeof pair.key.value === 'string') pair.key.value = unmask(pair.key.value)
        const path = pathOf([...parents, pair])
        if (isScalar(pair.key) && pair.key.value === '<<') {
          this.#add(
            offsetOf(pair.key),
            renderPath(path),
            'Merge keys (`<<`) are not read; write the settings out.',
          )
          return visit.REMOVE
        }
        if (!isScalar(pair.value)) return undefined
        if (this.#resolveScalar(pair.value, path, unmask, env)) pair.value.value = leftOut
        return undefined
      },
      Scalar: (index, scalar, parents) => {
        if (typeof index === 'number') this.#resolveScalar(scalar, pathOf([...parents, scalar]), unmask, env)
      },
    })
  }

  /** True when the value was left to the environment, `${NAME:-}`, and there is none. */
  #resolveScalar(scalar: Scalar, path: Path, unmask: (part: string) => string, env: Environment): boolean {
    if (typeof scalar.value === 'number') {
      // More digits than a double holds: the text goes on, so that an amount of money stays exact.
      if (/^\d{0,20}\.\d+$/.test(scalar.source ?? '') && (scalar.source ?? '').length > 16)
        scalar.value = scalar.source
      return false
    }
    if (typeof scalar.value !== 'string') return false
    const text = unmask(scalar.value)
    const value = expandReferences(text, env, message =>
      this.#add(offsetOf(scalar), renderPath(path), message),
    )
    scalar.value = value
    return value === '' && /^\$\{\w+:-\}$/.test(text)
  }

  #expandAliases(document: Document.Parsed): Written | undefined {
    try {
      return { data: document.toJS({ maxAliasCount: 100 }) }
    } catch {
      return this.#fail(
        0,
        'The aliases (`*name`) in this file name no anchor, or expand to too much; write the settings out.',
      )
    }
  }

  /** Where a path stands, or as much of it as is written. */
  #offsetOf(path: Path, atKey: boolean): number {
    let node: unknown = this.#document?.contents
    let offset = 0
    for (const [depth, step] of path.entries()) {
      if (isAlias(node) && this.#document) node = node.resolve(this.#document)
      if (isMap(node)) {
        const pair = node.items.find(item => isScalar(item.key) && String(item.key.value) === String(step))
        if (!pair) break
        offset = offsetOf(pair.key)
        node = pair.value
        const isLast = depth === path.length - 1
        if (!(isLast && atKey) && isScalar(node) && node.value !== null) offset = offsetOf(node)
      } else if (isSeq(node)) {
        node = node.items[Number(step)]
        offset = offsetOf(node) || offset
      } else break
    }
    return offset
  }

  #fail(offset: number, message: string): undefined {
    this.#add(offset, '', message)
    return undefined
  }

  #add(offset: number, path: string, message: string, hint?: string): void {
    this.problems.push({ file: this.#file, ...this.#placeOf(offset), path, message, ...(hint && { hint }) })
  }

  #placeOf(offset: number): { line: number; column: number } {
    const before = this.#text.slice(0, offset)
    return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
  }
}

function offsetOf(node: unknown): number {
  return (isNode(node) && node.range?.[0]) || 0
}

/** The steps to the last of a chain of nodes, each inside the one before. */
function pathOf(chain: readonly unknown[]): Path {
  return chain.flatMap((node, index): Path => {
    if (isPair(node) && isScalar(node.key)) return [String(node.key.value)]
    return isSeq(node) && index + 1 < chain.length ? [node.items.indexOf(chain[index + 1])] : []
  })
}

function renderPath(path: Path): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index > 0 ? '.' : ''}${step}`))
    .join('')
}
