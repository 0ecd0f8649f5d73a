import type { AnswerPart, ChatEvent, TokenLogprob } from '#exchange'
import { unfoldAnswer } from '../fold.ts'
import { isObject } from '../json-body.ts'
import { readAnnotation, readAnnotations, readLogprobs } from './annotations.ts'
import {
  itemLogprobs,
  readCall,
  readContent,
  readItem,
  readSeal,
  readThought,
  textOf,
  thoughtSignature,
} from './read-answer.ts'

type Json = Readonly<Record<string, unknown>>

/** A part of a message that is being said. */
interface Content {
  index: number
  type: 'text' | 'refusal' | 'other'
  /** Characters that were told. */
  told: number
  cited: number
  logprobs: boolean
}

/**
 * Reads the events of one item of the output, from `output_item.added` to `.done`. Servers leave out what they
 * please: pieces, the beginnings and ends of parts, all but the finished item. What a finished part or item has more
 * than its pieces told is told then, so that nothing is lost and nothing is said twice.
 */
export class ItemReader {
  readonly index: number
  #kind: 'unknown' | 'message' | 'thought' | 'call' | 'other' = 'unknown'
  #custom = false
  /** Its part has begun: of a thought, or a tool call. */
  #begun = false
  #told = 0
  #summary = ''
  #content: Content | undefined
  /** Parts of a message that are told to their end. */
  readonly #over = new Set<number>()

  constructor(index: number) {
    this.index = index
  }

  get isCall(): boolean {
    return this.#kind === 'call'
  }

  /** Whether the event is known; what it means is added to `out`. */
  take(type: string, json: Json, out: ChatEvent[]): boolean {
    switch (type) {
      case 'response.output_text.delta':
        this.#say('text', json, out)
        return true
      case 'response.refusal.delta':
        this.#say('refusal', json, out)
        return true
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        this.#argue(textOf(json.delta) ?? '', out)
        return true
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        this.#think(type, json, out)
        return true
      case 'response.output_text.annotation.added':
        this.#cite(json, out)
        return true
      case 'response.output_item.added':
        if (isObject(json.item)) this.#begin(json.item, out)
        return true
      case 'response.content_part.added':
        if (isObject(json.part)) this.#openContent(contentIndex(json), contentType(json.part), out)
        return true
      case 'response.output_text.done':
        this.#sayRest('text', textOf(json.text) ?? '', readLogprobs(json.logprobs), out)
        return true
      case 'response.refusal.done':
        this.#sayRest('refusal', textOf(json.refusal) ?? '', [], out)
        return true
      case 'response.content_part.done':
        if (isObject(json.part)) this.#endContent(contentIndex(json), json.part, out)
        return true
      case 'response.function_call_arguments.done':
      case 'response.custom_tool_call_input.done':
        this.#argueRest(textOf(json.arguments) ?? textOf(json.input) ?? '', out)
        return true
      case 'response.output_item.done':
        this.#end(isObject(json.item) ? json.item : undefined, out)
        return true
      default:
        return passedOver.test(type)
    }
  }

  #begin(item: Json, out: ChatEvent[]): void {
    if (this.#kind !== 'unknown') return
    if (item.type === 'message') this.#kind = 'message'
    else if (item.type === 'reasoning') this.#startThought(out)
    else if (item.type === 'function_call' || item.type === 'custom_tool_call') {
      this.#kind = 'call'
      this.#custom = item.type === 'custom_tool_call'
      if (typeof item.call_id === 'string' && typeof item.name === 'string') this.#startCall(item, out)
    } else this.#kind = 'other'
  }

  #openContent(index: number, type: Content['type'] | undefined, out: ChatEvent[]): void {
    if (type === undefined || this.#over.has(index) || this.#content?.index === index) return
    this.#kind = 'message'
    this.#closeContent(out)
    this.#content = { index, type, told: 0, cited: 0, logprobs: false }
    if (type !== 'other') out.push({ type: 'part-start', choice: 0, part: { type } })
  }

