import { mergeBills, readBill } from '../bill.ts'
import { noWords, type StreamTapOptions } from '../dialect.ts'
import { isObject } from '../json-body.ts'
import { readOpenAiError } from '../openai/error.ts'
import { readOpenAiUsage } from '../openai/usage.ts'
import { saysSomething } from '../says-something.ts'
import type { SseEvent } from '../sse.ts'
import { SseTap } from '../sse-tap.ts'
import { readFailedChoice } from './failed-choice.ts'
import { ChatRepairs } from './repairs.ts'

/** Relays a stream of chunks, mends it where SDKs would stumble, and reads it in passing. */
export class ChatStreamTap extends SseTap {
  readonly #showUsage: boolean
  readonly #mayLackEnd: boolean
  readonly #repairs = new ChatRepairs()

  constructor(options: StreamTapOptions) {
    super()
    this.#showUsage = options.showUsage
    this.#mayLackEnd = options.quirks?.has('no_end_mark') === true
  }

  protected read(event: SseEvent): Buffer | undefined {
    if (event.data === undefined) return event.bytes
    if (event.data.startsWith('[DONE]')) {
      // Some servers never give a reason; where the report has not come either, it is not the end.
      if (!this.#repairs.isFinished && !this.facts.counted)
        throw new SyntaxError('an end mark before the end')
      this.facts.ended = true
      const missing = this.#repairs.missingEnds()
      return missing === '' ? event.bytes : Buffer.concat([Buffer.from(missing), event.bytes])
    }
    const chunk: unknown = JSON.parse(event.data)
    this.facts.error = readOpenAiError(chunk) ?? (event.type === 'error' ? noWords : undefined)
    if (this.facts.error || !isObject(chunk)) return undefined
    const mended = this.#repairs.mend(chunk)
    const choices = Array.isArray(chunk.choices) ? chunk.choices : []
    const failed = readFailedChoice(choices)
    if (!failed) for (const choice of choices) if (isObject(choice)) this.#count(choice)
    if (choices.length === 0 && isObject(chunk.usage)) this.facts.progress += 1
    const report = isObject(chunk.usage)
      ? chunk.usage
      : isObject(chunk.x_groq)
        ? chunk.x_groq.usage
        : undefined
    if (chunk.service_tier)
      this.facts.bill = mergeBills(this.facts.bill, readBill(undefined, chunk.service_tier))
    if (report) this.#noteUsage(report, choices.length === 0)
    this.facts.error = failed
    if (failed) return undefined
    if (!isObject(chunk.usage)) return mended ? renderChunk(chunk) : event.bytes
    if (this.#showUsage) return mended ? renderChunk(chunk) : event.bytes
    if (choices.length === 0) return undefined
    return renderChunk({ ...chunk, usage: undefined })
  }

  /** Some report with every chunk; the last report has no choices beside it, or comes when all have ended. */
  #noteUsage(report: unknown, alone: boolean): void {
    const usage = readOpenAiUsage(report)
    this.facts.bill = mergeBills(this.facts.bill, readBill(report))
    if (!usage) return
    this.facts.usage = usage
    this.facts.counted = alone || this.#repairs.isFinished
  }

  /** A stream without its end mark is whole where `ChatReader` takes it for that; SDKs are given the mark. */
  protected override close(): Buffer | undefined {
    if (!this.#mayLackEnd || !this.facts.counted || !this.#repairs.isFinished) return undefined
    this.facts.ended = true
    return Buffer.from('data: [DONE]\n\n')
  }

  #count(choice: Record<string, unknown>): void {
    const characters = isObject(choice.delta) ? contentLength(choice.delta) : 0
    if (characters > 0) this.facts.pieces += 1
    this.facts.characters += characters
    if (characters > 0 || choice.finish_reason || saysSomething(choice.delta)) this.facts.progress += 1
  }
}

function renderChunk(chunk: Record<string, unknown>): Buffer {
  return Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`)
}

/** Characters that a model produced in a delta: text, refusals, reasoning, tool calls. */
function contentLength(delta: Record<string, unknown>): number {
  let length = 0
  for (const name of ['content', 'refusal', 'reasoning_content', 'reasoning']) {
    const text = delta[name]
    if (typeof text === 'string') length += text.length
  }
  const calls = Array.isArray(delta.tool_calls) ? delta.tool_calls : []
  for (const call of calls) {
    if (!isObject(call) || !isObject(call.function)) continue
    const { name, arguments: args } = call.function
    length += (typeof name === 'string' ? name.length : 0) + (typeof args === 'string' ? args.length : 0)
  }
  return length
}
