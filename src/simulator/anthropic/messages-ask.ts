import type { IncomingHttpHeaders } from 'node:http'
import type { ChatAsk, Format, Thinking, Tool, ToolUse } from '../answer.ts'
import type { ApiError } from '../api-error.ts'
import { type Turn, weigh } from '../conversation.ts'
import type { Body } from '../dialect.ts'
import { asBody, asList, asNumber, asText } from '../fields.ts'
import { block, cacheControl, textBlock } from './blocks.ts'
import {
  anything,
  type Check,
  dictionary,
  fields,
  flag,
  list,
  matching,
  mistake,
  number,
  oneOf,
  tagged,
  text,
  textOr,
} from './check.ts'
import { checkMessages, type Message, readMessages } from './check-messages.ts'
import { checkSchema } from './check-schema.ts'
import { checkThinking } from './check-thinking.ts'

/** Tokens thought when thinking is asked for and the script says nothing. */
const usualThinking = 24
const maxBreakpoints = 4
/** Since this version a system message may stand in the middle of a conversation. */
const inlineSystemSince = '2026-10-21'

const display = oneOf('summarized', 'omitted')
const bare = fields({ 'type!': text })

const customTool = fields({
  type: text,
  'name!': matching(/^[a-zA-Z0-9_-]{1,128}$/),
  description: text,
  'input_schema!': (value, at) => dictionary(value, at) ?? oneOf('object')(asBody(value).type, `${at}.type`),
  cache_control: cacheControl,
  strict: flag,
  defer_loading: flag,
  eager_input_streaming: flag,
  allowed_callers: anything,
  input_examples: anything,
})

/** A tool of the caller's own; those of Anthropic have a type of their own and are let through. */
const tool: Check = (value, at) => {
  const { type, strict, input_schema } = asBody(value)
  if (typeof type === 'string' && type !== 'custom') return undefined
  const place = `${at}.custom`
  return (
    customTool(value, place) ??
    (strict === true ? checkSchema(input_schema, `${place}.input_schema`) : undefined)
  )
}

const stopSequence: Check = (value, at) =>
  text(value, at) ??
  (String(value).trim() === '' ? mistake(at, 'each stop sequence must contain non-whitespace') : undefined)

const shared = {
  'model!': text,
  'messages!': list(
    fields({
      'role!': oneOf('user', 'assistant', 'system'),
      'content!': textOr(list(block)),
      output_config: anything,
    }),
  ),
  system: textOr(list(tagged({ text: textBlock }))),
  tools: list(tool),
  tool_choice: tagged({
    auto: fields({ 'type!': text, disable_parallel_tool_use: flag }),
    any: fields({ 'type!': text, disable_parallel_tool_use: flag }),
    tool: fields({ 'type!': text, 'name!': text, disable_parallel_tool_use: flag }),
    none: bare,
  }),
  thinking: tagged({
    enabled: fields({
      'type!': text,
      'budget_tokens!': number(1024, Number.POSITIVE_INFINITY, 'integer'),
      display,
    }),
    adaptive: fields({ 'type!': text, display }),
    disabled: bare,
    between_tools: bare,
  }),
  output_config: fields({
    effort: oneOf('low', 'medium', 'high', 'xhigh', 'max'),
    format: format,
    task_budget: anything,
  }),
  output_format: format,
  cache_control: cacheControl,
  context_management: anything,
  mcp_servers: anything,
  speed: oneOf('standard', 'fast'),
  user_profile_id: text,
  workspace_id: text,
}

function format(value: unknown, at: string): ApiError | undefined {
  const wrong = tagged({ json_schema: fields({ 'type!': text, 'schema!': dictionary, name: text }) })(
    value,
    at,
  )
  return wrong ?? checkSchema(asBody(value).schema, `${at}.schema`)
}

const messagesBody = fields({
  ...shared,
  'max_tokens!': number(1, Number.POSITIVE_INFINITY, 'integer'),
  stream: flag,
  stop_sequences: list(stopSequence),
  temperature: number(0, 1, 'number'),
  top_p: number(0, 1, 'number'),
  top_k: number(0, Number.POSITIVE_INFINITY, 'integer'),
  metadata: fields({ user_id: text, sim_request: text }),
  service_tier: oneOf('auto', 'standard_only'),
  container: anything,
  inference_geo: text,
  diagnostics: anything,
})

const countBody = fields(shared)

