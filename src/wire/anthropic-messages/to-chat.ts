import type { ChatRequest, Extra, Message, OutputFormat, Reasoning, Tool, ToolChoice } from '#exchange'
import { readCacheControl } from '../cache-control.ts'
import { readExtras } from '../extras.ts'
import { parseObject } from '../json-body.ts'
import {
  optionalArray,
  optionalBoolean,
  optionalNumber,
  optionalObject,
  optionalString,
  optionalWord,
  requiredObject,
  requiredString,
  said,
  wrong,
} from '../reading.ts'
import { messagesFields } from './fields.ts'
import {
  attachSeals,
  readAssistantBlock,
  readContent,
  readSystemBlock,
  readText,
  readUserBlock,
} from './to-parts.ts'

type Json = Readonly<Record<string, unknown>>

/** Everything a caller's request says. Throws a `Fault` at what is wrong. */
export function readMessagesRequest(body: Buffer): ChatRequest {
  const json = parseObject(body.toString()) ?? {}
  const tools = (optionalArray(json, 'tools') ?? []).map((tool, index) => readTool(tool, index))
  const choice = optionalObject(json, 'tool_choice')
  const serial =
    choice && optionalBoolean(choice, 'disable_parallel_tool_use', 'tool_choice.disable_parallel_tool_use')
  const metadata = optionalObject(json, 'metadata') ?? {}
  const maxTokens = optionalNumber(json, 'max_tokens', { min: 0, whole: true })
  const { reasoning, extras } = readReasoning(json)
  return {
    messages: [...readSystem(json), ...readMessages(optionalArray(json, 'messages') ?? [])],
    tools,
    extras: [
      ...readExtras(json, messagesFields),
      ...extras,
      ...readToolExtras(json),
      ...(maxTokens === 0 ? [{ field: 'max_tokens', value: 0, weight: 'meaning' as const }] : []),
    ],
    ...readCacheControl(json, ''),
    ...said<Partial<ChatRequest>>({
      toolChoice: choice && readToolChoice(choice),
      parallelToolCalls: serial === undefined ? undefined : !serial,
      format: readFormat(json),
      reasoning,
      maxOutputTokens: maxTokens === 0 ? undefined : maxTokens,
      temperature: optionalNumber(json, 'temperature', { min: 0, max: 1 }),
      topP: optionalNumber(json, 'top_p', { min: 0, max: 1 }),
      topK: optionalNumber(json, 'top_k', { min: 0, whole: true }),
      stop: optionalArray(json, 'stop_sequences')?.map((text, index) =>
        requiredString({ text }, 'text', `stop_sequences[${index}]`),
      ),
      serviceTier: readTier(json),
      user: optionalString(metadata, 'user_id', 'metadata.user_id'),
    }),
  }
}

function readSystem(json: Json): Message[] {
  if (json.system === undefined || json.system === null) return []
  const parts = readContent(json.system, 'system', readText)
  return parts.length > 0 ? [{ role: 'system', parts }] : []
}

function readMessages(values: readonly unknown[]): Message[] {
  const calls = new Set<string>()
  return values.map((value, index): Message => {
    const path = `messages[${index}]`
    const json = requiredObject(value, path)
    const role = optionalWord(json, 'role', ['user', 'assistant', 'system'], `${path}.role`)
    switch (role) {
      case 'system':
        return { role, parts: readContent(json.content, `${path}.content`, readSystemBlock) }
      case 'assistant': {
        const parts = attachSeals(readContent(json.content, `${path}.content`, readAssistantBlock))
        for (const part of parts) if (part.type === 'tool-call') calls.add(part.id)
        return { role, parts }
      }
      case 'user': {
        const parts = readContent(json.content, `${path}.content`, readUserBlock)
        const [at, orphan] =
          [...parts.entries()].find(([, part]) => part.type === 'tool-result' && !calls.has(part.callId)) ??
          []
        if (orphan?.type === 'tool-result')
          wrong(
            `${path}.content[${at}].tool_use_id`,
            `\`${path}.content[${at}]\` is a result of \`${orphan.callId}\`, which no message before it calls.`,
          )
        return { role, parts }
      }
      default:
        return wrong(`${path}.role`, `\`${path}.role\` must be a string.`)
    }
  })
}

