import {
  type ChatRequest,
  type Extra,
  efforts,
  type OutputFormat,
  type Reasoning,
  type Tool,
  type ToolChoice,
} from '#exchange'
import { readExtras } from '../extras.ts'
import { isObject, parseObject } from '../json-body.ts'
import {
  optionalArray,
  optionalBoolean,
  optionalNumber,
  optionalObject,
  optionalString,
  optionalTexts,
  optionalWord,
  requiredObject,
  requiredString,
  said,
} from '../reading.ts'
import { responsesFields } from './fields.ts'
import { isStrictSchema } from './strict-schema.ts'
import { ItemsReader } from './to-items.ts'

type Json = Readonly<Record<string, unknown>>

/** Everything a caller's request says, behind earlier items of its conversation. Throws a `Fault` at what is wrong. */
export function readResponsesRequest(body: Buffer, history: readonly unknown[] | undefined): ChatRequest {
  const json = parseObject(body.toString()) ?? {}
  const items = new ItemsReader()
  const instructions = optionalString(json, 'instructions')
  if (instructions !== undefined)
    items.messages.push({ role: 'system', parts: [{ type: 'text', text: instructions }] })
  items.read(history, 'history')
  items.read(json.input, 'input')
  items.checkAnswered()
  const include = readInclude(json)
  const tools = (optionalArray(json, 'tools') ?? []).map(readTool)
  return {
    messages: items.messages,
    tools: tools.map(({ tool }) => tool),
    extras: [
      ...readExtras(json, responsesFields).filter(extra => asksForSomething(extra)),
      ...items.extras,
      ...tools.flatMap(({ extras }) => extras),
      ...include.extras,
      ...readReasoningExtras(json),
    ],
    ...said<Partial<ChatRequest>>({
      toolChoice: readToolChoice(json.tool_choice),
      parallelToolCalls: optionalBoolean(json, 'parallel_tool_calls'),
      ...readText(optionalObject(json, 'text')),
      reasoning: readReasoning(optionalObject(json, 'reasoning')),
      maxOutputTokens: optionalNumber(json, 'max_output_tokens', { min: 1, whole: true }),
      temperature: optionalNumber(json, 'temperature', { min: 0, max: 2 }),
      topP: optionalNumber(json, 'top_p', { min: 0, max: 1 }),
      logprobs: include.logprobs,
      serviceTier: optionalString(json, 'service_tier'),
      user: optionalString(json, 'safety_identifier') ?? optionalString(json, 'user'),
      metadata: optionalTexts(json, 'metadata'),
      promptCacheKey: optionalString(json, 'prompt_cache_key'),
    }),
  }
}

/** What is said of itself by saying nothing: not to be cut, nothing to be managed. */
function asksForSomething({ field, value }: Extra): boolean {
  if (field === 'truncation') return value !== 'disabled'
  return !(Array.isArray(value) && value.length === 0)
}

function readInclude(json: Json): { logprobs?: { top: number }; extras: Extra[] } {
  const top = optionalNumber(json, 'top_logprobs', { min: 0, max: 20, whole: true })
  const wanted = (optionalArray(json, 'include') ?? []).map((value, index) =>
    requiredString({ value }, 'value', `include[${index}]`),
  )
  const logprobs = wanted.includes('message.output_text.logprobs') || (top ?? 0) > 0
  // Sealed thoughts are always given; the rest is told by tools that only the dialect's own providers run.
  const others = wanted.filter(
    value => value !== 'message.output_text.logprobs' && value !== 'reasoning.encrypted_content',
  )
  return {
    ...(logprobs && { logprobs: { top: top ?? 0 } }),
    extras: others.map(value => ({ field: 'include', value, weight: 'hint' })),
  }
}

function readText(json: Json | undefined): Partial<ChatRequest> {
  if (!json) return {}
  return {
    ...said<Partial<ChatRequest>>({
      format: readFormat(optionalObject(json, 'format', 'text.format')),
      verbosity: optionalWord(json, 'verbosity', ['low', 'medium', 'high'], 'text.verbosity'),
    }),
  }
}

