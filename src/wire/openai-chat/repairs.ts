import { isObject } from '../json-body.ts'

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
 * numbered from 0 or share a number, a name that is repeated with each piece, a stream that ends without a finish
 * reason. A chunk that needs nothing of this is left as it is.
 */
export class ChatRepairs {
  readonly #choices = new Map<number, ChoiceSeen>()
  #head: Json = {}

  /** True when the chunk was changed. */
  mend(chunk: Json): boolean {
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
    let mended = false
    if (!seen && typeof choice.delta.role !== 'string') {
      choice.delta = { role: 'assistant', ...choice.delta }
      mended = true
    }
    const { delta } = choice
    if (!isObject(delta) || !Array.isArray(delta.tool_calls)) return mended
    for (const call of delta.tool_calls) if (isObject(call) && mendCall(call, state)) mended = true
    return mended
  }
}

function mendCall(call: Json, { places, names, ids }: ChoiceSeen): boolean {
  const id = typeof call.id === 'string' && call.id !== '' ? call.id : undefined
  const before = places.get(call.index)
  const isNew = before === undefined || (id !== undefined && ids[before] !== undefined && ids[before] !== id)
  const known = id === undefined ? -1 : ids.indexOf(id)
  const place = known !== -1 ? known : isNew ? ids.length : before
  places.set(call.index, place)
  ids[place] ??= id
  let mended = false
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
