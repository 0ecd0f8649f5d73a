import type { ChatAsk, Format, Tool, ToolUse } from '../answer.ts'
import { type ApiError, badRequest } from '../api-error.ts'
import { type Turn, weigh } from '../conversation.ts'
import type { Body } from '../dialect.ts'
import { asBody, asList, asNumber, asText, between, checkFields, isA, missing } from './read.ts'

const checks = {
  messages: isA('array'),
  stream: isA('boolean'),
  stream_options: isA('object'),
  n: between(1, 128, 'integer'),
  max_tokens: between(1, 1_000_000_000, 'integer'),
  max_completion_tokens: between(1, 1_000_000_000, 'integer'),
  temperature: between(0, 2, 'decimal'),
  top_p: between(0, 1, 'decimal'),
  presence_penalty: between(-2, 2, 'decimal'),
  frequency_penalty: between(-2, 2, 'decimal'),
  stop: isA('string', 'array'),
  tools: isA('array'),
  tool_choice: isA('string', 'object'),
  parallel_tool_calls: isA('boolean'),
  response_format: isA('object'),
  logprobs: isA('boolean'),
  top_logprobs: between(0, 20, 'integer'),
  seed: isA('number'),
  metadata: isA('object'),
}

const roles = ['developer', 'system', 'user', 'assistant', 'tool', 'function']

/** Reads a body of `POST /v1/chat/completions` (Chat Completions, as the official SDKs of 2026 send it). */
export function readChatAsk(body: Body): ChatAsk | ApiError {
  const mistake = checkFields(body, checks) ?? checkMessages(asList(body.messages))
  if (mistake) return mistake
  const toolChoice = readToolChoice(body)
  return {
    stream: body.stream === true,
    wantsUsage: asBody(body.stream_options).include_usage === true,
    choices: asNumber(body.n) ?? 1,
    maxTokens: asNumber(body.max_completion_tokens) ?? asNumber(body.max_tokens),
    stops: [body.stop].flat().filter(stop => typeof stop === 'string' && stop !== '') as string[],
    parallelTools: body.parallel_tool_calls !== false,
    format: readFormat(asBody(body.response_format)),
    logprobs: body.logprobs === true ? (asNumber(body.top_logprobs) ?? 0) : undefined,
    ...toolChoice,
    ...readConversation(body),
  }
}

function checkMessages(messages: readonly unknown[]): ApiError | undefined {
  if (messages.length === 0) return missing('messages')
  for (const [index, message] of messages.entries()) {
    const { role, content } = asBody(message)
    const at = `messages[${index}]`
    if (role === undefined) return missing(`${at}.role`)
    if (!roles.includes(String(role))) {
      return badRequest(
        `Invalid value: '${role}'. Supported: ${roles.join(', ')}.`,
        'invalid_value',
        `${at}.role`,
      )
    }
    const wrong =
      content === undefined || content === null ? undefined : isA('string', 'array')(content, `${at}.content`)
    if (wrong) return wrong
  }
  return undefined
}

/** Counts the prompt, and remembers what the answer depends on. */
function readConversation(body: Body): Pick<ChatAsk, 'inputTokens' | 'essence' | 'lastText' | 'afterTool'> {
  const turns = asList(body.messages).map(asBody).map(readTurn)
  const lastRole = turns.at(-1)?.role
  return {
    ...weigh(turns, [body.tools, body.response_format], String(asNumber(body.seed) ?? '')),
    afterTool: lastRole === 'tool' || lastRole === 'function',
  }
}

function readTurn(message: Body): Turn {
  const role = String(message.role)
  const calls = message.tool_calls === undefined ? '' : JSON.stringify(message.tool_calls)
  return { ...readContent(message.content), role, calls, fromUser: role === 'user' }
}

function readContent(content: unknown): { text: string; attachments: number } {
  if (typeof content === 'string') return { text: content, attachments: 0 }
  const parts = asList(content).map(asBody)
  const texts = parts.flatMap(part => asText(part.text) ?? asText(part.refusal) ?? [])
  return { text: texts.join('\n'), attachments: parts.length - texts.length }
}

/** The tools that may be called, and whether one must be. Custom (free text) tools are not simulated. */
function readToolChoice(body: Body): { tools: readonly Tool[]; toolUse: ToolUse } {
  const tools = asList(body.tools).map(asBody).flatMap(readTool)
  const choice = body.tool_choice
  if (choice === 'required' || choice === 'none') return { tools, toolUse: choice }
  const named = asBody(choice)
  if (named.type === 'function') {
    const name = asText(asBody(named.function).name)
    return { tools: tools.filter(tool => tool.name === name), toolUse: 'required' }
  }
  if (named.type === 'allowed_tools') {
    const allowed = asBody(named.allowed_tools)
    const names = asList(allowed.tools).map(tool => asText(asBody(asBody(tool).function).name))
    const toolUse = allowed.mode === 'required' ? 'required' : 'auto'
    return { tools: tools.filter(tool => names.includes(tool.name)), toolUse }
  }
  return { tools, toolUse: 'auto' }
}

function readTool(tool: Body): Tool[] {
  const { name, parameters } = asBody(tool.function)
  return typeof name === 'string' ? [{ name, schema: parameters ?? { type: 'object' } }] : []
}

function readFormat(format: Body): Format {
  if (format.type === 'json_object') return { kind: 'json' }
  if (format.type === 'json_schema')
    return { kind: 'schema', schema: asBody(format.json_schema).schema ?? {} }
  return { kind: 'text' }
}
