import type { ApiError } from '../api-error.ts'
import type { Body } from '../dialect.ts'
import { asBody, asList } from '../fields.ts'
import { mistake } from './check.ts'

/** A message whose content has been brought to the form of blocks. */
export interface Message {
  role: string
  blocks: readonly Body[]
}

export function readMessages(value: unknown): Message[] {
  return asList(value).map(one => {
    const { role, content } = asBody(one)
    const blocks =
      typeof content === 'string' ? [{ type: 'text', text: content }] : asList(content).map(asBody)
    return { role: String(role), blocks }
  })
}

/**
 * The rules between messages, in the words of Messages' own 400s: who begins, what must not be empty, and that
 * each call of a tool is answered in the very next message, before anything else is said there.
 */
export function checkMessages(messages: readonly Message[], allowsSystem: boolean): ApiError | undefined {
  if (messages.length === 0) return mistake('messages', 'at least one message is required')
  if (messages[0]?.role !== 'user') return mistake('messages', 'first message must use the "user" role')
  for (const [index, message] of messages.entries()) {
    const wrong =
      checkRole(message, allowsSystem) ??
      checkContent(message, index, index === messages.length - 1) ??
      checkCalls(messages, index) ??
      checkResults(messages, index)
    if (wrong) return wrong
  }
  return checkEnd(messages.at(-1))
}

function checkRole({ role }: Message, allowsSystem: boolean): ApiError | undefined {
  if (role !== 'system' || allowsSystem) return undefined
  return mistake(
    'messages',
    'Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an input message role.',
  )
}

function checkContent({ role, blocks }: Message, index: number, last: boolean): ApiError | undefined {
  const empty = blocks.length === 0 || (blocks.length === 1 && blocks[0]?.text === '')
  if (empty && !(last && role === 'assistant')) {
    return mistake(
      `messages.${index}`,
      'all messages must have non-empty content except for the optional final assistant message',
    )
  }
  const strange = { user: ['tool_use', 'thinking', 'redacted_thinking'], assistant: ['tool_result'] }
  const forbidden = role === 'assistant' ? strange.assistant : strange.user
  const found = blocks.find(block => forbidden.includes(String(block.type)))
  if (!found) return undefined
  const home = role === 'assistant' ? 'user' : 'assistant'
  return mistake(`messages.${index}`, `\`${found.type}\` blocks can only be in \`${home}\` messages`)
}

/** Each call has its result in the next message, and results come first there. */
function checkCalls(messages: readonly Message[], index: number): ApiError | undefined {
  const calls = (messages[index]?.blocks ?? []).filter(block => block.type === 'tool_use').map(idOf)
  const twice = calls.find((id, at) => calls.indexOf(id) !== at)
  if (twice !== undefined) return mistake(`messages.${index}`, '`tool_use` ids must be unique')
  const next = messages[index + 1]?.blocks ?? []
  const firstOther = next.findIndex(block => block.type !== 'tool_result')
  const results = next
    .slice(0, firstOther < 0 ? undefined : firstOther)
    .map(block => String(block.tool_use_id))
  const open = calls.filter(id => !results.includes(id))
  if (open.length === 0) return undefined
  return mistake(
    `messages.${index}`,
    `\`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${open.join(', ')}. ` +
      'Each `tool_use` block must have a corresponding `tool_result` block in the next message.',
  )
}

function checkResults(messages: readonly Message[], index: number): ApiError | undefined {
  const calls = (messages[index - 1]?.blocks ?? []).filter(block => block.type === 'tool_use').map(idOf)
  const seen = new Set<string>()
  for (const [at, block] of (messages[index]?.blocks ?? []).entries()) {
    if (block.type !== 'tool_result') continue
    const id = String(block.tool_use_id)
    if (!calls.includes(id)) {
      return mistake(
        `messages.${index}.content.${at}`,
        `unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. ` +
          'Each `tool_result` block must have a corresponding `tool_use` block in the previous message.',
      )
    }
    if (seen.has(id)) {
      return mistake(
        `messages.${index}.content.${at}`,
        `each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${id}`,
      )
    }
    seen.add(id)
  }
  return undefined
}

function checkEnd(last: Message | undefined): ApiError | undefined {
  const end = last?.role === 'assistant' ? last.blocks.at(-1)?.text : undefined
  if (typeof end !== 'string' || !/\s$/.test(end)) return undefined
  return mistake('messages', 'final assistant content cannot end with trailing whitespace')
}

function idOf(block: Body): string {
  return String(block.id)
}
