import type {
  AnswerPart,
  ChatAnswer,
  ChatEvent,
  Citation,
  Fault,
  Finish,
  PartStart,
  TokenLogprob,
  Usage,
} from '#exchange'
import type { AnswerContext, EventWriter } from '../dialect.ts'
import { unfoldAnswer } from '../fold.ts'
import { isObject } from '../json-body.ts'
import { renderAnnotation } from './annotations.ts'
import { renderErrorFields } from './error-event.ts'
import { renderFinish } from './finish.ts'
import { itemId } from './ids.ts'
import { callWords, type ItemStatus, kindOf, OpenContent, OpenItem, summary, wordsFor } from './open-item.ts'
import { ResponseObject, type Standing } from './response-object.ts'

type Json = Record<string, unknown>

/**
 * Writes a stream for a caller: the events in the order that OpenAI sends them, numbered from 0 without a gap, every
 * part and item with its `.done` in full, the whole response at the end. An item stays open until the next begins or
 * the answer ends: texts that follow each other are parts of one message, and what was cut off can say so.
 */
export class ResponsesWriter implements EventWriter {
  readonly #hex: string
  readonly #object: ResponseObject
  readonly #output: Json[] = []
  #model: string
  #serviceTier: string | undefined
  #sequence = 0
  #begun = false
  #item: OpenItem | undefined
  #finish: Finish = { reason: 'stop' }
  #usage: Usage | undefined

  constructor(context: AnswerContext) {
    this.#hex = context.hex
    this.#model = context.model
    this.#object = new ResponseObject(context)
  }

  write(event: ChatEvent): string {
    if ('choice' in event && event.choice !== 0) return '' // nobody can have asked for a second answer
    switch (event.type) {
      case 'start':
        return this.#begin(event)
      case 'part-start':
        return this.#begin({}) + this.#startPart(event.part)
      case 'text-delta':
        return this.#sayText(event.text, event.logprobs)
      case 'refusal-delta':
        return this.#sayRefusal(event.text)
      case 'reasoning-delta':
        return this.#think(event.text)
      case 'arguments-delta':
        return this.#argue(event.text)
      case 'citation':
        return this.#cite(event.citation)
      case 'signature': {
        const signed = this.#item?.open ?? this.#item
        if (signed) signed.signature = event.signature
        return ''
      }
      case 'part-end':
        return this.#endPart()
      case 'finish':
        this.#finish = event.finish
        return this.#begin({}) + this.#endItem()
      case 'usage':
        this.#usage = event.usage
        return ''
      case 'end':
        this.#serviceTier = event.serviceTier ?? this.#serviceTier
        return `${this.#begin({})}${this.#endItem()}${this.#terminal()}`
      case 'error':
      case 'malformed':
        return '' // `fail` ends the stream
    }
  }

  /** Ends a stream that cannot be finished: the error, then the response as far as it came. */
  fail(fault: Fault): string {
    const begin = this.#begin({})
    const error = this.#event('error', renderErrorFields(fault))
    const output = this.#item ? [...this.#output, this.#item.render('incomplete')] : this.#output
    const { code, message } = fault
    const response = this.#render({ status: 'failed', output, error: { code, message } })
    return `${begin}${error}${this.#event('response.failed', { response })}${endMark}`
  }

  /** The response as it stands when all is written. */
  response(): Json {
    const { status, incomplete } = renderFinish(this.#finish)
    const error =
      status === 'failed'
        ? { code: 'server_error', message: 'The provider says that it failed to answer.' }
        : undefined
    return this.#render({ status, incomplete, error })
  }

  #render(
    standing: Pick<Standing, 'status' | 'incomplete' | 'error'> & { output?: readonly unknown[] },
  ): Json {
    const [model, serviceTier, usage] = [this.#model, this.#serviceTier, this.#usage]
    return this.#object.render({ output: this.#output, model, serviceTier, usage, ...standing })
  }

  #event(type: string, fields: Json): string {
    const json = JSON.stringify({ type, sequence_number: this.#sequence++, ...fields })
    return `event: ${type}\ndata: ${json}\n\n`
  }

  /** An event of the item that is open, or about to be. */
  #itemEvent(type: string, id: string, fields: Json): string {
    return this.#event(type, { item_id: id, output_index: this.#output.length, ...fields })
  }

  #begin({ model, serviceTier, usage }: { model?: string; serviceTier?: string; usage?: Usage }): string {
    if (this.#begun) return ''
    this.#begun = true
    this.#model = model ?? this.#model
    this.#serviceTier = serviceTier
    const response = this.#render({ status: 'in_progress' })
    this.#usage = usage
    return this.#event('response.created', { response }) + this.#event('response.in_progress', { response })
  }

  #terminal(): string {
    const response = this.response()
    return `${this.#event(`response.${String(response.status)}`, { response })}${endMark}`
  }

