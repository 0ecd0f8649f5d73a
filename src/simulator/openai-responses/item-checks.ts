import { type ApiError, badRequest } from '../api-error.ts'
import type { Body } from '../dialect.ts'
import { asBody, asList, asText, typeOf } from '../fields.ts'
import { type Check, checkFields, isA, missing } from '../openai/read.ts'
import { checkKnown, checkRequired, idThatBegins, matching, oneOf, textUpTo } from './strictness.ts'

/** What a kind of item or part may hold, must hold, and what its fields are to look like. */
interface Kind {
  fields: readonly string[]
  required: readonly string[]
  checks: Readonly<Record<string, Check>>
}

const status = oneOf('in_progress', 'completed', 'incomplete')

const functionItem = {
  id: idThatBegins('fc'),
  call_id: textUpTo(64),
  name: matching(/^[a-zA-Z0-9_-]+$/),
  status,
}

const itemKinds: Readonly<Record<string, Kind>> = {
  message: {
    fields: ['type', 'id', 'role', 'content', 'status', 'phase'],
    required: ['role', 'content'],
    checks: {
      id: idThatBegins('msg'),
      role: oneOf('assistant', 'system', 'developer', 'user'),
      content: isA('string', 'array'),
      status,
      phase: oneOf('commentary', 'final_answer'),
    },
  },
  function_call: {
    fields: ['type', 'id', 'call_id', 'name', 'arguments', 'status', 'namespace', 'caller', 'async'],
    required: ['call_id', 'name', 'arguments'],
    checks: { ...functionItem, arguments: isA('string') },
  },
  function_call_output: {
    fields: ['type', 'id', 'call_id', 'output', 'status', 'name', 'namespace', 'caller'],
    required: ['call_id', 'output'],
    checks: { ...functionItem, output: isA('string', 'array') },
  },
  reasoning: {
    fields: ['type', 'id', 'summary', 'content', 'encrypted_content', 'status'],
    required: ['summary'],
    checks: {
      id: idThatBegins('rs'),
      summary: isA('array'),
      content: isA('array'),
      encrypted_content: isA('string'),
      status,
    },
  },
  item_reference: { fields: ['type', 'id'], required: ['id'], checks: { id: isA('string') } },
}

/** Items of tools that are not simulated: accepted, and kept as they are. */
const opaqueKinds: ReadonlySet<string> = new Set([
  ...['apply_patch_call', 'apply_patch_call_output', 'code_interpreter_call', 'compaction', 'computer_call'],
  ...['computer_call_output', 'custom_tool_call', 'custom_tool_call_output', 'file_search_call'],
  ...['image_generation_call', 'local_shell_call', 'local_shell_call_output', 'mcp_approval_request'],
  ...['mcp_approval_response', 'mcp_call', 'mcp_list_tools', 'shell_call', 'shell_call_output'],
  ...['tool_search_call', 'tool_search_output', 'web_search_call'],
])

/** A URL or a data URL; anything else would have to be fetched from nowhere. */
const imageUrl: Check = (value, field) =>
  /^(https?:\/\/|data:image\/[a-z.+-]+;base64,)./.test(asText(value) ?? '')
    ? undefined
    : badRequest(
        `Invalid '${field}'. Expected a valid URL, but got a value with an invalid format.`,
        'invalid_value',
        field,
      )

const partKinds: Readonly<Record<string, Kind>> = {
  input_text: {
    fields: ['type', 'text', 'prompt_cache_breakpoint'],
    required: ['text'],
    checks: { text: isA('string') },
  },
  input_image: {
    fields: ['type', 'image_url', 'file_id', 'detail', 'prompt_cache_breakpoint'],
    required: [],
    checks: {
      image_url: imageUrl,
      file_id: isA('string'),
      detail: oneOf('low', 'high', 'auto', 'original'),
    },
  },
  input_file: {
    fields: ['type', 'file_id', 'file_data', 'file_url', 'filename', 'detail', 'prompt_cache_breakpoint'],
    required: [],
    checks: {
      file_id: isA('string'),
      file_data: isA('string'),
      file_url: isA('string'),
      filename: isA('string'),
      detail: oneOf('low', 'high', 'auto'),
    },
  },
  output_text: {
    fields: ['type', 'text', 'annotations', 'logprobs'],
    required: ['text'],
    checks: { text: isA('string'), annotations: isA('array'), logprobs: isA('array') },
  },
  refusal: { fields: ['type', 'refusal'], required: ['refusal'], checks: { refusal: isA('string') } },
}

