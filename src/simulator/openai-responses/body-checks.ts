import { ApiError, badRequest } from '../api-error.ts'
import type { Body } from '../dialect.ts'
import { asBody, asList, asText } from '../fields.ts'
import { between, type Check, checkFields, isA } from '../openai/read.ts'
import { both, checkKnown, checkRequired, matching, oneOf, textUpTo } from './strictness.ts'

const includables = [
  ...['file_search_call.results', 'web_search_call.results', 'web_search_call.action.sources'],
  ...['message.input_image.image_url', 'computer_call_output.output.image_url'],
  ...['code_interpreter_call.outputs', 'reasoning.encrypted_content', 'message.output_text.logprobs'],
]

const include: Check = (value, field) => {
  const wrong = isA('array')(value, field)
  if (wrong) return wrong
  const at = asList(value).findIndex(one => typeof one !== 'string' || !includables.includes(one))
  return at < 0 ? undefined : oneOf(...includables)(asList(value)[at], `${field}[${at}]`)
}

/** Up to 16 pairs of texts. */
const metadata: Check = (value, field) => {
  const wrong = isA('object')(value, field)
  if (wrong) return wrong
  const pairs = Object.entries(asBody(value))
  if (pairs.length > 16) {
    return badRequest(
      `Invalid '${field}': too many properties. Expected an object with at most 16 properties, but got ${pairs.length} instead.`,
      'object_above_max_properties',
      field,
    )
  }
  for (const [name, text] of pairs) {
    const mistake = textUpTo(512)(text, `${field}.${name}`)
    if (mistake) return mistake
  }
  return undefined
}

/** The parameters of 2026's SDKs and of Open Responses, with what their values must be. */
const checks: Readonly<Record<string, Check>> = {
  model: isA('string'),
  input: isA('string', 'array'),
  access_programs: isA('object'),
  background: isA('boolean'),
  context_management: isA('array'),
  conversation: isA('string', 'object'),
  frequency_penalty: between(-2, 2, 'decimal'),
  image: isA('object'),
  include,
  instructions: isA('string'),
  max_output_tokens: between(16, 1_000_000_000, 'integer'),
  max_tool_calls: between(1, 1_000_000_000, 'integer'),
  metadata,
  moderation: isA('object'),
  parallel_tool_calls: isA('boolean'),
  presence_penalty: between(-2, 2, 'decimal'),
  previous_response_id: isA('string'),
  prompt: isA('object'),
  prompt_cache_key: isA('string'),
  prompt_cache_options: isA('object'),
  prompt_cache_retention: oneOf('in_memory', '24h'),
  reasoning: isA('object'),
  safety_identifier: textUpTo(64),
  service_tier: oneOf('auto', 'default', 'flex', 'scale', 'priority', 'fast', 'ultrafast'),
  store: isA('boolean'),
  stream: isA('boolean'),
  stream_options: isA('object'),
  temperature: between(0, 2, 'decimal'),
  text: isA('object'),
  tool_choice: isA('string', 'object'),
  tools: isA('array'),
  top_logprobs: between(0, 20, 'integer'),
  top_p: between(0, 1, 'decimal'),
  truncation: oneOf('auto', 'disabled'),
  user: isA('string'),
}

/** `POST /v1/responses/input_tokens` takes what makes up the prompt. */
const countable = [
  ...['model', 'input', 'conversation', 'instructions', 'parallel_tool_calls', 'personality'],
  ...['previous_response_id', 'reasoning', 'text', 'tool_choice', 'tools', 'truncation'],
]

/** Where the parameters of Chat Completions have gone. */
const moved: Readonly<Record<string, string>> = {
  messages: 'input',
  response_format: 'text.format',
  max_tokens: 'max_output_tokens',
  max_completion_tokens: 'max_output_tokens',
  reasoning_effort: 'reasoning.effort',
  verbosity: 'text.verbosity',
}

const summaries = oneOf('auto', 'concise', 'detailed')
const inside: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  reasoning: {
    context: oneOf('auto', 'current_turn', 'all_turns'),
    effort: oneOf('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'),
    generate_summary: summaries,
    mode: isA('string'),
    summary: summaries,
  },
  stream_options: { include_obfuscation: isA('boolean') },
  text: { format: isA('object'), verbosity: oneOf('low', 'medium', 'high') },
}

const name = both(textUpTo(64), matching(/^[a-zA-Z0-9_-]+$/))
const formatFields = {
  type: oneOf('text', 'json_object', 'json_schema'),
  name,
  schema: isA('object'),
  description: isA('string'),
  strict: isA('boolean'),
}
const functionFields = {
  type: isA('string'),
  name,
  description: isA('string'),
  parameters: isA('object'),
  strict: isA('boolean'),
  allowed_callers: isA('array'),
  async: isA('boolean'),
  defer_loading: isA('boolean'),
  output_schema: isA('object'),
}

/** Tools of the SDKs of 2026 that are not simulated: accepted, and never called. */
const otherTools = [
  ...['apply_patch', 'code_interpreter', 'computer', 'computer_use_preview', 'custom', 'file_search'],
  ...['image_generation', 'local_shell', 'mcp', 'namespace', 'programmatic_tool_calling', 'shell'],
  ...['tool_search', 'web_search', 'web_search_2025_08_26', 'web_search_preview'],
  ...['web_search_preview_2025_03_11'],
]

