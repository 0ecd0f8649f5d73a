import type { Answer } from '../answer.ts'
import type { ApiError } from '../api-error.ts'
import type { Body, Order } from '../dialect.ts'
import { asBody, asList } from '../fields.ts'
import type { Item } from './store.ts'

type Status = 'in_progress' | 'completed' | 'incomplete' | 'failed'

/** How a response stands. */
export interface State {
  status: Status
  output: readonly Item[]
  usage: object | null
  /** Why it is incomplete. */
  reason?: 'max_output_tokens' | 'content_filter'
}

/**
 * The response object. Every field that the Open Responses schema requires is there, and what was asked for is
 * echoed, with OpenAI's defaults for what was not.
 */
export function renderResponse(body: Body, order: Order, { status, output, usage, reason }: State): object {
  return {
    id: order.id,
    object: 'response',
    created_at: seconds(order.createdAtMs),
    status,
    background: false,
    completed_at: status === 'completed' ? seconds(order.nowMs()) : null,
    error: status === 'failed' ? failure(order.streamError) : null,
    incomplete_details: reason === undefined ? null : { reason },
    ...renderSettings(body),
    model: order.model,
    output,
    usage,
  }
}

function failure({ code, message }: ApiError) {
  return { code, message }
}

function renderSettings(body: Body): object {
  const { effort, summary, generate_summary } = asBody(body.reasoning)
  const { format, verbosity } = asBody(body.text)
  return {
    frequency_penalty: body.frequency_penalty ?? 0,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: body.max_tool_calls ?? null,
    metadata: body.metadata ?? {},
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    presence_penalty: body.presence_penalty ?? 0,
    previous_response_id: body.previous_response_id ?? null,
    prompt_cache_key: body.prompt_cache_key ?? null,
    prompt_cache_retention: body.prompt_cache_retention ?? null,
    reasoning: { effort: effort ?? null, summary: summary ?? generate_summary ?? null },
    safety_identifier: body.safety_identifier ?? null,
    service_tier: (body.service_tier ?? 'auto') === 'auto' ? 'default' : body.service_tier,
    store: body.store ?? true,
    temperature: body.temperature ?? 1,
    text: { format: renderFormat(asBody(format)), verbosity: verbosity ?? 'medium' },
    tool_choice: body.tool_choice ?? 'auto',
    tools: asList(body.tools).map(asBody).map(renderTool),
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? 1,
    truncation: body.truncation ?? 'disabled',
    user: body.user ?? null,
  }
}

function renderFormat(format: Body): object {
  if (format.type === undefined) return { type: 'text' }
  return format.type === 'json_schema' ? { description: null, strict: false, ...format } : format
}

function renderTool(tool: Body): object {
  return tool.type === 'function' ? { description: null, parameters: null, strict: true, ...tool } : tool
}

export function renderUsage(answer: Answer): object {
  const output = answer.reasoningTokens + answer.visibleTokens
  return {
    input_tokens: answer.inputTokens,
    input_tokens_details: { cached_tokens: answer.cachedTokens },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: answer.reasoningTokens },
    total_tokens: answer.inputTokens + output,
  }
}

/** OpenAI's times are whole seconds since the epoch. */
function seconds(ms: number): number {
  return Math.floor(ms / 1000)
}
