import { type Asked, allow, type Decision, type Refusal, refuse } from '#exchange'
import type { AnswerFacts, DialectModule, StreamFacts, StreamTap } from './dialect.ts'
import { exchangeFields } from './json-fields.ts'
import { readOpenAiError, renderOpenAiError, renderOpenAiErrorEvent } from './openai-error.ts'
import {
  isObject,
  type OpenAiBody,
  parseObject,
  readAttribution,
  readOpenAiBody,
  wrongType,
} from './openai-request.ts'
import { readOpenAiUsage } from './openai-usage.ts'
import { type SseEvent, SseSplitter } from './sse.ts'

/**
 * OpenAI Chat Completions (openai-openapi, `/chat/completions`), for a provider of the same dialect: the caller's
 * bytes go through with two values exchanged, the answer's bytes come back with the usage read in passing.
 */
export const openAiChat: DialectModule = {
  path: '/chat/completions',
  parseRequest: parseChatRequest,
  readAnswer: readChatAnswer,
  createStreamTap: options => new ChatStreamTap(options),
  readError: readOpenAiError,
  renderError: renderOpenAiError,
  renderErrorEvent: renderOpenAiErrorEvent,
}

function parseChatRequest(body: Buffer): Decision<Asked> {
  const read = readOpenAiBody(body)
  if (!read.ok) return read
  const problem = findProblem(read.value.json)
  if (problem) return problem
  return allow(askedOf(body, read.value))
}

function findProblem(json: Record<string, unknown>): Refusal | undefined {
  if (typeof json.model !== 'string' || json.model === '')
    return wrongType('model', 'the name of a model', json.model)
  if (!Array.isArray(json.messages)) return wrongType('messages', 'an array of messages', json.messages)
  if (json.messages.length === 0) {
    return refuse('invalid_request', '`messages` must have at least one message.', { param: 'messages' })
  }
  for (const [index, message] of json.messages.entries()) {
    if (!isObject(message)) return wrongType(`messages[${index}]`, 'an object', message)
    if (typeof message.role !== 'string')
      return wrongType(`messages[${index}].role`, 'a string', message.role)
  }
  if (!isOptional(json.stream, 'boolean')) return wrongType('stream', 'true or false', json.stream)
  if (json.stream_options != null && !isObject(json.stream_options)) {
    return wrongType('stream_options', 'an object', json.stream_options)
  }
  return undefined
}

function isOptional(value: unknown, type: 'boolean'): boolean {
  return value === undefined || value === null || typeof value === type
}

function askedOf(body: Buffer, { json, fields }: OpenAiBody): Asked {
  const stream = json.stream === true
  const options = isObject(json.stream_options) ? json.stream_options : undefined
  return {
    operation: 'chat',
    dialect: 'openai-chat',
    model: String(json.model),
    stream,
    wantsUsage: options?.include_usage === true,
    ...readAttribution(json),
    estimatedInputTokens: Math.ceil(body.length / 4),
    renderFor: model =>
      exchangeFields(body, fields, {
        model: JSON.stringify(model),
        // Usage is always asked for: without it a stream could only be priced by guessing.
        ...(stream && { stream_options: JSON.stringify({ ...options, include_usage: true }) }),
      }),
  }
}

function readChatAnswer(body: Buffer): AnswerFacts | undefined {
  const json = parseObject(body.toString())
  if (!json || !Array.isArray(json.choices)) return undefined
  return {
    usage: readOpenAiUsage(json.usage),
    model: typeof json.model === 'string' ? json.model : undefined,
  }
}

class ChatStreamTap implements StreamTap {
  readonly facts: StreamFacts = {
    usage: undefined,
    pieces: 0,
    characters: 0,
    finished: false,
    ended: false,
    error: undefined,
    malformed: undefined,
  }
  readonly #splitter = new SseSplitter()
  readonly #showUsage: boolean
  readonly #begun = new Set<number>()
  readonly #finished = new Set<number>()

  constructor(options: { showUsage: boolean }) {
    this.#showUsage = options.showUsage
  }

  push(chunk: Buffer): Buffer {
    const kept: Buffer[] = []
    for (const event of this.#splitter.push(chunk)) {
      if (this.facts.ended || this.facts.error || this.facts.malformed) break // nothing counts after the end
      try {
        const bytes = this.#read(event)
        if (bytes) kept.push(bytes)
      } catch (cause) {
        this.facts.malformed = cause
      }
    }
    return kept.length === 1 && kept[0] ? kept[0] : Buffer.concat(kept)
  }

  /** The provider has closed the stream: an event without its empty line is still one when it is complete. */
  finish(): Buffer {
    const last = this.#splitter.rest.length > 0 ? this.push(Buffer.from('\n\n')) : Buffer.alloc(0)
    this.facts.malformed = undefined // half an event is a stream cut short, not one of another format
    return last
  }

  #read(event: SseEvent): Buffer | undefined {
    if (event.data === undefined) return event.bytes
    if (event.data.startsWith('[DONE]')) {
      this.facts.ended = true
      return event.bytes
    }
    const chunk: unknown = JSON.parse(event.data)
    this.facts.error =
      event.type === 'error' ? { code: undefined, type: undefined, param: undefined } : undefined
    this.facts.error = readOpenAiError(chunk) ?? this.facts.error
    if (this.facts.error || !isObject(chunk)) return undefined
    const choices = Array.isArray(chunk.choices) ? chunk.choices : []
    for (const choice of choices) if (isObject(choice)) this.#readChoice(choice)
    if (!isObject(chunk.usage)) return event.bytes
    this.facts.usage = readOpenAiUsage(chunk.usage) ?? this.facts.usage
    if (this.#showUsage) return event.bytes
    if (choices.length === 0) return undefined
    return Buffer.from(`data: ${JSON.stringify({ ...chunk, usage: undefined })}\n\n`)
  }

  #readChoice(choice: Record<string, unknown>): void {
    const index = typeof choice.index === 'number' ? choice.index : 0
    const characters = isObject(choice.delta) ? contentLength(choice.delta) : 0
    if (characters > 0) this.facts.pieces += 1
    this.facts.characters += characters
    this.#begun.add(index)
    if (typeof choice.finish_reason === 'string') this.#finished.add(index)
    this.facts.finished = this.#finished.size === this.#begun.size
  }
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