  #closeContent(out: ChatEvent[]): void {
    const content = this.#content
    if (!content) return
    this.#content = undefined
    this.#over.add(content.index)
    if (content.type !== 'other') out.push({ type: 'part-end', choice: 0 })
  }

  #say(type: 'text' | 'refusal', json: Json, out: ChatEvent[]): void {
    this.#openContent(contentIndex(json), type, out)
    const content = this.#content
    const text = textOf(json.delta) ?? ''
    const logprobs = type === 'text' ? readLogprobs(json.logprobs) : []
    if (content?.type !== type || (text === '' && logprobs.length === 0)) return
    content.told += text.length
    content.logprobs ||= logprobs.length > 0
    out.push({ type: `${type}-delta`, choice: 0, text, ...(logprobs.length > 0 && { logprobs }) })
  }

  #sayRest(type: 'text' | 'refusal', whole: string, logprobs: TokenLogprob[], out: ChatEvent[]): void {
    const content = this.#content
    if (content?.type !== type) return
    const text = whole.slice(content.told)
    const unsaid = content.logprobs ? [] : logprobs
    if (text === '' && unsaid.length === 0) return
    content.told += text.length
    content.logprobs ||= unsaid.length > 0
    out.push({ type: `${type}-delta`, choice: 0, text, ...(unsaid.length > 0 && { logprobs: unsaid }) })
  }

  #cite(json: Json, out: ChatEvent[]): void {
    this.#openContent(contentIndex(json), 'text', out)
    const citation = readAnnotation(json.annotation)
    if (this.#content?.type !== 'text' || !citation) return
    this.#content.cited += 1
    out.push({ type: 'citation', choice: 0, citation })
  }

  /** A part of a message in full: what was not told of it, and its end. */
  #endContent(index: number, part: Json, out: ChatEvent[]): void {
    if (this.#kind === 'thought' || part.type === 'reasoning_text' || this.#over.has(index)) return
    if (this.#content?.index !== index) {
      this.#closeContent(out)
      tell([readContent(part)], readLogprobs(part.logprobs), out)
      this.#over.add(index)
      return
    }
    if (this.#content.type === 'other') tell([readContent(part)], [], out)
    this.#sayRest('text', textOf(part.text) ?? '', readLogprobs(part.logprobs), out)
    this.#sayRest('refusal', textOf(part.refusal) ?? '', [], out)
    if (this.#content.type === 'text') {
      for (const citation of readAnnotations(part.annotations).slice(this.#content.cited))
        out.push({ type: 'citation', choice: 0, citation })
      const signature = readSeal(part)
      if (signature) out.push({ type: 'signature', choice: 0, signature })
    }
    this.#closeContent(out)
  }

  #startThought(out: ChatEvent[]): void {
    if (this.#begun) return
    this.#kind = 'thought'
    this.#begun = true
    out.push({ type: 'part-start', choice: 0, part: { type: 'reasoning' } })
  }

  /** Parts of a thought are put apart by an empty line. */
  #think(type: string, json: Json, out: ChatEvent[]): void {
    const delta = textOf(json.delta) ?? ''
    if (delta === '') return
    this.#startThought(out)
    const summary = `${type}${json.summary_index ?? json.content_index}`
    const text = this.#told > 0 && summary !== this.#summary ? `\n\n${delta}` : delta
    this.#summary = summary
    this.#told += text.length
    out.push({ type: 'reasoning-delta', choice: 0, text })
  }

  #startCall(item: Json, out: ChatEvent[]): void {
    this.#begun = true
    const { id, name } = readCall(item)
    const custom = this.#custom && { custom: true }
    out.push({ type: 'part-start', choice: 0, part: { type: 'tool-call', id, name, ...custom } })
  }

  /** Arguments of a call whose name is not known yet wait for the finished item. */
  #argue(text: string, out: ChatEvent[]): void {
    if (text === '' || !this.#begun || this.#kind !== 'call') return
    this.#told += text.length
    out.push({ type: 'arguments-delta', choice: 0, text })
  }

  #argueRest(whole: string, out: ChatEvent[]): void {
    this.#argue(whole.slice(this.#told), out)
  }

  #end(item: Json | undefined, out: ChatEvent[]): void {
    if (item) this.#begin(item, out)
    if (this.#kind === 'message') this.#endMessage(item, out)
    else if (this.#kind === 'thought') this.#endThought(item, out)
    else if (this.#kind === 'call') this.#endCall(item, out)
    else if (item) tell(readItem(item), itemLogprobs(item), out)
  }

  #endMessage(item: Json | undefined, out: ChatEvent[]): void {
    const parts = Array.isArray(item?.content) ? item.content : []
    for (const [index, part] of parts.entries()) if (isObject(part)) this.#endContent(index, part, out)
    this.#closeContent(out)
  }

  #endThought(item: Json | undefined, out: ChatEvent[]): void {
    const text = item ? readThought(item).text.slice(this.#told) : ''
    if (text !== '') out.push({ type: 'reasoning-delta', choice: 0, text })
    const signature = item && thoughtSignature(item)
    if (signature) out.push({ type: 'signature', choice: 0, signature })
    out.push({ type: 'part-end', choice: 0 })
  }

  #endCall(item: Json | undefined, out: ChatEvent[]): void {
    if (!this.#begun && !item) return
    if (!this.#begun && item) this.#startCall(item, out)
    if (item) this.#argueRest(readCall(item).arguments, out)
    if (this.#told === 0 && !this.#custom) this.#argue('{}', out)
    const signature = item && readSeal(item)
    if (signature) out.push({ type: 'signature', choice: 0, signature })
    out.push({ type: 'part-end', choice: 0 })
  }
}

/** Steps of tools that the provider runs, and ends of parts that say nothing their pieces did not. */
const passedOver =
  /^response\.(\w+_call\.|\w+_call_(arguments|code|command|output)\w*\.|mcp_|reasoning_summary|reasoning_text\.|compaction\.|image_)/

function contentIndex(json: Json): number {
  return typeof json.content_index === 'number' ? json.content_index : 0
}

/** Undefined for a part of a thought, which is read by its pieces. */
function contentType(part: Json): Content['type'] | undefined {
  if (part.type === 'output_text') return 'text'
  if (part.type === 'refusal') return 'refusal'
  return part.type === 'reasoning_text' || part.type === 'summary_text' ? undefined : 'other'
}

/** Parts that come whole, as the steps in which they would have been streamed. */
function tell(parts: AnswerPart[], logprobs: readonly TokenLogprob[], out: ChatEvent[]): void {
  const said = { parts, finish: { reason: 'stop' as const }, ...(logprobs.length > 0 && { logprobs }) }
  for (const event of unfoldAnswer({ choices: [said] }))
    if ('choice' in event && event.type !== 'finish') out.push(event)
}
