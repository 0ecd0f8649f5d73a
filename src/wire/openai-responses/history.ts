import { isObject } from '../json-body.ts'
import { isOurs, itemId } from './ids.ts'

type Json = Readonly<Record<string, unknown>>

/** How a seal of another dialect begins, in the text of a body (`writeSignature`). */
const foreignSeal = 'sluice1:'

/** Whether a body may carry what only we, or another dialect, can read. */
export function hasForeignThoughts(json: Buffer): boolean {
  if (json.includes(foreignSeal)) return true
  return json.includes('"rs_') && /"rs_[0-9a-f]{32}_\d+"/.test(json.toString('latin1'))
}

/** A caller's own items as they are, but for the thoughts and seals that no provider of this dialect made. */
export function withoutForeignThoughts(items: readonly unknown[]): unknown[] {
  return items.flatMap(item => {
    if (!isObject(item)) return [item]
    if (item.type === 'reasoning') return isForeignThought(item) ? [] : [item]
    const { encrypted_content: sealed, ...rest } = item
    const kept = isForeignSeal(sealed) ? rest : item
    return [Array.isArray(kept.content) ? { ...kept, content: kept.content.map(partForProvider) } : kept]
  })
}

function isForeignSeal(sealed: unknown): boolean {
  return typeof sealed === 'string' && sealed.startsWith(foreignSeal)
}

function isForeignThought({ id, encrypted_content: sealed }: Json): boolean {
  return isForeignSeal(sealed) || (isOurs(id) && (typeof sealed !== 'string' || sealed === ''))
}

/**
 * Items as a provider of this dialect takes them back: without the ids that it cannot know, without what other
 * dialects sealed, without what an answer says of itself and an input may not.
 */
export function itemsForProvider(items: readonly unknown[]): unknown[] {
  return items.flatMap((item, index) => {
    if (!isObject(item)) return [item]
    if (item.type === 'reasoning') return thoughtForProvider(item, items[index + 1])
    return [withoutTraces(item)]
  })
}

/** A thought that neither carries itself nor has what it led to behind it is refused: it goes. */
function thoughtForProvider(item: Json, next: unknown): Json[] {
  const { status: _status, encrypted_content: sealed, id, ...rest } = item
  const own = typeof sealed === 'string' && sealed !== '' && !isForeignSeal(sealed)
  if (own) return [{ ...withoutNulls(rest), encrypted_content: sealed }]
  if (typeof id !== 'string' || isOurs(id) || typeof sealed === 'string' || !isFollower(next)) return []
  return [{ id, ...withoutNulls(rest) }]
}

function isFollower(item: unknown): boolean {
  if (!isObject(item)) return false
  return item.type === 'message' ? item.role === 'assistant' : /_call$|^reasoning$/.test(String(item.type))
}

/** Types that may be given back without an id. */
const idFree = /^(message|function_call|function_call_output|custom_tool_call|custom_tool_call_output)$/

function withoutTraces(item: Json): Json {
  const { created_by: _by, parsed_arguments: _parsed, ...kept } = item
  if (!idFree.test(String(item.type ?? 'message'))) return kept
  const { id: _id, encrypted_content: _seal, ...plain } = kept
  const rest = withoutNulls(plain)
  return Array.isArray(rest.content) ? { ...rest, content: rest.content.map(partForProvider) } : rest
}

function partForProvider(part: unknown): unknown {
  if (!isObject(part)) return part
  const { encrypted_content: _seal, parsed: _parsed, ...rest } = part
  return rest
}

function withoutNulls(item: Json): Json {
  return Object.fromEntries(Object.entries(item).filter(([, value]) => value !== null))
}

/** A request's input as items to be kept, each with an id. */
export function inputItems(input: unknown, hex: string): unknown[] {
  const items: readonly unknown[] =
    typeof input === 'string' ? [{ role: 'user', content: input }] : Array.isArray(input) ? input : []
  return items.map((item, number) =>
    isObject(item) ? keptItem(item, itemId(prefixOf(item), hex, number)) : item,
  )
}

function keptItem(item: Json, id: string): Json {
  const kept = { id, ...item, type: item.type ?? (item.role === undefined ? 'item_reference' : 'message') }
  if (kept.id === null) kept.id = id
  if (kept.type !== 'message') return kept
  const { role, content } = item
  const text = role === 'assistant' ? { type: 'output_text', annotations: [] } : { type: 'input_text' }
  return {
    status: 'completed',
    ...kept,
    content: typeof content === 'string' ? [{ ...text, text: content }] : content,
  }
}

function prefixOf({ type }: Json): string {
  switch (type) {
    case 'function_call':
      return 'fc'
    case 'function_call_output':
      return 'fco'
    case 'custom_tool_call':
      return 'ctc'
    case 'custom_tool_call_output':
      return 'ctco'
    case 'reasoning':
      return 'rs'
    case undefined:
    case null:
    case 'message':
      return 'msg'
    default:
      return 'item'
  }
}