  #startPart(start: PartStart): string {
    if (start.type === 'whole') return this.#endItem() + this.#putWhole(start.part)
    const kind = kindOf(start)
    let text = ''
    if (kind !== 'message' || this.#item?.kind !== 'message') {
      text = this.#endItem()
      this.#item = new OpenItem(start, this.#hex, this.#output.length)
      text += this.#event('response.output_item.added', {
        output_index: this.#output.length,
        item: this.#item.render('in_progress'),
      })
    }
    if (start.type !== 'text' && start.type !== 'refusal') return text
    this.#item.open = new OpenContent(start.type)
    return text + this.#contentEvent('response.content_part.added', { part: this.#item.open.render() })
  }

  #contentEvent(type: string, fields: Json): string {
    const item = this.#item
    return item ? this.#itemEvent(type, item.id, { content_index: item.content.length, ...fields }) : ''
  }

  #sayText(delta: string, tokens: readonly TokenLogprob[] | undefined): string {
    const open = this.#item?.open
    if (!open) return ''
    open.text += delta
    return this.#contentEvent('response.output_text.delta', { delta, logprobs: open.addLogprobs(tokens) })
  }

  #sayRefusal(delta: string): string {
    const open = this.#item?.open
    if (!open) return ''
    open.text += delta
    return this.#contentEvent('response.refusal.delta', { delta })
  }

  #cite(citation: Citation): string {
    const open = this.#item?.open
    const annotation = open?.addCitation(citation)
    return open && annotation ? this.#annotationEvent(annotation, open.annotations.length - 1) : ''
  }

  #annotationEvent(annotation: unknown, index: number): string {
    return this.#contentEvent('response.output_text.annotation.added', {
      annotation_index: index,
      annotation,
    })
  }

  #think(delta: string): string {
    const item = this.#item
    if (!item || delta === '') return ''
    const added =
      item.text === ''
        ? this.#summaryEvent('response.reasoning_summary_part.added', { part: summary('') })
        : ''
    item.text += delta
    return added + this.#summaryEvent('response.reasoning_summary_text.delta', { delta })
  }

  #summaryEvent(type: string, fields: Json): string {
    return this.#item ? this.#itemEvent(type, this.#item.id, { summary_index: 0, ...fields }) : ''
  }

  #argue(delta: string): string {
    const item = this.#item
    if (!item || delta === '') return ''
    item.text += delta
    return this.#itemEvent(`response.${callWords[item.kind]}.delta`, item.id, { delta })
  }

  #endPart(): string {
    const item = this.#item
    if (!item) return ''
    if (item.open) return this.#endContent(item, item.open)
    if (!item.speaking) return ''
    item.speaking = false
    if (item.kind === 'reasoning') return item.text === '' ? '' : this.#endThought(item.text)
    const missing = item.kind === 'function_call' && item.text === '' ? this.#argue('{}') : ''
    const said =
      item.kind === 'custom_tool_call' ? { input: item.text } : { name: item.name, arguments: item.text }
    return missing + this.#itemEvent(`response.${callWords[item.kind]}.done`, item.id, said)
  }

  #endContent(item: OpenItem, open: OpenContent): string {
    let text = ''
    for (const citation of open.placeless) {
      const annotation = renderAnnotation(citation, open.text.length)
      text += this.#annotationEvent(annotation, open.annotations.push(annotation) - 1)
    }
    open.placeless.length = 0
    const part = open.render()
    text +=
      open.type === 'text'
        ? this.#contentEvent('response.output_text.done', { text: open.text, logprobs: open.logprobs })
        : this.#contentEvent('response.refusal.done', { refusal: open.text })
    text += this.#contentEvent('response.content_part.done', { part })
    item.content.push(part)
    item.open = undefined
    return text
  }

  #endThought(text: string): string {
    return (
      this.#summaryEvent('response.reasoning_summary_text.done', { text }) +
      this.#summaryEvent('response.reasoning_summary_part.done', { part: summary(text) })
    )
  }

  /** The item before is whole when another begins; the last one only if the answer is. */
  #endItem(): string {
    const item = this.#item
    if (!item) return ''
    const ended = this.#endPart()
    this.#item = undefined
    const status: ItemStatus = renderFinish(this.#finish).status === 'completed' ? 'completed' : 'incomplete'
    return ended + this.#done(item.render(status))
  }

  #done(item: Json): string {
    const output_index = this.#output.push(item) - 1
    return this.#event('response.output_item.done', { output_index, item })
  }

  #putWhole(part: AnswerPart): string {
    const index = this.#output.length
    if (part.type === 'image' && part.source.kind === 'data') {
      const item = { id: itemId('ig', this.#hex, index), type: 'image_generation_call' }
      const output_format = part.source.mediaType.replace('image/', '')
      return this.#put(
        { ...item, status: 'in_progress', result: null },
        { ...item, status: 'completed', output_format, result: part.source.base64 },
      )
    }
    if (part.type === 'opaque' && part.dialect === 'openai-responses' && isObject(part.value)) {
      const own = { id: itemId('item', this.#hex, index), ...part.value }
      return this.#put(own, own)
    }
    const text = wordsFor(part)
    return text === undefined ? '' : this.#putText(text)
  }

  #put(added: Json, done: Json): string {
    const output_index = this.#output.length
    return this.#event('response.output_item.added', { output_index, item: added }) + this.#done(done)
  }

  #putText(text: string): string {
    return this.#startPart({ type: 'text' }) + this.#sayText(text, undefined)
  }
}

const endMark = 'data: [DONE]\n\n'

/** A whole response: what the stream of it would end with. */
export function renderResponse(answer: ChatAnswer, context: AnswerContext): Json {
  const writer = new ResponsesWriter(context)
  for (const event of unfoldAnswer(answer)) writer.write(event)
  return writer.response()
}