const inputParts = ['input_text', 'input_image', 'input_file']
const outputParts = ['output_text', 'refusal']

/** The kind of an item, also where its type is left out: a message has a role, a reference nothing but its id. */
export function kindOf(item: Body): string {
  if (item.type !== undefined && item.type !== null) return asText(item.type) ?? JSON.stringify(item.type)
  if (item.role !== undefined) return 'message'
  return asText(item.id) === undefined ? '' : 'item_reference'
}

/** What is wrong with an item of the input, looked at by itself. `at` is where it stands: `input[0]`. */
export function checkItem(value: unknown, at: string): ApiError | undefined {
  const wrong = isA('object')(value, at)
  if (wrong) return wrong
  const item = asBody(value)
  const name = kindOf(item)
  if (name === '') return missing(`${at}.type`)
  if (opaqueKinds.has(name)) return undefined
  const kind = Object.hasOwn(itemKinds, name) ? itemKinds[name] : undefined
  if (!kind) return oneOf(...Object.keys(itemKinds), ...opaqueKinds)(name, `${at}.type`)
  return checkKind(item, kind, `${at}.`) ?? checkParts(item, name, at)
}

function checkParts(item: Body, kind: string, at: string): ApiError | undefined {
  switch (kind) {
    case 'message':
      return checkList(item.content, `${at}.content`, item.role === 'assistant' ? outputParts : inputParts)
    case 'function_call_output':
      return checkList(item.output, `${at}.output`, inputParts)
    case 'reasoning':
      return (
        checkTexts(item.summary, `${at}.summary`, 'summary_text') ??
        checkTexts(item.content, `${at}.content`, 'reasoning_text')
      )
    default:
      return undefined
  }
}

function checkList(parts: unknown, at: string, allowed: readonly string[]): ApiError | undefined {
  for (const [index, part] of asList(parts).entries()) {
    const mistake = checkPart(part, `${at}[${index}]`, allowed)
    if (mistake) return mistake
  }
  return undefined
}

function checkPart(value: unknown, at: string, allowed: readonly string[]): ApiError | undefined {
  const part = asBody(value)
  if (typeOf(value) !== 'object') return isA('object')(value, at)
  if (part.type === undefined) return missing(`${at}.type`)
  const type = asText(part.type) ?? ''
  const kind = allowed.includes(type) ? partKinds[type] : undefined
  if (!kind) return oneOf(...allowed)(part.type, `${at}.type`)
  return checkKind(part, kind, `${at}.`) ?? checkSource(part, at)
}

/** A picture or a file must come from somewhere. */
function checkSource(part: Body, at: string): ApiError | undefined {
  if (part.type === 'input_image' && !(part.image_url ?? part.file_id)) return missing(`${at}.image_url`)
  if (part.type === 'input_file' && !(part.file_data ?? part.file_url ?? part.file_id)) {
    return missing(`${at}.file_data`)
  }
  return undefined
}

function checkTexts(parts: unknown, at: string, type: string): ApiError | undefined {
  for (const [index, value] of asList(parts).entries()) {
    const part = asBody(value)
    const here = `${at}[${index}].`
    const mistake =
      checkRequired(part, ['type', 'text'], here) ??
      checkFields(part, { type: oneOf(type), text: isA('string') }, here)
    if (mistake) return mistake
  }
  return undefined
}

function checkKind(body: Body, { fields, required, checks }: Kind, at: string): ApiError | undefined {
  return checkKnown(body, fields, at) ?? checkRequired(body, required, at) ?? checkFields(body, checks, at)
}
