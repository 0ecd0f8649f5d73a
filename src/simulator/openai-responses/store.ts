import type { Body } from '../dialect.ts'
import { asText } from '../fields.ts'

/** An item of a response's input or output, in its own shape and with its id. */
export type Item = Body

/** What is remembered of a response. */
export interface Kept {
  id: string
  /** The response object, as JSON. */
  text: string
  /** All that the model was shown, instructions aside: what earlier responses brought, and this one's own input. */
  input: readonly Item[]
  output: readonly Item[]
}

const maxResponses = 1000
/** Characters of JSON, about; a long conversation counts with each of its responses. */
const maxChars = 64 * 1024 * 1024

/** The responses of one simulator, the latest ones: for whom they were made is not asked, as no key is. */
export class ResponseStore {
  readonly #kept = new Map<string, { response: Kept; chars: number }>()
  readonly #items = new Map<string, { item: Item; owner: Kept }>()
  #chars = 0

  keep(response: Kept): void {
    this.drop(response.id)
    const chars = response.text.length + JSON.stringify(response.input).length
    if (chars > maxChars) return // rather this one than all others
    this.#kept.set(response.id, { response, chars })
    this.#chars += chars
    for (const item of [...response.input, ...response.output]) {
      const id = asText(item.id)
      if (id !== undefined && !this.#items.has(id)) this.#items.set(id, { item, owner: response })
    }
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= maxResponses && this.#chars <= maxChars) return
      this.drop(oldest)
    }
  }

  find(id: string): Kept | undefined {
    return this.#kept.get(id)?.response
  }

  /** Says whether there was one. */
  drop(id: string): boolean {
    const kept = this.#kept.get(id)
    if (!kept) return false
    this.#kept.delete(id)
    this.#chars -= kept.chars
    for (const item of [...kept.response.input, ...kept.response.output]) {
      const itemId = asText(item.id) ?? ''
      if (this.#items.get(itemId)?.owner === kept.response) this.#items.delete(itemId)
    }
    return true
  }

  findItem(id: string): Item | undefined {
    return this.#items.get(id)?.item
  }

  /** The id of the reasoning that an item was made with, if it was made here and with any. */
  reasoningOf(id: string): string | undefined {
    const output = this.#items.get(id)?.owner.output ?? []
    if (!output.some(item => item.id === id && item.type !== 'reasoning')) return undefined
    return asText(output.find(item => item.type === 'reasoning')?.id)
  }
}
