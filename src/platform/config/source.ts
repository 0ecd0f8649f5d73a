import { isMap, parseDocument } from 'yaml'
import type { Problem } from './problem.ts'
import { type Environment, maskReferences } from './references.ts'
import { findMisspellings, refuseText } from './syntax.ts'
import { type Path, type Place, readValues } from './values.ts'

/** The values of a text, for a schema to be held against. */
export interface Written {
  data: unknown
}

export interface Finding {
  path: Path
  message: string
  hint?: string | undefined
  /** The name is at fault, not the value. */
  atKey?: boolean
  /** What is written there could be anything, such as a secret in the wrong place. */
  isStray?: boolean
}

/** More than anybody reads at once. */
const mostProblems = 100

/** A configuration's text: what is written in it, and where. Collects what is wrong with it. */
export class Source {
  readonly problems: Problem[] = []
  readonly #file: string
  readonly #text: string
  readonly #places = new Map<string, Place>()
  /** Rendered paths of what is wrong, and of all that it is inside of. */
  readonly #wrong = new Set<string>()
  readonly #faulty = new Set<string>()

  constructor(file: string, text: string) {
    this.#file = file
    this.#text = text
  }

  /** The data, with references to the environment resolved; undefined when the text cannot be read as a map. */
  read(env: Environment): Written | undefined {
    const refused = refuseText(this.#text)
    if (refused) return this.#fail(refused.offset, refused.message)
    const { masked, unmask } = maskReferences(this.#text)
    const document = parseDocument(masked, {
      prettyErrors: false,
      schema: 'core', // whatever version a `%YAML` line asks for
      resolveKnownTags: false,
      uniqueKeys: false, // YAML's own check takes the square of their number
      merge: false,
    })
    const { fatal, found } = findMisspellings(document)
    for (const { offset, message } of found) this.#add({ path: [], message }, offset)
    if (fatal) return undefined
    const { contents } = document
    if (contents === null || (contents.range[0] === contents.range[1] && !isMap(contents)))
      return this.#fail(0, 'The file is empty.')
    if (!isMap(contents))
      return this.#fail(0, 'The file must be a map of sections, such as `providers:` and `models:`.')
    const data = readValues(contents, {
      env,
      unmask,
      found: (path, place) => this.#places.set(JSON.stringify(path), place),
      wrong: (path, offset, message) => this.#add({ path, message }, offset),
    })
    if (data === undefined)
      return this.#fail(0, 'This comes to more than 100,000 values, aliases (`*name`) written out.')
    return { data }
  }

  /** Says what is wrong at a path; one thing at a time, the first. */
  report(finding: Finding): void {
    if (this.#wrong.has(renderPath(finding.path))) return
    const { name, value } = this.#placeOf(finding.path)
    this.#add(finding, finding.atKey ? name : value)
  }

  /** Whether anything was said of what stands at a path, or inside of it. */
  isFaulty(path: Path): boolean {
    return this.#faulty.has(renderPath(path))
  }

  /** Where a path stands, or as much of it as is written. */
  #placeOf(path: Path): Place {
    const place = this.#places.get(JSON.stringify(path))
    if (place) return place
    if (path.length === 0) return { name: 0, value: 0 }
    return this.#placeOf(path.slice(0, -1))
  }

  #fail(offset: number, message: string): undefined {
    this.#add({ path: [], message }, offset)
    return undefined
  }

  #add({ path, message, hint, atKey, isStray }: Finding, offset: number): void {
    if (path.length > 0) this.#wrong.add(renderPath(path))
    for (const depth of path.keys()) this.#faulty.add(renderPath(path.slice(0, depth + 1)))
    if (this.problems.length >= mostProblems) return
    const { line, column } = this.#lineOf(offset)
    this.problems.push({
      file: this.#file,
      line,
      column,
      path: renderPath(path),
      message,
      ...(hint && { hint }),
      ...(isStray && { shownColumns: column - 1 + (atKey ? String(path.at(-1)).length + 1 : 0) }),
    })
  }

  #lineOf(offset: number): { line: number; column: number } {
    const before = this.#text.slice(0, offset)
    return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
  }
}

export function renderPath(path: Path): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index > 0 ? '.' : ''}${step}`))
    .join('')
}
