import type { AnswerPart, CacheMark, Extra, Message, ToolResultPart, UserPart } from '#exchange'
import { isObject } from '../json-body.ts'
import {
  optionalArray,
  optionalString,
  optionalWord,
  requiredObject,
  requiredString,
  said,
  wrong,
} from '../reading.ts'
import { readCall, readSeal, readThought } from './read-answer.ts'
import { readInputPart } from './to-parts.ts'

type Json = Readonly<Record<string, unknown>>
type Role = Message['role']

/** What only its own dialect knows, and on whose side of the conversation it stands. */
const opaqueItems: Readonly<Record<string, Role>> = {
  additional_tools: 'developer',
  apply_patch_call: 'assistant',
  apply_patch_call_output: 'user',
  code_interpreter_call: 'assistant',
  compaction: 'assistant',
  compaction_trigger: 'user',
  computer_call: 'assistant',
  computer_call_output: 'user',
  configuration_update: 'developer',
  file_search_call: 'assistant',
  image_generation_call: 'assistant',
  local_shell_call: 'assistant',
  local_shell_call_output: 'user',
  mcp_approval_request: 'assistant',
  mcp_approval_response: 'user',
  mcp_call: 'assistant',
  mcp_list_tools: 'assistant',
  program: 'assistant',
  program_output: 'assistant',
  shell_call: 'assistant',
  shell_call_output: 'user',
  tool_search_call: 'assistant',
  tool_search_output: 'user',
  web_search_call: 'assistant',
}

/**
 * Items as turns: what the model thought, said and called in a row is one turn of its own, results of tools in a row
 * are one of the user's. Fields that have no word there go to `extras`.
 */
export class ItemsReader {
  readonly messages: Message[] = []
  readonly extras: Extra[] = []
  /** Names of tools by the calls that have been made. */
  readonly #calls = new Map<string, string>()
  readonly #unanswered = new Map<string, string>()

  read(input: unknown, path: string): void {
    if (typeof input === 'string') {
      this.messages.push({ role: 'user', parts: [{ type: 'text', text: input }] })
      return
    }
    for (const [index, item] of (optionalArray({ input }, 'input', path) ?? []).entries())
      this.#readItem(requiredObject(item, `${path}[${index}]`), `${path}[${index}]`)
  }

  /** As the API itself has it: a call that is not answered cannot be gone on from. */
  checkAnswered(): void {
    for (const [id, path] of this.#unanswered)
      wrong(path, `\`${path}\` is the tool call \`${id}\`, for which the input has no output.`)
  }

  #readItem(item: Json, path: string): void {
    const type = optionalString(item, 'type', `${path}.type`)
    switch (type ?? (item.role === undefined ? 'item_reference' : 'message')) {
      case 'message':
        return this.#readMessage(item, path)
      case 'reasoning':
        return this.#say(readThoughtItem(item, path))
      case 'function_call':
      case 'custom_tool_call':
        return this.#readCall(item, path)
      case 'function_call_output':
      case 'custom_tool_call_output':
        return this.#readResult(item, path)
      case 'item_reference':
        return wrong(
          path,
          `\`${path}\` refers to an item by its id, which only the provider that keeps it could look up. Send the item itself, or go on by \`previous_response_id\`.`,
        )
      default:
        return this.#keep(item, String(type), path)
    }
  }

