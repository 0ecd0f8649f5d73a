import type { ChatEvent, Citation } from '#exchange'
import { readBill } from '../bill.ts'
import { noWords, type ReaderOptions } from '../dialect.ts'
import { isObject } from '../json-body.ts'
import { readOpenAiError } from '../openai/error.ts'
import { readOpenAiUsage } from '../openai/usage.ts'
import { PartSequencer } from '../sequence.ts'
import { readSignature } from '../signature.ts'
import type { SseEvent } from '../sse.ts'
import { SseReader } from '../sse-reader.ts'
import { readAnnotation, readSources } from './citations.ts'
import { readFinish } from './finish.ts'
import { argumentsText, madeUpId, sayText, sealOf, textOf } from './read-answer.ts'
import { readAudio, readImages, readLogprobs, readSpoken } from './spoken.ts'
import { readReasoningDetail } from './to-parts.ts'

type Json = Readonly<Record<string, unknown>>

interface CallSoFar {
  key: number
  id: string | undefined
  name: string
  custom: boolean
  /** Arguments that came before the name did. */
  early: string
}

interface ChoiceSoFar {
  parts: PartSequencer
  calls: CallSoFar[]
  thought: string
  /** Addresses that its text was said to be from. */
  cited: Set<string>
}

/**
 * Reads a stream of chunks. Servers differ: an index may be missing, the same for every call, or not begin at 0; an
 * id may be empty; a name may be repeated; a finish reason may never come. All of these are mended here.
 */
export class ChatReader extends SseReader {
  readonly #options: ReaderOptions
  readonly #choices = new Map<number, ChoiceSoFar>()
  #started = false
  /** The report that comes last has come. */
  counted = false
  #calls = 0
  /** Those beside the choices, which some servers repeat with every chunk: the last list stands. */
  #sources: readonly Citation[] = []

  constructor(options: ReaderOptions) {
    super()
    this.#options = options
  }

  protected read(event: SseEvent): ChatEvent[] {
    if (event.data === undefined) return []
    if (event.data.startsWith('[DONE]')) return [...this.#end()]
    const chunk: unknown = JSON.parse(event.data)
    const error = readOpenAiError(chunk)
    if (error) return [{ type: 'error', error }]
    if (event.type === 'error') return [{ type: 'error', error: noWords }]
    if (!isObject(chunk)) {
      this.skipped += 1
      return []
    }
    return [...this.#readChunk(chunk)]
  }

  /**
   * Some servers close without an end mark (quirk `no_end_mark`). A stream that has given every choice its finish
   * reason, and the report that comes last, is whole all the same.
   */
  protected override close(): ChatEvent[] {
    const mayLackEnd = this.#options.quirks?.has('no_end_mark') === true
    return mayLackEnd && this.counted && this.#isFinished() ? [{ type: 'end' }] : []
  }

  #isFinished(): boolean {
    for (const { parts } of this.#choices.values()) if (!parts.finished) return false
    return this.#choices.size > 0
  }

  *#readChunk(chunk: Json): Generator<ChatEvent> {
    // Azure's first chunk is about its filter: no model, no choices.
    if (!this.#started && (textOf(chunk.model) !== undefined || hasChoices(chunk))) {
      this.#started = true
      const [id, model, serviceTier] = [textOf(chunk.id), textOf(chunk.model), textOf(chunk.service_tier)]
      yield { type: 'start', ...(id && { id }), ...(model && { model }), ...(serviceTier && { serviceTier }) }
    }
    if (chunk.citations || chunk.search_results) this.#sources = readSources(chunk)
    if (Array.isArray(chunk.choices))
      for (const choice of chunk.choices) if (isObject(choice)) yield* this.#readChoice(choice)
    const usage =
      readOpenAiUsage(chunk.usage) ?? readOpenAiUsage(isObject(chunk.x_groq) && chunk.x_groq.usage)
    if (!usage) return
    this.counted = !hasChoices(chunk) || this.#isFinished()
    const bill = readBill(chunk.usage)
    yield { type: 'usage', usage, ...(bill && { bill }) }
  }

  *#readChoice(json: Json): Generator<ChatEvent> {
    const choice = this.#choiceAt(typeof json.index === 'number' ? json.index : 0)
    if (!choice) {
      this.skipped += 1
      return
    }
    if (choice.parts.finished) return
    const delta = isObject(json.delta) ? json.delta : isObject(json.message) ? json.message : {}
    yield* this.#readDelta(choice, delta, json.logprobs)
    const reason = textOf(json.finish_reason)
    if (reason !== undefined) yield* this.#finish(choice, reason)
  }

