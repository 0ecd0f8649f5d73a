import type { ChatEvent, ProviderError } from '#exchange'
import { readBill } from '../bill.ts'
import { isObject } from '../json-body.ts'
import { readOpenAiError } from '../openai/error.ts'
import { readSearchedUsage } from '../openai/usage.ts'
import type { SseEvent } from '../sse.ts'
import { SseReader } from '../sse-reader.ts'
import { readFailedResponse, readFinish } from './finish.ts'
import { ItemReader } from './item-reader.ts'
import { textOf } from './read-answer.ts'

type Json = Readonly<Record<string, unknown>>

interface ItemEvent {
  index: number
  type: string
  json: Json
}

/**
 * Reads a stream of response events. Items come one after the other; where a server mixes them, what belongs to a
 * later one waits until the open one is done. The last event repeats the whole response: what of it was never
 * streamed is told then.
 */
export class ResponsesReader extends SseReader {
  #started = false
  #open: ItemReader | undefined
  readonly #done = new Set<number>()
  /** Items that were told; some servers give several the same number. */
  #items = 0
  #waiting: ItemEvent[] = []
  #hasCalls = false

  protected read(event: SseEvent): ChatEvent[] {
    if (event.data === undefined) return []
    if (event.data.startsWith('[DONE]')) throw new SyntaxError('an end mark before the end')
    const json: unknown = JSON.parse(event.data)
    if (!isObject(json)) throw new SyntaxError('an event that is no object')
    const out: ChatEvent[] = []
    this.#take(textOf(json.type) ?? event.type, json, out)
    return out
  }

  #take(type: string, json: Json, out: ChatEvent[]): void {
    const error = readFailure(type, json)
    if (error) {
      out.push({ type: 'error', error })
      return
    }
    const response = isObject(json.response) ? json.response : {}
    switch (type) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        this.#start(response, out)
        return
      case 'response.completed':
      case 'response.incomplete':
      case 'response.done': // xAI's word, by the parser of Vercel's @ai-sdk/xai
        if (!isObject(json.response)) throw new SyntaxError('a last event without its response')
        this.#end({ ...response, status: response.status ?? statusOf(type) }, out)
        return
      case 'keepalive':
        return
      default:
        this.#takeItem(type, json, out)
    }
  }

  #takeItem(type: string, json: Json, out: ChatEvent[]): void {
    const index = json.output_index
    if (typeof index !== 'number') {
      this.skipped += 1
      return
    }
    this.#start({}, out)
    this.#pass({ index, type, json }, out)
    this.#passWaiting(out)
  }

  #start(response: Json, out: ChatEvent[]): void {
    if (this.#started) return
    this.#started = true
    const [id, model] = [textOf(response.id), textOf(response.model)]
    // The service tier of a response that begins is what was asked for, not yet what it is served with.
    out.push({ type: 'start', ...(id !== undefined && { id }), ...(model !== undefined && { model }) })
  }

  #pass(event: ItemEvent, out: ChatEvent[]): void {
    const { index, type, json } = event
    if (type === 'response.output_item.added') this.#done.delete(index)
    else if (this.#done.has(index)) return
    this.#open ??= new ItemReader(index)
    if (this.#open.index !== index) {
      this.#waiting.push(event)
      return
    }
    if (!this.#open.take(type, json, out)) this.skipped += 1
    if (type !== 'response.output_item.done') return
    this.#hasCalls ||= this.#open.isCall
    this.#done.add(index)
    this.#items += 1
    this.#open = undefined
  }

  #passWaiting(out: ChatEvent[]): void {
    while (!this.#open && this.#waiting.length > 0) {
      const waiting = this.#waiting
      this.#waiting = []
      for (const event of waiting) this.#pass(event, out)
    }
  }

  #end(response: Json, out: ChatEvent[]): void {
    this.#start(response, out)
    const output = Array.isArray(response.output) ? response.output : []
    const finish = (index: number): void => {
      this.#pass({ index, type: 'response.output_item.done', json: { item: output[index] } }, out)
      this.#passWaiting(out)
    }
    while (this.#open) finish(this.#open.index)
    if (this.#items < output.length)
      for (const index of output.keys()) if (!this.#done.has(index)) finish(index)
    out.push({ type: 'finish', choice: 0, finish: readFinish(response, this.#hasCalls) })
    const usage = readSearchedUsage(response)
    const bill = readBill(response.usage)
    if (usage) out.push({ type: 'usage', usage, ...(bill && { bill }) })
    const serviceTier = textOf(response.service_tier)
    out.push({ type: 'end', ...(serviceTier !== undefined && { serviceTier }) })
  }
}

function statusOf(type: string): string {
  return type === 'response.incomplete' ? 'incomplete' : 'completed'
}

/**
 * An error that ends a stream: `error` as the API sends it (nested) and as its description has it (flat), a response
 * that failed or was cancelled, or the bare error object of a server in between.
 */
export function readFailure(type: string, json: Json): ProviderError | undefined {
  if (type === 'error') return readOpenAiError(json) ?? readFlatError(json)
  if (type === 'response.failed' || type === 'response.cancelled') {
    const error = isObject(json.response) ? readOpenAiError(json.response) : undefined
    return (
      error ?? { code: type.slice('response.'.length), type: undefined, param: undefined, message: undefined }
    )
  }
  // Whatever the event is called: a response that has failed is not completed.
  if (type.startsWith('response.'))
    return isObject(json.response) ? readFailedResponse(json.response) : undefined
  return readOpenAiError(json)
}

function readFlatError({ code, param, message }: Json): ProviderError {
  return {
    code: typeof code === 'number' ? String(code) : textOf(code),
    type: undefined,
    param: textOf(param),
    message: textOf(message),
  }
}