  #readMessage(item: Json, path: string): void {
    const role = requiredString(item, 'role', `${path}.role`)
    const parts = readContents(item.content, `${path}.content`)
    if (optionalString(item, 'phase', `${path}.phase`) !== undefined)
      this.extras.push({ field: 'input[].phase', value: item.phase, weight: 'hint' })
    if (role === 'assistant') {
      const spoken = parts.map(part => asSpoken(part, path))
      const last = this.messages.at(-1)
      // What was said in two messages is not one text; but nothing may stand between a call and its result.
      if (last?.role === 'assistant' && hasText(last.parts)) this.messages.push({ role, parts: spoken })
      else for (const part of spoken) this.#say(part)
    } else if (role === 'user') this.messages.push({ role, parts: parts.filter(isForUser) })
    else if (role === 'system' || role === 'developer')
      this.messages.push({
        role,
        parts: parts.filter(part => part.type === 'text' || part.type === 'opaque'),
      })
    else wrong(`${path}.role`, `\`${path}.role\` is \`${role.slice(0, 40)}\`, which is no role of a message.`)
  }

  #readCall(item: Json, path: string): void {
    const id = requiredString(item, 'call_id', `${path}.call_id`)
    const name = requiredString(item, 'name', `${path}.name`)
    const said = item.type === 'custom_tool_call' ? 'input' : 'arguments'
    const text = requiredString(item, said, `${path}.${said}`)
    if (said === 'arguments' && text.trim() !== '' && !isJsonObject(text))
      wrong(`${path}.arguments`, `\`${path}.arguments\` is not the JSON text of an object.`)
    this.#calls.set(id, name)
    if (item.async !== true) this.#unanswered.set(id, path)
    this.#say(readCall(text.trim() === '' ? { ...item, [said]: '' } : item))
  }

  #readResult(item: Json, path: string): void {
    const callId = requiredString(item, 'call_id', `${path}.call_id`)
    const name = this.#calls.get(callId)
    if (name === undefined)
      wrong(
        `${path}.call_id`,
        `\`${path}\` answers the tool call \`${callId}\`, which no item before it makes.`,
      )
    this.#unanswered.delete(callId)
    if (item.output === undefined || item.output === null)
      wrong(`${path}.output`, `\`${path}.output\` must be a string or an array of parts.`)
    const result: ToolResultPart = {
      type: 'tool-result',
      callId,
      ...said<{ name?: string }>({ name }),
      parts: readContents(item.output, `${path}.output`).filter(
        part => part.type === 'text' || part.type === 'image' || part.type === 'file',
      ),
      ...(item.type === 'custom_tool_call_output' && { custom: true }),
    }
    const last = this.messages.at(-1)
    if (last?.role === 'user' && last.parts.every(part => part.type === 'tool-result'))
      this.messages[this.messages.length - 1] = { ...last, parts: [...last.parts, result] }
    else this.messages.push({ role: 'user', parts: [result] })
  }

  #keep(item: Json, type: string, path: string): void {
    const role = Object.hasOwn(opaqueItems, type) ? opaqueItems[type] : undefined
    if (!role)
      wrong(`${path}.type`, `\`${path}.type\` is \`${type.slice(0, 40)}\`, which is no type of an item.`)
    const part = { type: 'opaque' as const, dialect: 'openai-responses' as const, value: item }
    if (role === 'assistant') this.#say(part)
    else this.messages.push({ role, parts: [part] })
  }

  #say(part: AnswerPart): void {
    const last = this.messages.at(-1)
    if (last?.role === 'assistant')
      this.messages[this.messages.length - 1] = { ...last, parts: [...last.parts, part] }
    else this.messages.push({ role: 'assistant', parts: [part] })
  }
}

function hasText(parts: readonly AnswerPart[]): boolean {
  return parts.some(({ type }) => type === 'text') && parts.every(({ type }) => type !== 'tool-call')
}

type ContentPart = UserPart | AnswerPart

function readContents(content: unknown, path: string): ContentPart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) return wrong(path, `\`${path}\` must be a string or an array of parts.`)
  return content.map((value: unknown, index) => readContentPart(value, `${path}[${index}]`))
}

function readContentPart(value: unknown, path: string): ContentPart {
  const json = requiredObject(value, path)
  const type = requiredString(json, 'type', `${path}.type`)
  if (type === 'refusal') return { type, text: requiredString(json, 'refusal', `${path}.refusal`) }
  const part = readInputPart(json, type, path)
  const cache = readCache(json, path)
  const signature = readSeal(json)
  return { ...part, ...(cache && { cache }), ...(signature && part.type === 'text' && { signature }) }
}

/** Twelve hours are more than others keep anything, half an hour more than five minutes: an hour is nearest. */
function readCache(json: Json, path: string): CacheMark | undefined {
  const mark = json.prompt_cache_breakpoint
  if (mark === undefined || mark === null) return undefined
  const at = `${path}.prompt_cache_breakpoint`
  const ttl = optionalWord(requiredObject(mark, at), 'ttl', ['30m', '12h'], `${at}.ttl`)
  return ttl === undefined ? {} : { ttl: '1h' }
}

function isForUser(part: ContentPart): part is UserPart {
  return part.type !== 'reasoning' && part.type !== 'tool-call' && part.type !== 'refusal'
}

function asSpoken(part: ContentPart, path: string): AnswerPart {
  return part.type === 'text' || part.type === 'refusal' || part.type === 'image' || part.type === 'audio'
    ? part
    : wrong(`${path}.content`, `\`${path}.content\` has a part that an assistant's message cannot have.`)
}

function readThoughtItem(item: Json, path: string): AnswerPart {
  for (const list of ['summary', 'content'] as const) {
    for (const [index, part] of (optionalArray(item, list, `${path}.${list}`) ?? []).entries())
      requiredString(
        requiredObject(part, `${path}.${list}[${index}]`),
        'text',
        `${path}.${list}[${index}].text`,
      )
  }
  optionalString(item, 'encrypted_content', `${path}.encrypted_content`)
  return readThought(item)
}

function isJsonObject(text: string): boolean {
  try {
    return isObject(JSON.parse(text))
  } catch {
    return false
  }
}
