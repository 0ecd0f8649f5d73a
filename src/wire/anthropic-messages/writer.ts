import type { AnswerPart, ChatEvent, Finish, PartStart, Signature, Usage } from '#exchange'
import { type AnswerContext, type EventWriter, emptyFacts, estimateOutputTokens } from '../dialect.ts'
import { writeSignature } from '../signature.ts'
import { writeCitation } from './citations.ts'
import { messageHead } from './render-answer.ts'
import { writeStop } from './stop.ts'
import { writeMessagesUsage, writeWholeUsage } from './usage.ts'
import { openCall, writeBlocks, writeSeal } from './write-blocks.ts'

type Json = Readonly<Record<string, unknown>>

/** The part that is under way. Its block is opened by the first piece, so that an empty one is never written. */
interface Open {
  part: Exclude<PartStart, { type: 'whole' }>
  written: boolean
  /** Another maker's seal of a text or a call, which follows as a block of its own. */
  seal: Signature | undefined
}

/**
 * Writes a stream of Messages events (Messages API, streaming): one `message_start`, blocks one at a time and numbered
 * without a gap, `message_delta` with the reason and the usage, `message_stop`.
 */
export class MessagesWriter implements EventWriter {
  readonly #context: AnswerContext
  readonly #seen = emptyFacts()
  #index = 0
  #open: Open | undefined
  #refusal = ''
  #finish: Finish = { reason: 'stop' }
  #usage: Usage | undefined

  constructor(context: AnswerContext) {
    this.#context = context
  }

  write(event: ChatEvent): string {
    if ('choice' in event && event.choice !== 0) return '' // this dialect has no second answer
    switch (event.type) {
      case 'start':
        return this.#start(event)
      case 'part-start':
        return this.#begin(event.part)
      case 'text-delta':
        return this.#piece('text', { type: 'text_delta', text: event.text }, event.text)
      case 'reasoning-delta':
        return this.#piece('reasoning', { type: 'thinking_delta', thinking: event.text }, event.text)
      case 'arguments-delta':
        return this.#argument(event.text)
      case 'refusal-delta':
        this.#refusal += event.text
        return ''
      case 'citation':
        return (
          this.#opening('text') +
          this.#delta({ type: 'citations_delta', citation: writeCitation(event.citation) })
        )
      case 'signature':
        return this.#sign(event.signature)
      case 'part-end':
        return this.#close()
      case 'finish':
        this.#finish = event.finish
        return ''
      case 'usage':
        this.#usage = event.usage
        return ''
      case 'end':
        return this.#end()
      case 'error':
      case 'malformed':
        return '' // told by `renderErrorEvent`
    }
  }

  #start({ model, serviceTier, usage }: Extract<ChatEvent, { type: 'start' }>): string {
    this.#usage = usage
    const counted = usage ?? { input: this.#context.estimatedInputTokens }
    const message = {
      ...messageHead(model ?? this.#context.model, this.#context),
      content: [],
      stop_reason: null,
      stop_sequence: null,
      stop_details: null,
      usage: writeWholeUsage(counted, serviceTier),
    }
    return frame('message_start', { message })
  }

  #begin(part: PartStart): string {
    const before = this.#close()
    if (part.type === 'whole') return before + this.#whole(part.part)
    this.#open = { part, written: false, seal: undefined }
    if (part.type !== 'tool-call') return before
    const start = part.custom ? this.#delta({ type: 'input_json_delta', partial_json: '{"input":"' }) : ''
    return before + this.#opening('tool-call') + start
  }

  #whole(part: AnswerPart): string {
    let text = ''
    for (const block of writeBlocks(part)) text += this.#block(block)
    return text
  }

  /** A block of one piece. A text comes as a delta even so: clients show what they are told by deltas. */
  #block(block: Json): string {
    const isText = block.type === 'text'
    const start = frame('content_block_start', {
      index: this.#index,
      content_block: isText ? { ...block, text: '' } : block,
    })
    const said = isText ? this.#delta({ type: 'text_delta', text: block.text }) : ''
    return start + said + this.#stop()
  }

  #piece(kind: 'text' | 'reasoning', delta: Json, text: string): string {
    if (text === '') return ''
    this.#note(text)
    return this.#opening(kind) + this.#delta(delta)
  }

  #argument(text: string): string {
    if (text === '' || this.#open?.part.type !== 'tool-call') return ''
    this.#note(text)
    // A custom tool's free text stands in a string, whose pieces are escaped one by one.
    const piece = this.#open.part.custom ? JSON.stringify(text).slice(1, -1) : text
    return this.#delta({ type: 'input_json_delta', partial_json: piece })
  }

  #sign(signature: Signature): string {
    const { part, written } = this.#open ?? {}
    if (!this.#open || !part) return ''
    if (part.type !== 'reasoning') {
      this.#open.seal = signature
      return ''
    }
    if (written || signature.kind !== 'sealed') {
      const value = writeSignature(signature, 'anthropic-messages')
      return this.#opening('reasoning') + this.#delta({ type: 'signature_delta', signature: value })
    }
    this.#open = undefined
    return this.#whole({ type: 'reasoning', text: '', signature })
  }

  /** Opens the block of the part that is under way, once. */
  #opening(kind: Open['part']['type']): string {
    if (this.#open?.part.type !== kind || this.#open.written) return ''
    this.#open.written = true
    return frame('content_block_start', { index: this.#index, content_block: emptyBlock(this.#open.part) })
  }

  #close(): string {
    const open = this.#open
    this.#open = undefined
    if (!open) return ''
    let text = ''
    if (open.written) {
      if (open.part.type === 'tool-call' && open.part.custom)
        text += this.#delta({ type: 'input_json_delta', partial_json: '"}' })
      text += this.#stop()
    }
    for (const block of writeSeal(open.seal)) text += this.#block(block)
    return text
  }

  #delta(delta: Json): string {
    // Nearly all of a stream: put together as text, so that only the piece itself is made into JSON.
    return `event: content_block_delta\ndata: {"type":"content_block_delta","index":${this.#index},"delta":${JSON.stringify(delta)}}\n\n`
  }

  #stop(): string {
    const text = frame('content_block_stop', { index: this.#index })
    this.#index += 1
    return text
  }

  #note(text: string): void {
    this.#seen.pieces += 1
    this.#seen.characters += text.length
  }

  #end(): string {
    const open = this.#close()
    const usage = this.#usage ?? {
      input: this.#context.estimatedInputTokens,
      output: estimateOutputTokens(this.#seen),
    }
    const delta = { ...writeStop(this.#finish, this.#refusal), container: null }
    return (
      open + frame('message_delta', { delta, usage: writeMessagesUsage(usage) }) + frame('message_stop', {})
    )
  }
}

function emptyBlock(part: Open['part']): Json {
  if (part.type === 'tool-call') return openCall(part)
  return part.type === 'reasoning'
    ? { type: 'thinking', thinking: '', signature: '' }
    : { type: 'text', text: '', citations: null }
}

/** The SDKs pass over an event without its name. */
function frame(type: string, fields: Json): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
}
