import type { ApiError } from '../api-error.ts'
import type { Body } from '../dialect.ts'
import { asBody, asNumber } from '../fields.ts'
import { mistake } from './check.ts'
import type { Message } from './check-messages.ts'

/** What thinking does not go together with, and what must come back of it. */
export function checkThinking(body: Body, messages: readonly Message[]): ApiError | undefined {
  const { type, budget_tokens } = asBody(body.thinking)
  if (type !== 'enabled' && type !== 'adaptive') return undefined
  const budget = asNumber(budget_tokens) ?? 0
  const most = asNumber(body.max_tokens) ?? Number.POSITIVE_INFINITY
  if (most <= budget) {
    return mistake('max_tokens', `\`max_tokens\` must be greater than \`thinking.budget_tokens\`.`)
  }
  const choice = asBody(body.tool_choice).type
  if (choice === 'any' || choice === 'tool') {
    return mistake('', 'Thinking may not be enabled when tool_choice forces tool use.')
  }
  const temperature = asNumber(body.temperature)
  if (temperature !== undefined && temperature !== 1) {
    return mistake('', '`temperature` may only be set to 1 when thinking is enabled.')
  }
  if (asNumber(body.top_k) !== undefined)
    return mistake('', '`top_k` must be unset when thinking is enabled.')
  return type === 'enabled' ? checkReturned(messages) : undefined
}

/** The turn that a tool has just answered must begin with what was thought in it. */
function checkReturned(messages: readonly Message[]): ApiError | undefined {
  const answered = messages.at(-1)?.blocks.some(block => block.type === 'tool_result') === true
  const index = messages.length - 2
  const first = messages[index]?.blocks[0]?.type
  if (!answered || first === 'thinking' || first === 'redacted_thinking') return undefined
  return mistake(
    `messages.${index}.content.0.type`,
    `Expected \`thinking\` or \`redacted_thinking\`, but found \`${String(first)}\`. When \`thinking\` is enabled, ` +
      'a final `assistant` message must start with a thinking block (preceding the lastmost set of `tool_use` and `tool_result` blocks).',
  )
}