  *#readDelta(choice: ChoiceSoFar, delta: Json, logprobs: unknown): Generator<ChatEvent> {
    const { parts } = choice
    const spoken = readSpoken(delta)
    const details = Array.isArray(delta.reasoning_details) ? delta.reasoning_details : []
    if (spoken.reasoning !== '' && !sayText(details)) {
      choice.thought += spoken.reasoning
      yield* parts.text('reasoning', spoken.reasoning)
    }
    yield* readDetails(choice, details)
    const tokens = logprobs ? readLogprobs(logprobs) : undefined
    if (spoken.text !== '' || tokens) yield* parts.text('text', spoken.text, tokens)
    if (spoken.refusal !== '') yield* parts.text('refusal', spoken.refusal)
    if (Array.isArray(delta.annotations)) {
      for (const annotation of delta.annotations) {
        const citation = readAnnotation(annotation)
        if (!citation) this.skipped += 1
        else {
          if (citation.url !== undefined) choice.cited.add(citation.url)
          yield* parts.beside('text', { type: 'citation', citation })
        }
      }
    }
    const seal = sealOf(delta)
    if (seal !== undefined)
      yield* parts.beside('text', {
        type: 'signature',
        signature: readSignature(seal, 'openai-chat', 'seal'),
      })
    for (const part of [...readImages(delta), ...readAudio(delta)]) yield* parts.whole(part)
    if (Array.isArray(delta.tool_calls))
      for (const call of delta.tool_calls) if (isObject(call)) yield* this.#readCall(choice, call)
    if (isObject(delta.function_call))
      yield* this.#readCall(choice, { index: 0, function: delta.function_call })
  }

  *#readCall(choice: ChoiceSoFar, json: Json): Generator<ChatEvent> {
    const custom = isObject(json.custom) ? json.custom : undefined
    const fn = custom ?? (isObject(json.function) ? json.function : {})
    const call = this.#callOf(choice, json)
    call.custom ||= custom !== undefined
    if (call.name === '') call.name = textOf(fn.name) ?? ''
    const text = call.early + argumentsText(custom ? custom.input : fn.arguments)
    if (call.name === '') {
      call.early = text
      return
    }
    call.early = ''
    call.id ??= madeUpId(this.#options.hex, this.#calls++)
    const start = { id: call.id, name: call.name, ...(call.custom && { custom: true }) }
    yield* choice.parts.call(call.key, start, text)
    const seal = sealOf(json)
    if (seal !== undefined) yield* choice.parts.sealCall(call.key, readSignature(seal, 'openai-chat', 'seal'))
  }

  /** By its number, unless another id says that it is another call; without a number the last one, or a new one. */
  #callOf({ calls }: ChoiceSoFar, json: Json): CallSoFar {
    const id = textOf(json.id)
    const numbered =
      typeof json.index === 'number'
        ? calls.findLast(({ key }) => key % numbersPerId === json.index)
        : id === undefined
          ? calls.at(-1)
          : calls.find(call => call.id === id)
    if (numbered && (id === undefined || numbered.id === undefined || numbered.id === id)) {
      numbered.id ??= id
      return numbered
    }
    const same = id === undefined ? undefined : calls.find(call => call.id === id)
    if (same) return same
    const key = (typeof json.index === 'number' ? json.index : calls.length) + calls.length * numbersPerId
    const call: CallSoFar = { key, id, name: '', custom: false, early: '' }
    calls.push(call)
    return call
  }

  *#finish({ parts, calls, cited }: ChoiceSoFar, word: string): Generator<ChatEvent> {
    for (const citation of this.#sources)
      if (!cited.has(citation.url ?? '')) yield* parts.beside('text', { type: 'citation', citation })
    for (const call of calls) if (call.name === '' && call.early !== '') this.skipped += 1
    yield* parts.finish(readFinish(word))
  }

  /** Some servers never give a reason; where the report has not come either, it is not the end. */
  *#end(): Generator<ChatEvent> {
    if (!this.counted && !this.#isFinished()) throw new SyntaxError('an end mark before the end')
    for (const choice of this.#choices.values())
      if (!choice.parts.finished) yield* this.#finish(choice, 'stop')
    yield { type: 'end' }
  }

  #choiceAt(index: number): ChoiceSoFar | undefined {
    if (!Number.isInteger(index) || index < 0 || index >= mostChoices) return undefined
    let choice = this.#choices.get(index)
    if (!choice) {
      choice = { parts: new PartSequencer(index), calls: [], thought: '', cited: new Set() }
      this.#choices.set(index, choice)
    }
    return choice
  }
}

/** As many as can be asked for (`n`); a number past it is no index, and would have writers fill the gap before it. */
const mostChoices = 128

/** Calls that share a number are told apart above it. */
const numbersPerId = 1_000_000

function hasChoices(chunk: Json): boolean {
  return Array.isArray(chunk.choices) && chunk.choices.length > 0
}

/** Pieces of thought with their seals; a whole thought that repeats what was streamed brings only its seal. */
function* readDetails(choice: ChoiceSoFar, details: readonly unknown[]): Generator<ChatEvent> {
  for (const detail of details) {
    if (!isObject(detail)) continue
    for (const { text, signature } of readReasoningDetail(detail)) {
      if (signature?.kind === 'sealed' && text !== choice.thought) {
        choice.thought = ''
        yield* choice.parts.endPart()
      }
      if (text !== '' && text !== choice.thought) {
        choice.thought += text
        yield* choice.parts.text('reasoning', text)
      }
      if (signature) {
        yield* choice.parts.beside('reasoning', { type: 'signature', signature })
        choice.thought = ''
      }
    }
  }
}