function readTool(value: unknown, index: number): Tool {
  const path = `tools[${index}]`
  const json = requiredObject(value, path)
  const type = optionalString(json, 'type', `${path}.type`) ?? 'custom'
  if (type !== 'custom') {
    const name = optionalString(json, 'name', `${path}.name`) ?? type
    return { type: 'hosted', dialect: 'anthropic-messages', name, value }
  }
  return {
    type: 'function',
    name: requiredString(json, 'name', `${path}.name`),
    schema: requiredObject(json.input_schema, `${path}.input_schema`),
    ...said<{ description?: string; strict?: boolean }>({
      description: optionalString(json, 'description', `${path}.description`),
      strict: optionalBoolean(json, 'strict', `${path}.strict`),
    }),
    ...readCacheControl(json, path),
  }
}

/** Ways of a tool that no other dialect has. */
function readToolExtras(json: Json): Extra[] {
  const weights = {
    defer_loading: 'hint',
    eager_input_streaming: 'hint',
    input_examples: 'hint',
    allowed_callers: 'meaning',
  } as const
  return (optionalArray(json, 'tools') ?? []).flatMap((value, index) => {
    const tool = requiredObject(value, `tools[${index}]`)
    if (tool.type !== undefined && tool.type !== null && tool.type !== 'custom') return []
    return Object.entries(weights).flatMap(([name, weight]) =>
      tool[name] === undefined || tool[name] === null || isUsual(name, tool[name])
        ? []
        : [{ field: `tools[${index}].${name}`, value: tool[name], weight }],
    )
  })
}

function isUsual(name: string, value: unknown): boolean {
  return value === false || (name === 'allowed_callers' && Array.isArray(value) && value.join() === 'direct')
}

function readToolChoice(json: Json): ToolChoice {
  const type = optionalWord(json, 'type', ['auto', 'any', 'tool', 'none'], 'tool_choice.type')
  switch (type) {
    case 'auto':
    case 'none':
      return { type }
    case 'any':
      return { type: 'required' }
    case 'tool':
      return { type: 'tool', name: requiredString(json, 'name', 'tool_choice.name') }
    default:
      return wrong('tool_choice.type', '`tool_choice.type` must be a string.')
  }
}

function readFormat(json: Json): OutputFormat | undefined {
  const config = optionalObject(json, 'output_config')
  const [format, path] = config?.format
    ? [optionalObject(config, 'format', 'output_config.format'), 'output_config.format']
    : [optionalObject(json, 'output_format'), 'output_format']
  if (!format) return undefined
  optionalWord(format, 'type', ['json_schema'], `${path}.type`)
  return { type: 'json-schema', schema: requiredObject(format.schema, `${path}.schema`) }
}

const effortWords = ['low', 'medium', 'high', 'xhigh', 'max'] as const

/** `thinking` and `output_config.effort` are one wish. What of it has no word stands among the extras. */
function readReasoning(json: Json): { reasoning?: Reasoning; extras: Extra[] } {
  const config = optionalObject(json, 'output_config') ?? {}
  const effort = optionalWord(config, 'effort', effortWords, 'output_config.effort')
  const thinking = optionalObject(json, 'thinking')
  const extras: Extra[] = []
  if (config.task_budget !== undefined && config.task_budget !== null)
    extras.push({ field: 'output_config.task_budget', value: config.task_budget, weight: 'hint' })
  if (!thinking) return { ...(effort && { reasoning: { effort } }), extras }
  const type = optionalWord(
    thinking,
    'type',
    ['enabled', 'adaptive', 'disabled', 'between_tools'],
    'thinking.type',
  )
  if (type === undefined) return wrong('thinking.type', '`thinking.type` must be a string.')
  if (type === 'disabled' || type === 'between_tools') {
    if (effort) extras.push({ field: 'output_config.effort', value: effort, weight: 'hint' })
    return { reasoning: { effort: 'none' }, extras }
  }
  const display = optionalWord(thinking, 'display', ['summarized', 'omitted'], 'thinking.display')
  const reasoning = said<Reasoning>({
    effort,
    adaptive: type === 'adaptive' ? true : undefined,
    budgetTokens: type === 'enabled' ? readBudget(thinking) : undefined,
    show: display && (display === 'omitted' ? 'none' : 'auto'),
  })
  return { reasoning, extras }
}

function readBudget(thinking: Json): number {
  const range = { path: 'thinking.budget_tokens', min: 1024, whole: true }
  return (
    optionalNumber(thinking, 'budget_tokens', range) ??
    wrong('thinking.budget_tokens', '`thinking.budget_tokens` must be a whole number.')
  )
}

function readTier(json: Json): string | undefined {
  const tier = optionalWord(json, 'service_tier', ['auto', 'standard_only'])
  return tier === 'standard_only' ? 'default' : tier
}