/** What is wrong with a request, its input aside. */
export function checkBody(body: Body): ApiError | undefined {
  return (
    checkMoved(body) ??
    checkKnown(body, Object.keys(checks)) ??
    checkFields(body, checks) ??
    checkInside(body) ??
    checkAbsent(body)
  )
}

/** What is wrong with a request to count, its input aside. */
export function checkCountBody(body: Body): ApiError | undefined {
  return (
    checkKnown(body, countable) ??
    checkFields(body, { ...checks, personality: isA('string') }) ??
    checkInside(body) ??
    checkAbsent(body)
  )
}

function checkMoved(body: Body): ApiError | undefined {
  const old = Object.keys(moved).find(field => body[field] !== undefined)
  if (old === undefined) return undefined
  return badRequest(
    `Unsupported parameter: '${old}'. In the Responses API, this parameter has moved to '${moved[old]}'. Try again with the new parameter.`,
    'unsupported_parameter',
    old,
  )
}

function checkInside(body: Body): ApiError | undefined {
  for (const [field, fields] of Object.entries(inside)) {
    const value = asBody(body[field])
    const at = `${field}.`
    const mistake = checkKnown(value, Object.keys(fields), at) ?? checkFields(value, fields, at)
    if (mistake) return mistake
  }
  return checkFormat(asBody(body.text).format) ?? checkTools(body) ?? checkToolChoice(body)
}

function checkFormat(value: unknown): ApiError | undefined {
  if (value === undefined || value === null) return undefined
  const format = asBody(value)
  const at = 'text.format.'
  const required = format.type === 'json_schema' ? ['name', 'schema'] : ['type']
  return (
    checkKnown(format, Object.keys(formatFields), at) ??
    checkRequired(format, required, at) ??
    checkFields(format, formatFields, at)
  )
}

function checkTools(body: Body): ApiError | undefined {
  for (const [index, value] of asList(body.tools).entries()) {
    const tool = asBody(value)
    const at = `tools[${index}].`
    const mistake = checkRequired(tool, ['type'], at) ?? checkTool(tool, at)
    if (mistake) return mistake
  }
  return undefined
}

function checkTool(tool: Body, at: string): ApiError | undefined {
  if (tool.type !== 'function') return oneOf('function', ...otherTools)(tool.type, `${at}type`)
  return (
    checkRequired(tool, ['name'], at) ??
    checkKnown(tool, Object.keys(functionFields), at) ??
    checkFields(tool, functionFields, at)
  )
}

/** Who must be called has to be there. */
function checkToolChoice({ tool_choice: choice, tools }: Body): ApiError | undefined {
  if (typeof choice === 'string') {
    const mistake = oneOf('none', 'auto', 'required')(choice, 'tool_choice')
    if (mistake || choice !== 'required' || asList(tools).length > 0) return mistake
    return noSuchTool("Tool choice 'required' must be specified with 'tools' parameter.")
  }
  if (choice === undefined || choice === null) return undefined
  const named = asBody(choice)
  const wrong = checkChoiceKind(named)
  if (wrong) return wrong
  const wanted = named.type === 'allowed_tools' ? asList(named.tools).map(asBody) : [named]
  for (const one of wanted.filter(({ type }) => type === 'function')) {
    const mistake = checkRequired(one, ['name'], 'tool_choice.')
    if (mistake) return mistake
    if (!asList(tools).some(tool => asBody(tool).name === one.name)) {
      return noSuchTool("Tool choice 'function' not found in 'tools' parameter.")
    }
  }
  return undefined
}

function checkChoiceKind(named: Body): ApiError | undefined {
  const at = 'tool_choice.'
  const required = named.type === 'allowed_tools' ? ['type', 'mode', 'tools'] : ['type']
  return (
    checkRequired(named, required, at) ??
    checkFields(
      named,
      {
        type: oneOf('function', 'allowed_tools', ...otherTools),
        mode: oneOf('auto', 'required'),
        tools: isA('array'),
        name: isA('string'),
      },
      at,
    )
  )
}

function noSuchTool(message: string): ApiError {
  return badRequest(message, null, 'tool_choice')
}

/** What is asked for and not simulated, or cannot be there: better refused than passed over. */
function checkAbsent(body: Body): ApiError | undefined {
  if (body.background === true) {
    return badRequest('Background responses are not simulated.', 'unsupported_parameter', 'background')
  }
  const conversation = asText(body.conversation) ?? asText(asBody(body.conversation).id)
  if (conversation !== undefined) {
    return notFound(`Conversation with id '${conversation}' not found.`, 'conversation')
  }
  const prompt = asText(asBody(body.prompt).id)
  return prompt === undefined ? undefined : notFound(`Prompt with id '${prompt}' not found.`, 'prompt')
}

function notFound(message: string, param: string): ApiError {
  return new ApiError({ status: 404, type: 'invalid_request_error', code: null, message, param })
}
