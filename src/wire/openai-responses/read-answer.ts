import type { AnswerPart, ChatAnswer, ReasoningPart, Signature, TokenLogprob, ToolCallPart } from '#exchange'
import { readBill } from '../bill.ts'
import type { AnswerFacts } from '../dialect.ts'
import { isObject, parseObject } from '../json-body.ts'
import { readSearchedUsage } from '../openai/usage.ts'
import { said } from '../reading.ts'
import { readSignature } from '../signature.ts'
import { readAnnotations, readLogprobs } from './annotations.ts'
import { readFailedResponse, readFinish } from './finish.ts'
import { isOurs } from './ids.ts'

type Json = Readonly<Record<string, unknown>>

export function readResponsesFacts(body: Buffer): AnswerFacts | undefined {
  const json = parseObject(body.toString())
  if (!json || !Array.isArray(json.output)) return undefined
  return {
    usage: readSearchedUsage(json),
    model: textOf(json.model),
    bill: readBill(json.usage, json.service_tier),
    failed: readFailedResponse(json),
  }
}

/** A whole response. Undefined when it is none: an error, another format. */
export function readResponse(json: Json): ChatAnswer | undefined {
  if (!Array.isArray(json.output)) return undefined
  const items = json.output.filter(isObject)
  const parts = items.flatMap(readItem)
  const logprobs = items.flatMap(itemLogprobs)
  return said<ChatAnswer>({
    id: textOf(json.id),
    model: textOf(json.model),
    serviceTier: textOf(json.service_tier),
    choices: [
      {
        parts,
        finish: readFinish(json, parts.some(isCall)),
        ...(logprobs.length > 0 && { logprobs }),
      },
    ],
    usage: readSearchedUsage(json),
    bill: readBill(json.usage),
  })
}

function isCall(part: AnswerPart): boolean {
  return part.type === 'tool-call'
}

/** What an item of the output says. One that no other dialect has words for is kept as it is. */
export function readItem(item: Json): AnswerPart[] {
  switch (item.type) {
    case 'message':
      return Array.isArray(item.content) ? item.content.filter(isObject).map(readContent) : []
    case 'reasoning':
      return [readThought(item)]
    case 'function_call':
    case 'custom_tool_call':
      return [readCall(item)]
    case 'image_generation_call':
      if (typeof item.result === 'string' && item.result !== '') return [readPicture(item, item.result)]
      return [{ type: 'opaque', dialect: 'openai-responses', value: item }]
    default:
      return [{ type: 'opaque', dialect: 'openai-responses', value: item }]
  }
}

export function readContent(part: Json): AnswerPart {
  if (part.type === 'refusal') return { type: 'refusal', text: textOf(part.refusal) ?? '' }
  if (part.type !== 'output_text') {
    const value = { type: 'message', role: 'assistant', content: [part] }
    return { type: 'opaque', dialect: 'openai-responses', value }
  }
  const citations = readAnnotations(part.annotations)
  const signature = readSeal(part)
  return {
    type: 'text',
    text: textOf(part.text) ?? '',
    ...(citations.length > 0 && { citations }),
    ...(signature && { signature }),
  }
}

/** What is shown of a thought: summaries, or the thought itself, each in parts. */
export function readThought(item: Json): ReasoningPart {
  const texts = [item.summary, item.content]
    .flatMap(list => (Array.isArray(list) ? list.filter(isObject) : []))
    .map(({ text }) => textOf(text) ?? '')
  const signature = thoughtSignature(item)
  return {
    type: 'reasoning',
    text: texts.filter(text => text !== '').join('\n\n'),
    ...(signature && { signature }),
  }
}

/** The sealed thought, or its id where the provider keeps it; an id that we made says nothing to anybody. */
export function thoughtSignature(item: Json): Signature | undefined {
  if (typeof item.encrypted_content === 'string' && item.encrypted_content !== '')
    return readSignature(item.encrypted_content, 'openai-responses', 'sealed')
  if (typeof item.id !== 'string' || isOurs(item.id)) return undefined
  return { dialect: 'openai-responses', kind: 'reference', value: item.id }
}

/** A seal of a text or a tool call, which only other dialects have: it travels as `encrypted_content` there too. */
export function readSeal(json: Json): Signature | undefined {
  return typeof json.encrypted_content === 'string'
    ? readSignature(json.encrypted_content, 'openai-responses', 'sealed')
    : undefined
}

export function readCall(item: Json): ToolCallPart {
  const custom = item.type === 'custom_tool_call'
  const text = textOf(custom ? item.input : item.arguments) ?? ''
  const signature = readSeal(item)
  return {
    type: 'tool-call',
    id: textOf(item.call_id) ?? textOf(item.id) ?? '',
    name: textOf(item.name) ?? '',
    arguments: text === '' && !custom ? '{}' : text,
    ...(custom && { custom }),
    ...(signature && { signature }),
  }
}

function readPicture(item: Json, base64: string): AnswerPart {
  const mediaType = `image/${textOf(item.output_format) ?? 'png'}`
  return { type: 'image', source: { kind: 'data', mediaType, base64 } }
}

export function itemLogprobs(item: Json): TokenLogprob[] {
  if (item.type !== 'message' || !Array.isArray(item.content)) return []
  return item.content.filter(isObject).flatMap(({ logprobs }) => readLogprobs(logprobs))
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
