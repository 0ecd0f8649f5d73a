import {
  type ChatRequest,
  type Extra,
  efforts,
  type Message,
  type OutputFormat,
  type Tool,
  type ToolChoice,
} from '#exchange'
import { readCacheControl } from '../cache-control.ts'
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
  wrong,
} from '../reading.ts'
import { chatFields } from './fields.ts'
import { readAssistantParts, readToolResult, readUserParts } from './to-parts.ts'

type Json = Readonly<Record<string, unknown>>

/** Everything a caller's request says. Throws a `Fault` at what is wrong. */
export function readChatRequest(body: Buffer): ChatRequest {
  const json = parseObject(body.toString()) ?? {}
  const effort = optionalWord(json, 'reasoning_effort', efforts)
  const stop = readStop(json)
  const request: ChatRequest = {
    messages: readMessages(optionalArray(json, 'messages') ?? []),
    tools: (optionalArray(json, 'tools') ?? []).map(readTool),
    extras: [...readExtras(json, chatFields), ...readSounds(json)],
    ...said<Partial<ChatRequest>>({
      toolChoice: readToolChoice(json.tool_choice),
      parallelToolCalls: optionalBoolean(json, 'parallel_tool_calls'),
      format: readFormat(optionalObject(json, 'response_format')),
      verbosity: optionalWord(json, 'verbosity', ['low', 'medium', 'high']),
      reasoning: effort && { effort },
      maxOutputTokens: readMaxTokens(json),
      temperature: optionalNumber(json, 'temperature', { min: 0, max: 2 }),
      topP: optionalNumber(json, 'top_p', { min: 0, max: 1 }),
      topK: optionalNumber(json, 'top_k', { min: 0, whole: true }),
      seed: optionalNumber(json, 'seed', { whole: true }),
      frequencyPenalty: optionalNumber(json, 'frequency_penalty', { min: -2, max: 2 }),
      presencePenalty: optionalNumber(json, 'presence_penalty', { min: -2, max: 2 }),
      stop,
      choices: optionalNumber(json, 'n', { min: 1, max: 128, whole: true }),
      logprobs: readLogprobs(json),
      logitBias: readLogitBias(optionalObject(json, 'logit_bias')),
      serviceTier: optionalString(json, 'service_tier'),
      user: optionalString(json, 'safety_identifier') ?? optionalString(json, 'user'),
      metadata: optionalTexts(json, 'metadata'),
      promptCacheKey: optionalString(json, 'prompt_cache_key'),
    }),
  }
  return request
}

/** What a model said aloud is given back by an id, which only who made it can look up. */
function readSounds({ messages }: Json): Extra[] {
  const sound = (Array.isArray(messages) ? messages : []).find(
    message => isObject(message) && message.role === 'assistant' && isObject(message.audio),
  )
  return sound ? [{ field: 'messages[].audio', value: sound.audio, weight: 'hint' }] : []
}

function readStop(json: Json): readonly string[] | undefined {
  if (typeof json.stop === 'string') return [json.stop]
  return optionalArray(json, 'stop')?.map((text, index) => requiredString({ text }, 'text', `stop[${index}]`))
}

function readMaxTokens(json: Json): number | undefined {
  const range = { min: 1, whole: true }
  return optionalNumber(json, 'max_completion_tokens', range) ?? optionalNumber(json, 'max_tokens', range)
}

function readLogprobs(json: Json): ChatRequest['logprobs'] {
  const top = optionalNumber(json, 'top_logprobs', { min: 0, max: 20, whole: true })
  if (optionalBoolean(json, 'logprobs') === true) return { top: top ?? 0 }
  if (top !== undefined && top > 0) wrong('top_logprobs', '`top_logprobs` needs `logprobs: true`.')
  return undefined
}

function readLogitBias(json: Json | undefined): ChatRequest['logitBias'] {
  if (!json || Object.keys(json).length === 0) return undefined
  const bias: Record<string, number> = {}
  for (const token of Object.keys(json)) {
    const value = optionalNumber(json, token, { path: `logit_bias.${token}`, min: -100, max: 100 })
    if (value !== undefined) bias[token] = value
  }
  return bias
}

function readFormat(json: Json | undefined): OutputFormat | undefined {
  if (!json) return undefined
  const type = optionalWord(json, 'type', ['text', 'json_object', 'json_schema'], 'response_format.type')
  if (type === 'json_object') return { type: 'json' }
  if (type !== 'json_schema') return undefined
  const path = 'response_format.json_schema'
  const format = requiredObject(json.json_schema, path)
  return {
    type: 'json-schema',
    schema: requiredObject(format.schema, `${path}.schema`),
    ...said({
      name: optionalString(format, 'name', `${path}.name`),
      description: optionalString(format, 'description', `${path}.description`),
      strict: optionalBoolean(format, 'strict', `${path}.strict`),
    }),
  } as OutputFormat
}

