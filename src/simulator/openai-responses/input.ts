import { ApiError, badRequest } from '../api-error.ts'
import type { Turn } from '../conversation.ts'
import type { Body } from '../dialect.ts'
import { asBody, asList, asText } from '../fields.ts'
import { isA } from '../openai/read.ts'
import { itemId } from './ids.ts'
import { checkItem, kindOf } from './item-checks.ts'
import { checkPairs, itemNotFound } from './pairs.ts'
import type { Item, ResponseStore } from './store.ts'

interface Reader {
  store: ResponseStore
  seed: number
  /** Of the response that is being made; new items get their ids from it. */
  responseId: string
}

/** All that the model is shown, instructions aside, each item with its id; or what is wrong with it. */
export function readInput(body: Body, reader: Reader): readonly Item[] | ApiError {
  const before = readHistory(body, reader.store)
  if (before instanceof ApiError) return before
  if ((body.input === undefined || body.input === null) && before.length === 0) {
    return badRequest(
      "One of 'input', 'previous_response_id', 'prompt' or 'conversation' must be provided.",
      'missing_required_parameter',
      'input',
    )
  }
  const wrong = isA('string', 'array')(body.input ?? [], 'input')
  if (wrong) return wrong
  const own = readItems(body.input, reader)
  if (own instanceof ApiError) return own
  const mistake = checkPairs(before, own, reader)
  return mistake ?? [...before, ...own.map((item, index) => complete(item, reader.responseId, index))]
}

/** What an earlier response was shown, and what it answered. Its instructions are not carried over. */
function readHistory(body: Body, store: ResponseStore): readonly Item[] | ApiError {
  const id = asText(body.previous_response_id)
  if (id === undefined) return []
  const previous = store.find(id)
  if (previous) return [...previous.input, ...previous.output]
  return badRequest(
    `Previous response with id '${id}' not found.`,
    'previous_response_not_found',
    'previous_response_id',
  )
}

function readItems(input: unknown, { store }: Reader): readonly Item[] | ApiError {
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: input }]
  const items: Item[] = []
  for (const [index, value] of asList(input).entries()) {
    const mistake = checkItem(value, `input[${index}]`)
    if (mistake) return mistake
    const item = asBody(value)
    if (kindOf(item) !== 'item_reference') {
      items.push(item)
      continue
    }
    const meant = store.findItem(String(item.id))
    if (!meant) return itemNotFound(String(item.id))
    items.push(meant)
  }
  return items
}

/** The item as it is listed afterwards: with its type, an id, a status, and content as parts. */
function complete(item: Item, responseId: string, index: number): Item {
  const type = kindOf(item)
  switch (type) {
    case 'message':
      return {
        status: 'completed',
        ...item,
        id: item.id ?? itemId('msg', responseId, 'in', index),
        type,
        content: asParts(item),
      }
    case 'function_call':
    case 'function_call_output':
      return { status: 'completed', ...item, id: item.id ?? itemId('fc', responseId, 'in', index), type }
    case 'reasoning':
      return { ...item, id: item.id ?? itemId('rs', responseId, 'in', index), type }
    default:
      return item
  }
}

function asParts({ role, content }: Item): unknown {
  if (typeof content !== 'string') return content
  return role === 'assistant'
    ? [{ type: 'output_text', text: content, annotations: [], logprobs: [] }]
    : [{ type: 'input_text', text: content }]
}

/** An item as something that was said, to be counted. */
export function asTurn(item: Item): Turn {
  const bare = { text: '', calls: '', attachments: 0, fromUser: false }
  switch (item.type) {
    case 'message':
      return { ...bare, ...readParts(item.content), role: String(item.role), fromUser: item.role === 'user' }
    case 'function_call':
      return { ...bare, role: 'assistant', calls: JSON.stringify([item.call_id, item.name, item.arguments]) }
    case 'function_call_output':
      return { ...bare, ...readParts(item.output), role: 'tool' }
    case 'reasoning':
      return { ...bare, ...readParts(item.summary), role: 'reasoning' }
    default:
      return { ...bare, role: String(item.type), calls: JSON.stringify(item) }
  }
}

function readParts(content: unknown): { text: string; attachments: number } {
  if (typeof content === 'string') return { text: content, attachments: 0 }
  const parts = asList(content).map(asBody)
  const texts = parts.flatMap(part => asText(part.text) ?? asText(part.refusal) ?? [])
  return { text: texts.join('\n'), attachments: parts.length - texts.length }
}
