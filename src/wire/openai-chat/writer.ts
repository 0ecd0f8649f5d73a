import type { ChatEvent, PartStart, Signature, TokenLogprob, Usage } from '#exchange'
import type { AnswerContext, EventWriter } from '../dialect.ts'
import { renderChatUsage } from '../openai/usage.ts'
import { writeSignature } from '../signature.ts'
import { renderAnnotation } from './citations.ts'
import { renderFinish } from './finish.ts'
import { renderAudio, renderImage, shift } from './render-answer.ts'
import { renderLogprobs, renderReasoningDetail, writeGoogleSeal } from './spoken.ts'

interface ChoiceSoFar {
  calls: number
  thoughts: number
  open: PartStart['type'] | undefined
  /** Of the open part, where a seal will have to be written with it. */
  thought: string
  /** Characters of texts before the open one, which citations count from. */
  before: number
  length: number
  custom: boolean
  /** Citations that wait for the end of what is said, and how many were told before. */
  annotations: unknown[]
  annotated: number
  images: number
}

/** Writes the chunks of a stream for a caller. Every choice begins with its role, as SDKs need it. */
export class ChatWriter implements EventWriter {
  readonly #context: AnswerContext
  readonly #choices = new Map<number, ChoiceSoFar>()
  #head = ''
  #tail = ''
  #usage: Usage | undefined

  constructor(context: AnswerContext) {
    this.#context = context
    this.#begin(context.model, undefined)
  }

  write(event: ChatEvent): string {
    switch (event.type) {
      case 'text-delta':
        this.#choiceAt(event.choice).length += event.text.length
        return this.#delta(event.choice, `{"content":${JSON.stringify(event.text)}}`, event.logprobs)
      case 'arguments-delta':
        return this.#callDelta(event.choice, this.#argument(event.choice, event.text))
      case 'reasoning-delta':
        this.#choiceAt(event.choice).thought += event.text
        return this.#delta(event.choice, `{"reasoning_content":${JSON.stringify(event.text)}}`)
      case 'refusal-delta':
        return this.#delta(event.choice, `{"refusal":${JSON.stringify(event.text)}}`)
      case 'start':
        this.#usage = event.usage ?? this.#usage
        this.#begin(event.model ?? this.#context.model, event.serviceTier)
        return ''
      case 'part-start':
        return this.#startPart(event.choice, event.part)
      case 'part-end':
        return this.#endPart(event.choice)
      case 'citation': {
        const { before, annotations } = this.#choiceAt(event.choice)
        annotations.push(renderAnnotation(shift(event.citation, before)))
        return ''
      }
      case 'signature':
        return this.#sign(event.choice, event.signature)
      case 'finish':
        return (
          this.#annotate(event.choice) +
          this.#chunk(event.choice, '{}', JSON.stringify(renderFinish(event.finish)).slice(1, -1))
        )
      case 'usage':
        this.#usage = event.usage
        return ''
      case 'end':
        return this.#end()
      default:
        return ''
    }
  }

