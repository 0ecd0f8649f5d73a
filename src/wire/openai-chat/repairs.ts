import { isObject, parseObject } from '../json-body.ts'
import { madeUpId } from './read-answer.ts'
import { readSpoken } from './spoken.ts'

type Json = Record<string, unknown>

interface ChoiceSeen {
  finished: boolean
  /** The provider's number of each call, as the place where SDKs shall find it. */
  places: Map<unknown, number>
  names: Set<number>
  ids: (string | undefined)[]
}

/**
 * Mends what official SDKs stumble over and some servers do: a first delta without its role, tool calls that are not
 * numbered from 0 or share a number, that lack an id or a type (Mistral), a name that is repeated with each piece, text
 * and thinking as a list (Mistral), the message so far beside each delta (Perplexity), no list of choices but null, a
 * stream that ends without a finish reason. A chunk that needs nothing of this is left as it is.
 */
export class ChatRepairs {
  readonly #choices = new Map<number, ChoiceSeen>()
  #head: Json = {}

  /** True when the chunk was changed. */
  mend(chunk: Json): boolean {
    if (chunk.choices === null) {
      chunk.choices = []
      return true
    }
    if (!Array.isArray(chunk.choices)) return false
    if (this.#choices.size === 0) {
      const { choices: _choices, usage: _usage, ...head } = chunk
      this.#head = head
    }
    let mended = false
    for (const choice of chunk.choices) if (isObject(choice) && this.#mendChoice(choice)) mended = true
    return mended
  }

  /** Every choice that has begun has had its finish reason. */
  get isFinished(): boolean {
    return this.#choices.size > 0 && [...this.#choices.values()].every(({ finished }) => finished)
  }

  /** Chunks that give every choice its finish reason; empty when all have theirs. */
  missingEnds(): string {
    let text = ''
    for (const [index, { finished, places }] of this.#choices) {
      if (finished) continue
      const finish_reason = places.size > 0 ? 'tool_calls' : 'stop'
      const choices = [{ index, delta: {}, finish_reason }]
      text += `data: ${JSON.stringify({ ...this.#head, choices })}\n\n`
    }
    return text
  }

  #mendChoice(choice: Json): boolean {
    const index = typeof choice.index === 'number' ? choice.index : 0
    const seen = this.#choices.get(index)
    const state = seen ?? { finished: false, places: new Map(), names: new Set(), ids: [] }
    if (!seen) this.#choices.set(index, state)
    if (typeof choice.finish_reason === 'string') state.finished = true
    if (!isObject(choice.delta)) return false
    let mended = mendContent(choice.delta)
    if (choice.message !== undefined) {
      delete choice.message
      mended = true
    }
    if (!seen && typeof choice.delta.role !== 'string') {
      choice.delta = { role: 'assistant', ...choice.delta }
      mended = true
    }
    const { delta } = choice
    if (!isObject(delta) || !Array.isArray(delta.tool_calls)) return mended
    for (const call of delta.tool_calls)
      if (isObject(call) && mendCall(call, state, this.#head.id)) mended = true
    return mended
  }
}

/** The same of a whole answer; undefined where there is nothing to mend. */
export function mendAnswer(body: Buffer): Buffer | undefined {
  // A native search for what is rare, so that most answers are not read again for it.
  if (!body.includes('"tool_calls"') && !body.includes('"thinking"') && !body.includes('"text"'))
    return undefined
  const answer = parseObject(body.toString())
  let mended = false
  for (const choice of Array.isArray(answer?.choices) ? answer.choices : []) {
    const message = isObject(choice) && isObject(choice.message) ? choice.message : {}
    if (mendContent(message)) mended = true
    const calls = Array.isArray(message.tool_calls) ? message.tool_calls : []
    for (const [place, call] of calls.entries())
      if (isObject(call) && completeCall(call, place, answer?.id)) mended = true
  }
  return mended ? Buffer.from(JSON.stringify(answer)) : undefined
}

/** Text and thinking in a list, as the fields that SDKs know; a list with anything else in it stays. */
function mendContent(said: Json): boolean {
  const { content } = said
  if (!Array.isArray(content) || !content.every(isSpoken)) return false
  const { text, reasoning } = readSpoken({ content })
  said.content = text === '' && reasoning !== '' ? null : text
  if (reasoning !== '') said.reasoning_content = reasoning
  return true
}

function isSpoken(part: unknown): boolean {
  return isObject(part) && (part.type === 'text' || part.type === 'thinking')
}

/** What SDKs will not do without, and what a result has to name. */
function completeCall(call: Json, place: number, answerId: unknown): boolean {
  const lacksId = typeof call.id !== 'string' || call.id === ''
  const lacksType = typeof call.type !== 'string' && isObject(call.function)
  if (lacksId) call.id = madeUpId(String(answerId ?? '').replace(/\W/g, ''), place)
  if (lacksType) call.type = 'function'
  return lacksId || lacksType
}

function mendCall(call: Json, { places, names, ids }: ChoiceSeen, answerId: unknown): boolean {
  const id = typeof call.id === 'string' && call.id !== '' ? call.id : undefined
  const before = places.get(call.index)
  const isNew = before === undefined || (id !== undefined && ids[before] !== undefined && ids[before] !== id)
  const known = id === undefined ? -1 : ids.indexOf(id)
  const place = known !== -1 ? known : isNew ? ids.length : before
  places.set(call.index, place)
  const isFirst = place === ids.length
  let mended = isFirst && completeCall(call, place, answerId)
  if (isFirst) ids[place] = id
  else ids[place] ??= id
  if (!isFirst && call.id === '') {
    delete call.id
    mended = true
  }
  if (call.index !== place) {
    call.index = place
    mended = true
  }
  const fn = call.function
  if (!isObject(fn) || typeof fn.name !== 'string' || fn.name === '') return mended
  if (names.has(place)) {
    const { name: _repeated, ...rest } = fn
    call.function = rest
    return true
  }
  names.add(place)
  return mended
}
