import type { ChatEvent } from '#exchange'
import { withoutTier } from '../bill.ts'
import { noWords } from '../dialect.ts'
import { isObject, parseObject } from '../json-body.ts'
import type { SseEvent } from '../sse.ts'
import { SseReader } from '../sse-reader.ts'
import { hasInput, readAnswerBlock, readCall } from './answer-blocks.ts'
import { readCitation, readCitations } from './citations.ts'
import { readMessagesError } from './error.ts'
import { readHead } from './read-answer.ts'
import { readRefusal, readStop } from './stop.ts'
import { readThinking } from './thinking-blocks.ts'
import { mergeReports, readMessagesBill, readMessagesUsage, readTier } from './usage.ts'

type Json = Readonly<Record<string, unknown>>

/** The block that is open: a part whose pieces are told as they come, or one that is told whole at its end. */
interface Open {
  kind: 'text' | 'reasoning' | 'tool-call' | 'whole'
  block: Json
  /** Pieces of a tool's input so far. */
  input: string
}

const choice = 0

/**
 * Reads a stream of Messages events (Messages API, streaming). Blocks come one at a time; counts of usage are totals
 * so far. What comes after the end of the message is told at `message_stop`, when its reason is sure.
 */
export class MessagesReader extends SseReader {
  #started = false
  #open: Open | undefined
  #hasCalls = false
  #report: Json | undefined
  #stop: Json = {}
  /** The report at the end has come. */
  counted = false

  protected read({ type, data }: SseEvent): ChatEvent[] {
    if (data === undefined) return []
    const event: unknown = JSON.parse(data)
    if (!isObject(event)) throw new SyntaxError('an event that is no object')
    const kind = typeof event.type === 'string' ? event.type : type
    if (kind === 'error') return [{ type: 'error', error: readMessagesError(event) ?? noWords }]
    const means = this.#mean(kind, event)
    if (this.#started || means.length === 0) return means
    this.#started = true
    return means[0]?.type === 'start' ? means : [{ type: 'start' }, ...means]
  }

  #mean(kind: string, event: Json): ChatEvent[] {
    switch (kind) {
      case 'message_start':
        return this.#begin(event)
      case 'content_block_start':
        return this.#openBlock(isObject(event.content_block) ? event.content_block : {})
      case 'content_block_delta':
        return this.#grow(isObject(event.delta) ? event.delta : {})
      case 'content_block_stop':
        return this.#close()
      case 'message_delta':
        return this.#nearEnd(event)
      case 'message_stop':
        return this.#end()
      case 'ping':
        return []
      default:
        return this.#skip()
    }
  }

