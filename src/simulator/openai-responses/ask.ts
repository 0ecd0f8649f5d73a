import type { ChatAsk, Format, Thinking, Tool, ToolUse } from '../answer.ts'
import { ApiError } from '../api-error.ts'
import { weigh } from '../conversation.ts'
import type { Body, Order } from '../dialect.ts'
import { asBody, asList, asNumber, asText } from '../fields.ts'
import { checkBody } from './body-checks.ts'
import { asTurn, readInput } from './input.ts'
import type { Item, ResponseStore } from './store.ts'

/** What `POST /v1/responses` asks for. */
export interface ResponseAsk {
  chat: ChatAsk
  /** All that the model is shown, instructions aside. */
  input: readonly Item[]
  store: boolean
  /** How the summary of the reasoning is to be; absent: none. */
  summary: string | undefined
  wantsSealed: boolean
  obfuscates: boolean
}

/** Tokens that are thought at each effort, if the script does not say otherwise. */
const usualThinking: Readonly<Record<string, number>> = {
  none: 0,
  minimal: 8,
  low: 16,
  medium: 32,
  high: 64,
  xhigh: 128,
  max: 256,
}

/** Reads a body of `POST /v1/responses` (Responses, as the official SDKs of 2026 send it). */
export function readAsk(body: Body, order: Order, store: ResponseStore): ResponseAsk | ApiError {
  const mistake = checkBody(body)
  if (mistake) return mistake
  const input = readInput(body, { store, seed: order.seed, responseId: order.id })
  if (input instanceof ApiError) return input
  const include = asList(body.include)
  const { summary, generate_summary } = asBody(body.reasoning)
  return {
    chat: readChat(body, input),
    input,
    store: body.store !== false,
    summary: asText(summary) ?? asText(generate_summary),
    wantsSealed: include.includes('reasoning.encrypted_content'),
    obfuscates: asBody(body.stream_options).include_obfuscation !== false,
  }
}

/** What of a request costs and shapes the answer; `POST /v1/responses/input_tokens` has the same. */
export function readChat(body: Body, input: readonly Item[]): ChatAsk {
  const instructions = asText(body.instructions)
  const system = { role: 'system', text: instructions ?? '', calls: '', attachments: 0, fromUser: false }
  const turns = [...(instructions === undefined ? [] : [system]), ...input.map(asTurn)]
  const { format } = asBody(body.text)
  const extras = [asList(body.tools).length > 0 ? body.tools : undefined, format]
  const wantsChances = asList(body.include).includes('message.output_text.logprobs')
  return {
    stream: body.stream === true,
    wantsUsage: true,
    choices: 1,
    maxTokens: asNumber(body.max_output_tokens),
    stops: [],
    parallelTools: body.parallel_tool_calls !== false,
    format: readFormat(asBody(format)),
    logprobs: wantsChances ? (asNumber(body.top_logprobs) ?? 0) : undefined,
    ...readToolChoice(body),
    ...weigh(turns, extras, ''),
    afterTool: input.at(-1)?.type === 'function_call_output',
    ...readThinking(asBody(body.reasoning)),
  }
}

function readThinking({ effort, summary, generate_summary }: Body): { thinking?: Thinking } {
  const shown = (summary ?? generate_summary ?? null) !== null
  if (!shown && typeof effort !== 'string') return {}
  const usual = usualThinking[asText(effort) ?? 'medium'] ?? 0
  return { thinking: { usual, most: effort === 'none' ? 0 : Number.MAX_SAFE_INTEGER, shown } }
}

function readFormat(format: Body): Format {
  if (format.type === 'json_object') return { kind: 'json' }
  if (format.type === 'json_schema') return { kind: 'schema', schema: format.schema ?? {} }
  return { kind: 'text' }
}

/** The functions that may be called, and whether one must be. Tools of other kinds are never called. */
function readToolChoice(body: Body): { tools: readonly Tool[]; toolUse: ToolUse } {
  const tools = asList(body.tools).map(asBody).flatMap(readTool)
  const choice = body.tool_choice
  if (choice === 'required' || choice === 'none') return { tools, toolUse: choice }
  const named = asBody(choice)
  if (named.type === 'function') {
    return { tools: tools.filter(tool => tool.name === named.name), toolUse: 'required' }
  }
  if (named.type === 'allowed_tools') {
    const names = asList(named.tools).map(tool => asBody(tool).name)
    const toolUse = named.mode === 'required' ? 'required' : 'auto'
    return { tools: tools.filter(tool => names.includes(tool.name)), toolUse }
  }
  return { tools, toolUse: 'auto' }
}

function readTool({ type, name, parameters }: Body): Tool[] {
  if (type !== 'function' || typeof name !== 'string') return []
  return [{ name, schema: parameters ?? { type: 'object' } }]
}
