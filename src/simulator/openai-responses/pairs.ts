import { ApiError, badRequest } from '../api-error.ts'
import { asText } from '../fields.ts'
import { missing } from '../openai/read.ts'
import { kindOf } from './item-checks.ts'
import { isSealed } from './sealed.ts'
import type { Item, ResponseStore } from './store.ts'

/**
 * What OpenAI refuses in an input whose items are good each by itself: an item twice, a call without its output, an
 * output without its call, reasoning without what followed it, and what followed it without the reasoning.
 */
export function checkPairs(
  before: readonly Item[],
  own: readonly Item[],
  { store, seed }: { store: ResponseStore; seed: number },
): ApiError | undefined {
  return (
    checkTwins(before, own) ?? checkReasoning(before, own, store, seed) ?? checkCalls([...before, ...own])
  )
}

function checkTwins(before: readonly Item[], own: readonly Item[]): ApiError | undefined {
  const seen = new Set(before.map(item => item.id))
  for (const { id } of own) {
    if (id === undefined || id === null) continue
    if (seen.has(id)) {
      return wrongInput(
        `Duplicate item found with id ${id}. Remove duplicate items from your input and try again.`,
      )
    }
    seen.add(id)
  }
  return undefined
}

function checkCalls(items: readonly Item[]): ApiError | undefined {
  const open = new Set<unknown>()
  const known = new Set<unknown>()
  for (const item of items) {
    const kind = kindOf(item)
    if (kind === 'function_call') {
      open.add(item.call_id)
      known.add(item.call_id)
    } else if (kind === 'function_call_output') {
      if (!known.has(item.call_id)) {
        return wrongInput(`No tool call found for function call output with call_id ${item.call_id}.`)
      }
      open.delete(item.call_id)
    }
  }
  const [lost] = open
  return lost === undefined ? undefined : wrongInput(`No tool output found for function call ${lost}.`)
}

function checkReasoning(
  before: readonly Item[],
  own: readonly Item[],
  store: ResponseStore,
  seed: number,
): ApiError | undefined {
  const present = new Set([...before, ...own].map(item => item.id))
  for (const [index, item] of own.entries()) {
    const mistake =
      kindOf(item) === 'reasoning'
        ? (checkSeal(item, index, store, seed) ?? checkFollower(item, own, index))
        : checkCompanion(item, present, store)
    if (mistake) return mistake
  }
  return undefined
}

/** Reasoning is known by its id, or it brings its content along. */
function checkSeal(item: Item, index: number, store: ResponseStore, seed: number): ApiError | undefined {
  const sealed = asText(item.encrypted_content)
  if (sealed === undefined) {
    const id = asText(item.id)
    if (id === undefined) return missing(`input[${index}].id`)
    return store.findItem(id) ? undefined : itemNotFound(id)
  }
  if (isSealed(seed, sealed)) return undefined
  return badRequest(
    `The encrypted content ${sealed.slice(0, 12)}… could not be verified.`,
    'invalid_encrypted_content',
  )
}

function checkFollower(item: Item, own: readonly Item[], index: number): ApiError | undefined {
  const next = own.slice(index + 1).find(one => kindOf(one) !== 'reasoning')
  const kind = next ? kindOf(next) : 'nothing'
  const isInput = kind === 'function_call_output' || (kind === 'message' && next?.role !== 'assistant')
  if (next && !isInput) return undefined
  return wrongInput(`Item '${item.id}' of type 'reasoning' was provided without its required following item.`)
}

function checkCompanion(
  item: Item,
  present: ReadonlySet<unknown>,
  store: ResponseStore,
): ApiError | undefined {
  const id = asText(item.id)
  const reasoning = id === undefined ? undefined : store.reasoningOf(id)
  if (reasoning === undefined || present.has(reasoning)) return undefined
  return wrongInput(
    `Item '${id}' of type '${item.type}' was provided without its required 'reasoning' item: '${reasoning}'.`,
  )
}

function wrongInput(message: string): ApiError {
  return badRequest(message, null, 'input')
}

export function itemNotFound(id: string): ApiError {
  return new ApiError({
    status: 404,
    type: 'invalid_request_error',
    code: null,
    message: `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false.`,
    param: 'input',
  })
}