function readFormat(json: Json | undefined): OutputFormat | undefined {
  if (!json) return undefined
  const type = optionalWord(json, 'type', ['text', 'json_object', 'json_schema'], 'text.format.type')
  if (type === 'json_object') return { type: 'json' }
  if (type !== 'json_schema') return undefined
  return {
    type: 'json-schema',
    schema: requiredObject(json.schema, 'text.format.schema'),
    ...said({
      name: optionalString(json, 'name', 'text.format.name'),
      description: optionalString(json, 'description', 'text.format.description'),
      strict: optionalBoolean(json, 'strict', 'text.format.strict'),
    }),
  } as OutputFormat
}

function readReasoning(json: Json | undefined): Reasoning | undefined {
  if (!json) return undefined
  const words = ['auto', 'concise', 'detailed'] as const
  const reasoning = said<Reasoning>({
    effort: optionalWord(json, 'effort', efforts, 'reasoning.effort'),
    show:
      optionalWord(json, 'summary', words, 'reasoning.summary') ??
      optionalWord(json, 'generate_summary', words, 'reasoning.generate_summary'),
  })
  return Object.keys(reasoning).length > 0 ? reasoning : undefined
}

function readReasoningExtras(json: Json): Extra[] {
  const { context, mode } = isObject(json.reasoning) ? json.reasoning : {}
  const extras: Extra[] = []
  if (typeof context === 'string' && context !== 'auto')
    extras.push({ field: 'reasoning.context', value: context, weight: 'hint' })
  if (typeof mode === 'string' && mode !== 'standard')
    extras.push({ field: 'reasoning.mode', value: mode, weight: 'meaning' })
  return extras
}

interface ReadTool {
  tool: Tool
  extras: Extra[]
}

function readTool(value: unknown, index: number): ReadTool {
  const path = `tools[${index}]`
  const json = requiredObject(value, path)
  const type = requiredString(json, 'type', `${path}.type`)
  if (type === 'function') return { tool: readFunction(json, path), extras: readToolExtras(json) }
  if (type !== 'custom')
    return { tool: { type: 'hosted', dialect: 'openai-responses', name: type, value }, extras: [] }
  const tool = {
    type: 'custom',
    name: requiredString(json, 'name', `${path}.name`),
    ...said({
      description: optionalString(json, 'description', `${path}.description`),
      format: json.format ?? undefined,
    }),
  } as Tool
  return { tool, extras: readToolExtras(json) }
}

/**
 * Strict is what a function is here unless it says otherwise; but the API makes a schema strict that is not, and
 * falls back where it cannot. Other APIs refuse such a schema, so only one that is strict as it stands is called so.
 */
function readFunction(json: Json, path: string): Tool {
  const schema = optionalObject(json, 'parameters', `${path}.parameters`)
  const strict =
    optionalBoolean(json, 'strict', `${path}.strict`) ?? (isStrictSchema(schema) ? true : undefined)
  return {
    type: 'function',
    name: requiredString(json, 'name', `${path}.name`),
    ...said({ description: optionalString(json, 'description', `${path}.description`), schema, strict }),
  } as Tool
}

function readToolExtras(json: Json): Extra[] {
  const extras: Extra[] = []
  if (json.async === true) extras.push({ field: 'tools[].async', value: true, weight: 'meaning' })
  for (const name of ['allowed_callers', 'defer_loading', 'output_schema']) {
    const value = json[name]
    if (value !== undefined && value !== null && value !== false)
      extras.push({ field: `tools[].${name}`, value, weight: 'hint' })
  }
  return extras
}

function readToolChoice(value: unknown): ToolChoice | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string')
    return { type: optionalWord({ value }, 'value', ['auto', 'none', 'required'], 'tool_choice') ?? 'auto' }
  const json = requiredObject(value, 'tool_choice')
  if (json.type !== 'allowed_tools') return { type: 'tool', name: readToolName(json, 'tool_choice') }
  const tools = optionalArray(json, 'tools', 'tool_choice.tools') ?? []
  return {
    type: 'allowed',
    mode: optionalWord(json, 'mode', ['auto', 'required'], 'tool_choice.mode') ?? 'auto',
    names: tools.map((tool, index) => readToolName(tool, `tool_choice.tools[${index}]`)),
  }
}

/** A tool that the provider runs is called by its type. */
function readToolName(value: unknown, path: string): string {
  const json = requiredObject(value, path)
  const type = requiredString(json, 'type', `${path}.type`)
  return type === 'function' || type === 'custom' ? requiredString(json, 'name', `${path}.name`) : type
}
