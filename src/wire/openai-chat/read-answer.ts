import type { AnswerPart, ChatAnswer, Choice, Citation, ToolCallPart } from '#exchange'
import { readBill } from '../bill.ts'
import type { AnswerFacts, ReaderOptions } from '../dialect.ts'
import { isObject, parseObject } from '../json-body.ts'
import { readOpenAiError } from '../openai/error.ts'
import { readOpenAiUsage } from '../openai/usage.ts'
import { said } from '../reading.ts'
import { readSignature } from '../signature.ts'
import { readAnnotation, readSources } from './citations.ts'
import { readFailedChoice } from './failed-choice.ts'
import { readFinish } from './finish.ts'
import { readAudio, readImages, readLogprobs, readSpoken } from './spoken.ts'
import { readReasoningDetail } from './to-parts.ts'

type Json = Readonly<Record<string, unknown>>

export function readChatFacts(body: Buffer): AnswerFacts | undefined {
  const json = parseObject(body.toString())
  if (!json || !Array.isArray(json.choices)) return undefined
  return {
    usage: readOpenAiUsage(json.usage),
    model: textOf(json.model),
    bill: readBill(json.usage, json.service_tier),
    failed: readOpenAiError(json) ?? readFailedChoice(json.choices),
    isEmpty: json.choices.length === 0,
  }
}

/** A whole answer. Undefined when it is none: an error, another format. */
export function readChatAnswer(json: Json, options: ReaderOptions): ChatAnswer | undefined {
  if (!Array.isArray(json.choices) || json.error) return undefined
  return said<ChatAnswer>({
    id: textOf(json.id),
    model: textOf(json.model),
    serviceTier: textOf(json.service_tier),
    choices: json.choices.filter(isObject).map(choice => readChoice(choice, options, readSources(json))),
    usage: readOpenAiUsage(json.usage),
    bill: readBill(json.usage),
  })
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Azure leaves the message out where its filter has blocked it. */
function readChoice(choice: Json, options: ReaderOptions, sources: readonly Citation[]): Choice {
  const message = isObject(choice.message) ? choice.message : {}
  const parts = readMessage(message, options, sources)
  const finish = readFinish(textOf(choice.finish_reason) ?? 'stop')
  const calls = parts.some(({ type }) => type === 'tool-call')
  return said<Choice>({
    parts,
    finish: finish.reason === 'stop' && calls ? { ...finish, reason: 'tool-calls' } : finish,
    logprobs: readLogprobs(choice.logprobs),
  })
}

function readMessage(message: Json, options: ReaderOptions, sources: readonly Citation[]): AnswerPart[] {
  const spoken = readSpoken(message)
  const citations = (Array.isArray(message.annotations) ? message.annotations : [])
    .map(readAnnotation)
    .filter(citation => citation !== undefined)
  citations.push(...sources.filter(({ url }) => citations.every(cited => cited.url !== url)))
  return [
    ...readThoughts(message, spoken.reasoning),
    ...readText(spoken.text, citations, sealOf(message)),
    ...(spoken.refusal === '' ? [] : [{ type: 'refusal' as const, text: spoken.refusal }]),
    ...readImages(message),
    ...readAudio(message),
    ...readCalls(message, options),
  ]
}

function readThoughts(message: Json, text: string): AnswerPart[] {
  const details = Array.isArray(message.reasoning_details) ? message.reasoning_details.filter(isObject) : []
  const sealed = details.flatMap(readReasoningDetail)
  if (text === '' || sayText(details)) return sealed
  return [{ type: 'reasoning', text }, ...sealed]
}

/** Whether the details of a thought hold its words too, or only seals beside them. */
export function sayText(details: readonly unknown[]): boolean {
  return details.filter(isObject).some(detail => readReasoningDetail(detail).some(({ text }) => text !== ''))
}

function readText(text: string, citations: readonly Citation[], seal: string | undefined): AnswerPart[] {
  if (text === '' && citations.length === 0 && seal === undefined) return []
  return [
    {
      type: 'text',
      text,
      ...(citations.length > 0 && { citations }),
      ...(seal !== undefined && { signature: readSignature(seal, 'openai-chat', 'seal') }),
    },
  ]
}

function readCalls(message: Json, { hex }: ReaderOptions): ToolCallPart[] {
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls.filter(isObject) : []
  if (isObject(message.function_call)) calls.push({ function: message.function_call })
  return calls.map((call, index) => {
    const custom = isObject(call.custom) ? call.custom : undefined
    const fn = custom ?? (isObject(call.function) ? call.function : {})
    const args = argumentsText(custom ? custom.input : fn.arguments)
    const seal = sealOf(call)
    return {
      type: 'tool-call',
      id: textOf(call.id) ?? madeUpId(hex, index),
      name: textOf(fn.name) ?? '',
      arguments: args === '' && !custom ? '{}' : args,
      ...(custom && { custom: true }),
      ...(seal !== undefined && { signature: readSignature(seal, 'openai-chat', 'seal') }),
    }
  })
}

/** Ollama and others give the arguments as an object. */
export function argumentsText(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined || value === null ? '' : JSON.stringify(value)
}

/** For servers that give a tool call no id, or an empty one. */
export function madeUpId(hex: string, index: number): string {
  return `call_${hex.slice(-20)}${String(index).padStart(4, '0')}`
}

/** Of a call, or of a message's text: Gemini's, by Google's own endpoint (recorded), and any that we pass on. */
export function sealOf(sealed: Json): string | undefined {
  const extra = isObject(sealed.extra_content) ? sealed.extra_content : {}
  const google = isObject(extra.google) ? extra.google : {}
  return textOf(google.thought_signature)
}