  #begin(model: string, serviceTier: string | undefined): void {
    const { hex, createdAtMs, showUsage } = this.#context
    const head = {
      id: `chatcmpl-${hex}`,
      object: 'chat.completion.chunk',
      created: Math.floor(createdAtMs / 1000),
      model,
      ...(serviceTier !== undefined && { service_tier: serviceTier }),
    }
    this.#head = `data: ${JSON.stringify(head).slice(0, -1)},"choices":[`
    this.#tail = showUsage ? '],"usage":null}\n\n' : ']}\n\n'
  }

  #choiceAt(index: number): ChoiceSoFar {
    let choice = this.#choices.get(index)
    if (!choice) {
      choice = {
        calls: 0,
        thoughts: 0,
        open: undefined,
        thought: '',
        before: 0,
        length: 0,
        custom: false,
        annotations: [],
        annotated: 0,
        images: 0,
      }
      this.#choices.set(index, choice)
    }
    return choice
  }

  #startPart(index: number, part: PartStart): string {
    const choice = this.#choiceAt(index)
    const role = this.#role(index)
    choice.open = part.type
    choice.thought = ''
    choice.before = choice.length
    if (part.type === 'whole') return role + this.#whole(index, part)
    if (part.type !== 'tool-call') return role
    choice.custom = part.custom === true
    const { id, name } = part
    const annotations = this.#annotate(index)
    const call = choice.custom
      ? { id, type: 'custom', custom: { name, input: '' } }
      : { id, type: 'function', function: { name, arguments: '' } }
    return role + annotations + this.#callDelta(index, JSON.stringify(call).slice(1, -1))
  }

  /**
   * All citations so far in one delta: the JavaScript SDK keeps a list of the last delta that has one, and the Python SDK
   * takes a second list only if its entries say by `index` where they belong.
   */
  #annotate(index: number): string {
    const choice = this.#choiceAt(index)
    const { annotations, annotated } = choice
    if (annotations.length === 0) return ''
    choice.annotations = []
    choice.annotated += annotations.length
    const placed =
      annotated === 0
        ? annotations
        : annotations.map((annotation, at) => ({ ...(annotation as object), index: annotated + at }))
    return this.#delta(index, JSON.stringify({ annotations: placed }))
  }

  /** Once for each choice, before anything else of it. */
  #role(index: number): string {
    const choice = this.#choiceAt(index)
    if (choice.open !== undefined) return ''
    choice.open = 'whole'
    return this.#chunk(index, '{"role":"assistant","content":"","refusal":null}', '"finish_reason":null')
  }

  #whole(index: number, { part }: Extract<PartStart, { type: 'whole' }>): string {
    if (part.type === 'image') {
      const image = { ...renderImage(part), index: this.#choiceAt(index).images++ }
      return this.#delta(index, JSON.stringify({ images: [image] }))
    }
    if (part.type === 'audio') return this.#delta(index, JSON.stringify({ audio: renderAudio(part) }))
    return '' // what only another dialect can say
  }

  #endPart(index: number): string {
    const choice = this.#choiceAt(index)
    if (choice.open === 'tool-call') choice.calls += 1
    if (choice.open === 'reasoning') choice.thoughts += 1
    return ''
  }

  #argument(index: number, text: string): string {
    const json = JSON.stringify(text)
    return this.#choiceAt(index).custom ? `"custom":{"input":${json}}` : `"function":{"arguments":${json}}`
  }

  #sign(index: number, signature: Signature): string {
    const choice = this.#choiceAt(index)
    const value = writeSignature(signature, 'openai-chat')
    if (choice.open === 'tool-call')
      // Some clients take no delta of a call that says nothing of its function (Vercel's @ai-sdk/openai).
      return this.#callDelta(
        index,
        `${this.#argument(index, '')},"extra_content":${JSON.stringify(writeGoogleSeal(value))}`,
      )
    if (choice.open === 'text')
      return this.#delta(index, JSON.stringify({ extra_content: writeGoogleSeal(value) }))
    if (choice.open !== 'reasoning') return ''
    const part = { type: 'reasoning' as const, text: choice.thought }
    const detail = renderReasoningDetail(part, { kind: signature.kind, value }, choice.thoughts)
    return this.#delta(index, JSON.stringify({ reasoning_details: [detail] }))
  }

  #callDelta(index: number, fields: string): string {
    return this.#delta(index, `{"tool_calls":[{"index":${this.#choiceAt(index).calls},${fields}}]}`)
  }

  #delta(index: number, delta: string, logprobs?: readonly TokenLogprob[]): string {
    const probabilities = logprobs ? `"logprobs":${JSON.stringify(renderLogprobs(logprobs))},` : ''
    return this.#chunk(index, delta, `${probabilities}"finish_reason":null`)
  }

  #chunk(index: number, delta: string, fields: string): string {
    const role = this.#choiceAt(index).open === undefined ? this.#role(index) : ''
    return `${role}${this.#head}{"index":${index},"delta":${delta},${fields}}${this.#tail}`
  }

  #end(): string {
    const done = 'data: [DONE]\n\n'
    if (!this.#context.showUsage || !this.#usage) return done
    const usage = JSON.stringify(renderChatUsage(this.#usage))
    return `${this.#head}],"usage":${usage}}\n\n${done}`
  }
}