/** Reads a body of `POST /v1/messages` or of its `count_tokens`, as strictly as Anthropic does. */
export function readMessagesAsk(
  body: Body,
  headers: IncomingHttpHeaders,
  counting: boolean,
): ChatAsk | ApiError {
  const version = headers['anthropic-version']
  if (typeof version !== 'string') return mistake('anthropic-version', 'header is required')
  const wrongField = (counting ? countBody : messagesBody)(body, '')
  if (wrongField) return wrongField
  const messages = readMessages(body.messages)
  const wrong =
    checkMessages(messages, version >= inlineSystemSince) ??
    checkTools(body) ??
    checkBreakpoints(body, messages) ??
    checkThinking(body, messages)
  if (wrong) return wrong
  return {
    stream: body.stream === true,
    wantsUsage: true,
    choices: 1,
    maxTokens: asNumber(body.max_tokens),
    stops: asList(body.stop_sequences).map(String),
    format: readFormat(body),
    logprobs: undefined,
    thinking: readThinking(asBody(body.thinking)),
    refusesSilently: true,
    ...readToolChoice(body),
    ...readConversation(body, messages),
  }
}

function checkTools({ tools, tool_choice }: Body): ApiError | undefined {
  const names = asList(tools).map(one => String(asBody(one).name))
  if (new Set(names).size < names.length) return mistake('tools', 'Tool names must be unique.')
  const choice = asBody(tool_choice)
  if (tool_choice && choice.type !== 'none' && names.length === 0) {
    return mistake('tool_choice', '`tool_choice` may only be specified while providing `tools`.')
  }
  if (choice.type !== 'tool' || names.includes(String(choice.name))) return undefined
  return mistake('tool_choice.name', `Tool '${choice.name}' not found in provided tools`)
}

function checkBreakpoints(body: Body, messages: readonly Message[]): ApiError | undefined {
  const blocks = messages.flatMap(message => message.blocks)
  const nested = blocks.flatMap(one => asList(one.content))
  const places = [body, ...asList(body.system), ...asList(body.tools), ...blocks, ...nested]
  const found = places.filter(place => asBody(place).cache_control).length
  if (found <= maxBreakpoints) return undefined
  return mistake('', `A maximum of 4 blocks with cache_control may be provided. Found ${found}.`)
}

function readThinking({ type, budget_tokens, display: shows }: Body): Thinking {
  if (type !== 'enabled' && type !== 'adaptive' && type !== 'between_tools') {
    return { usual: 0, most: 0, shown: false }
  }
  const most = asNumber(budget_tokens) ?? Number.POSITIVE_INFINITY
  return { usual: usualThinking, most, shown: shows !== 'omitted' }
}

function readFormat({ output_config, output_format }: Body): Format {
  const wanted = asBody(asBody(output_config).format ?? output_format)
  return wanted.type === 'json_schema' ? { kind: 'schema', schema: wanted.schema } : { kind: 'text' }
}

/** The caller's own tools that may be called, and whether one must be. */
function readToolChoice(body: Body): { tools: readonly Tool[]; toolUse: ToolUse; parallelTools: boolean } {
  const own = asList(body.tools)
    .map(asBody)
    .filter(one => (one.type ?? 'custom') === 'custom')
    .map(one => ({ name: String(one.name), schema: one.input_schema }))
  const choice = asBody(body.tool_choice)
  const uses: Readonly<Record<string, ToolUse>> = { any: 'required', tool: 'required', none: 'none' }
  return {
    tools: choice.type === 'tool' ? own.filter(one => one.name === choice.name) : own,
    toolUse: uses[String(choice.type)] ?? 'auto',
    parallelTools: choice.disable_parallel_tool_use !== true,
  }
}

function readConversation(body: Body, messages: readonly Message[]) {
  const system = readMessages(body.system ? [{ role: 'system', content: body.system }] : [])
  const turns = [...system, ...messages].flatMap(readTurns)
  const extras = [body.tools, asBody(body.output_config).format ?? body.output_format]
  const afterTool = (messages.at(-1)?.blocks ?? []).some(one => one.type === 'tool_result')
  return { ...weigh(turns, extras, ''), afterTool }
}

/** Results of tools count as messages of their own, as in the other dialects. What was thought before is not read. */
function readTurns({ role, blocks }: Message): Turn[] {
  const results = blocks.filter(one => one.type === 'tool_result')
  const calls = blocks.filter(one => one.type === 'tool_use')
  const texts = blocks.flatMap(one => (one.type === 'text' ? (asText(one.text) ?? []) : []))
  const attachments = blocks.filter(one => one.type === 'image' || one.type === 'document').length
  const turns: Turn[] = results.map(readResult)
  if (texts.length + calls.length + attachments > 0 || turns.length === 0) {
    const callsText = calls.length > 0 ? JSON.stringify(calls) : ''
    turns.push({ role, text: texts.join('\n'), calls: callsText, attachments, fromUser: role === 'user' })
  }
  return turns
}

function readResult({ content }: Body): Turn {
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : asList(content).map(asBody)
  const texts = parts.flatMap(part => asText(part.text) ?? [])
  const attachments = parts.length - texts.length
  return { role: 'tool', text: texts.join('\n'), calls: '', attachments, fromUser: false }
}