function readTool(value: unknown, index: number): Tool {
  const path = `tools[${index}]`
  const json = requiredObject(value, path)
  // Mistral does without the type of a function.
  const type = optionalString(json, 'type', `${path}.type`) ?? 'function'
  if (type === 'function') return readFunction(json, path)
  if (type !== 'custom') return { type: 'hosted', dialect: 'openai-chat', name: type, value }
  const custom = requiredObject(json.custom, `${path}.custom`)
  return {
    type: 'custom',
    name: requiredString(custom, 'name', `${path}.custom.name`),
    ...said({
      description: optionalString(custom, 'description', `${path}.custom.description`),
      format: readGrammar(custom.format),
    }),
  } as Tool
}

/** Chat nests a grammar once more than Responses do; without that it is the same. */
function readGrammar(format: unknown): unknown {
  return isObject(format) && isObject(format.grammar) ? { type: format.type, ...format.grammar } : format
}

function readFunction(json: Json, path: string): Tool {
  const fn = requiredObject(json.function, `${path}.function`)
  return {
    type: 'function',
    name: requiredString(fn, 'name', `${path}.function.name`),
    ...said({
      description: optionalString(fn, 'description', `${path}.function.description`),
      schema: optionalObject(fn, 'parameters', `${path}.function.parameters`),
      strict: optionalBoolean(fn, 'strict', `${path}.function.strict`),
    }),
    ...readCacheControl(json, path),
  } as Tool
}

function readToolChoice(value: unknown): ToolChoice | undefined {
  if (value === undefined || value === null) return undefined
  if (value === 'auto' || value === 'none' || value === 'required') return { type: value }
  if (value === 'any') return { type: 'required' } // Mistral's word
  const json = requiredObject(value, 'tool_choice')
  if (json.type === 'allowed_tools') {
    const allowed = requiredObject(json.allowed_tools, 'tool_choice.allowed_tools')
    const tools = optionalArray(allowed, 'tools', 'tool_choice.allowed_tools.tools') ?? []
    return {
      type: 'allowed',
      mode: optionalWord(allowed, 'mode', ['auto', 'required'], 'tool_choice.allowed_tools.mode') ?? 'auto',
      names: tools.map((tool, index) => readToolName(tool, `tool_choice.allowed_tools.tools[${index}]`)),
    }
  }
  return { type: 'tool', name: readToolName(json, 'tool_choice') }
}

function readToolName(value: unknown, path: string): string {
  const json = requiredObject(value, path)
  const inner = isObject(json.function) ? 'function' : 'custom'
  return requiredString(requiredObject(json[inner], `${path}.function`), 'name', `${path}.${inner}.name`)
}

/** Messages in order; tool messages that follow each other are parts of one turn of the user's. */
function readMessages(values: readonly unknown[]): Message[] {
  const messages: Message[] = []
  const calls = new Set<string>()
  for (const [index, value] of values.entries()) {
    const path = `messages[${index}]`
    const json = requiredObject(value, path)
    const role = requiredString(json, 'role', `${path}.role`)
    const name = said<{ name?: string }>({ name: optionalString(json, 'name', `${path}.name`) })
    if (role === 'system' || role === 'developer') {
      const parts = readUserParts(json.content, `${path}.content`)
      messages.push({ role, parts: parts.filter(part => part.type === 'text'), ...name })
    } else if (role === 'user') {
      messages.push({ role, parts: readUserParts(json.content, `${path}.content`), ...name })
    } else if (role === 'assistant') {
      const parts = readAssistantParts(json, path)
      for (const part of parts) if (part.type === 'tool-call') calls.add(part.id)
      messages.push({ role, parts, ...name })
    } else if (role === 'tool') {
      const result = readToolResult(json, path)
      if (!calls.has(result.callId))
        wrong(
          `${path}.tool_call_id`,
          `\`${path}\` answers the tool call \`${result.callId}\`, which no message before it makes.`,
        )
      const last = messages.at(-1)
      if (last?.role === 'user' && last.parts.every(({ type }) => type === 'tool-result'))
        messages[messages.length - 1] = { ...last, parts: [...last.parts, result] }
      else messages.push({ role: 'user', parts: [result] })
    } else
      wrong(`${path}.role`, `\`${path}.role\` is \`${role.slice(0, 40)}\`, which is no role of a message.`)
  }
  return messages
}