  #skip(): ChatEvent[] {
    this.skipped += 1
    return []
  }

  /**
   * The output that is counted here is the first token's. What the provider's own tools had done before this answer began stands here whole: results, even a call and why
   * the answer ended with it, and then nothing follows but `message_stop` (programmatic tool calling).
   */
  #begin({ message }: Json): ChatEvent[] {
    if (this.#started || !isObject(message)) return this.#skip()
    this.#report = mergeReports(undefined, message.usage)
    const { stop_reason, stop_sequence, stop_details } = message
    this.#stop = mergeReports(undefined, { stop_reason, stop_sequence, stop_details }) ?? {}
    const usage = readMessagesUsage(message.usage)
    const bill = withoutTier(readMessagesBill(message.usage), readTier(message.usage).serviceTier)
    const events: ChatEvent[] = [
      { type: 'start', ...readHead(message), ...(usage && { usage }), ...(bill && { bill }) },
    ]
    for (const block of Array.isArray(message.content) ? message.content : [])
      if (isObject(block)) events.push(...this.#openBlock(block), ...this.#close())
    return events
  }

  #openBlock(block: Json): ChatEvent[] {
    const before = this.#close()
    switch (block.type) {
      case 'text':
        return [...before, ...this.#openText(block)]
      case 'thinking':
      case 'redacted_thinking':
        return [...before, ...this.#openThinking(block)]
      case 'tool_use':
        this.#hasCalls = true
        this.#open = { kind: 'tool-call', block, input: '' }
        return [...before, { type: 'part-start', choice, part: { type: 'tool-call', ...readCall(block) } }]
      default:
        this.#open = { kind: 'whole', block, input: '' }
        return before
    }
  }

  #openText(block: Json): ChatEvent[] {
    this.#open = { kind: 'text', block, input: '' }
    const events: ChatEvent[] = [{ type: 'part-start', choice, part: { type: 'text' } }]
    if (typeof block.text === 'string' && block.text !== '')
      events.push({ type: 'text-delta', choice, text: block.text })
    for (const citation of readCitations(block.citations)) events.push({ type: 'citation', choice, citation })
    return events
  }

  #openThinking(block: Json): ChatEvent[] {
    this.#open = { kind: 'reasoning', block, input: '' }
    const { text, signature } = readThinking(block)
    const events: ChatEvent[] = [{ type: 'part-start', choice, part: { type: 'reasoning' } }]
    if (text !== '') events.push({ type: 'reasoning-delta', choice, text })
    if (signature) events.push({ type: 'signature', choice, signature })
    return events
  }

  #grow(delta: Json): ChatEvent[] {
    switch (delta.type) {
      case 'text_delta':
        if (typeof delta.text !== 'string') return this.#skip()
        return this.#said('text', { type: 'text-delta', choice, text: delta.text })
      case 'thinking_delta':
        if (typeof delta.thinking !== 'string') return this.#skip()
        return this.#said('reasoning', { type: 'reasoning-delta', choice, text: delta.thinking })
      case 'input_json_delta':
        return typeof delta.partial_json === 'string' ? this.#addInput(delta.partial_json) : this.#skip()
      case 'signature_delta': {
        const { signature } = readThinking(delta)
        return signature ? this.#said('reasoning', { type: 'signature', choice, signature }) : []
      }
      case 'citations_delta':
        return isObject(delta.citation)
          ? this.#said('text', { type: 'citation', choice, citation: readCitation(delta.citation) })
          : this.#skip()
      case 'compaction_delta':
        return this.#addFields(delta)
      default:
        return this.#skip()
    }
  }

  /** A piece of the open part; one whose block was never opened opens it. */
  #said(kind: 'text' | 'reasoning', event: ChatEvent): ChatEvent[] {
    if ('text' in event && event.text === '') return []
    if (this.#open?.kind === kind) return [event]
    if (this.#open) return this.#skip()
    this.#open = { kind, block: {}, input: '' }
    return [{ type: 'part-start', choice, part: { type: kind } }, event]
  }

  #addInput(text: string): ChatEvent[] {
    if (!this.#open) throw new SyntaxError("a tool's input outside of any block")
    this.#open.input += text
    if (this.#open.kind !== 'tool-call' || text === '') return []
    return [{ type: 'arguments-delta', choice, text }]
  }

  #addFields({ type: _type, ...fields }: Json): ChatEvent[] {
    if (this.#open?.kind !== 'whole') return this.#skip()
    this.#open.block = { ...this.#open.block, ...fields }
    return []
  }

  #close(): ChatEvent[] {
    const open = this.#open
    if (!open) return []
    this.#open = undefined
    const events: ChatEvent[] = []
    if (open.kind === 'whole') {
      const input = parseObject(open.input)
      const block = input ? { ...open.block, input } : open.block
      events.push({ type: 'part-start', choice, part: { type: 'whole', part: readAnswerBlock(block) } })
    } else if (open.kind === 'tool-call' && open.input.trim() === '') {
      // A call without arguments has no pieces; some servers give the whole input with the block instead.
      const text = hasInput(open.block) ? JSON.stringify(open.block.input) : '{}'
      events.push({ type: 'arguments-delta', choice, text })
    }
    events.push({ type: 'part-end', choice })
    return events
  }

  #nearEnd({ delta, usage }: Json): ChatEvent[] {
    if (isObject(delta)) this.#stop = mergeReports(this.#stop, delta) ?? {}
    this.#report = mergeReports(this.#report, usage)
    this.counted ||= isObject(usage) && this.#isStopped
    return this.#tellUsage()
  }

  #tellUsage(): ChatEvent[] {
    const usage = readMessagesUsage(this.#report)
    const bill = withoutTier(readMessagesBill(this.#report), readTier(this.#report).serviceTier)
    return usage ? [{ type: 'usage', usage, ...(bill && { bill }) }] : []
  }

  get #isStopped(): boolean {
    return typeof this.#stop.stop_reason === 'string'
  }

  #end(): ChatEvent[] {
    if (!this.#isStopped) throw new SyntaxError('an end mark before the end')
    const events = this.#close()
    const refusal = readRefusal(this.#stop)
    if (refusal !== undefined) {
      events.push({ type: 'part-start', choice, part: { type: 'refusal' } })
      if (refusal !== '') events.push({ type: 'refusal-delta', choice, text: refusal })
      events.push({ type: 'part-end', choice })
    }
    events.push({ type: 'finish', choice, finish: readStop(this.#stop, this.#hasCalls) })
    return [...events, ...this.#tellUsage(), { type: 'end' }]
  }
}
