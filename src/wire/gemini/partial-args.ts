import { isObject } from '../json-body.ts'

type Node = Record<string, unknown> | unknown[]

/** A list that a provider fills in may grow to this length. */
const mostItems = 100_000

/**
 * Puts the arguments of a call together that come in pieces, each a value at a JSON path (`PartialArg` of the
 * Vertex AI API): `$.where`, `$.days[0]['full name']`. A text may come in several; a piece without a value ends one, or stands
 * for an empty object, or with `[]` at the end of its path for an empty list. A path that leads nowhere is passed
 * over.
 */
export function addPartialArg(root: Record<string, unknown>, piece: unknown): void {
  if (!isObject(piece) || typeof piece.jsonPath !== 'string') return
  const isList = piece.jsonPath.endsWith('[]')
  const steps = readPath(isList ? piece.jsonPath.slice(0, -2) : piece.jsonPath)
  const last = steps?.pop()
  if (!steps || last === undefined) return
  let node: Node | undefined = root
  for (const [i, step] of steps.entries()) node = node && enter(node, step, steps[i + 1] ?? last)
  if (!node || !fits(node, last)) return
  const before = read(node, last)
  const value = pieceValue(piece)
  if (value !== undefined)
    write(node, last, typeof before === 'string' && typeof value === 'string' ? before + value : value)
  else if (before === undefined && piece.willContinue !== true) write(node, last, isList ? [] : {})
}

function pieceValue(piece: Record<string, unknown>): unknown {
  const { stringValue, numberValue, boolValue } = piece
  if (typeof stringValue === 'string') return stringValue
  if (typeof numberValue === 'number') return numberValue
  if (typeof boolValue === 'boolean') return boolValue
  return 'nullValue' in piece ? null : undefined
}

function readPath(path: string): (string | number)[] | undefined {
  if (!path.startsWith('$')) return undefined
  const steps: (string | number)[] = []
  let at = 1
  const step = /\.([^.[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y
  while (at < path.length) {
    step.lastIndex = at
    const [whole, name, index, single, double] = step.exec(path) ?? []
    if (whole === undefined) return undefined
    steps.push(index === undefined ? (name ?? plain(single ?? double ?? '')) : Number(index))
    at += whole.length
  }
  return steps
}

function plain(text: string): string {
  return text.replace(/\\(.)/gs, '$1')
}

/** A list is filled in order: a place past its end would leave holes. */
function fits(node: Node, step: string | number): boolean {
  if (!Array.isArray(node)) return typeof step === 'string'
  return typeof step === 'number' && step <= node.length && step < mostItems
}

function enter(node: Node, step: string | number, next: string | number): Node | undefined {
  if (!fits(node, step)) return undefined
  const inner = read(node, step)
  if (Array.isArray(inner) || isObject(inner)) return inner
  if (inner !== undefined) return undefined
  const made: Node = typeof next === 'number' ? [] : {}
  write(node, step, made)
  return made
}

function read(node: Node, step: string | number): unknown {
  return Object.hasOwn(node, step) ? Reflect.get(node, step) : undefined
}

/** Defined, not assigned: a model may call a field `__proto__`. */
function write(node: Node, step: string | number, value: unknown): void {
  Object.defineProperty(node, step, { value, writable: true, enumerable: true, configurable: true })
}
