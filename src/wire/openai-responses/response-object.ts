import type { Usage } from '#exchange'
import type { AnswerContext } from '../dialect.ts'
import { isObject, parseObject } from '../json-body.ts'
import { renderResponsesUsage } from '../openai/usage.ts'

type Json = Readonly<Record<string, unknown>>

/** How a response stands. */
export interface Standing {
  status: 'in_progress' | 'completed' | 'incomplete' | 'failed'
  model: string
  serviceTier?: string | undefined
  output: readonly unknown[]
  usage?: Usage | undefined
  incomplete?: string | undefined
  error?: { code: string; message: string } | undefined
}

/**
 * Writes the response object to one request. Every field that the Open Responses schema (2026-04-24) requires is
 * there, filled with OpenAI's defaults, and what was asked for is repeated; the request is parsed once.
 */
export class ResponseObject {
  readonly id: string
  readonly #createdAt: number
  readonly #settings: Json

  constructor({ hex, createdAtMs, request }: AnswerContext) {
    this.id = `resp_${hex}`
    this.#createdAt = Math.floor(createdAtMs / 1000)
    this.#settings = renderSettings(parseObject(request.body.toString()) ?? {})
  }

  render({
    status,
    model,
    serviceTier,
    output,
    usage,
    incomplete,
    error,
  }: Standing): Record<string, unknown> {
    return {
      id: this.id,
      object: 'response',
      created_at: this.#createdAt,
      status,
      background: false,
      // Nobody tells a translation the time, and a moment that is not null is what clients look for.
      completed_at: status === 'completed' ? this.#createdAt : null,
      error: error ?? null,
      incomplete_details: incomplete === undefined ? null : { reason: incomplete },
      ...this.#settings,
      model,
      service_tier: tierOf(serviceTier) ?? tierOf(this.#settings.service_tier) ?? 'default',
      output,
      usage: renderResponsesUsage(usage),
    }
  }
}

/** One of the words that the dialect has; another provider's own, and `auto`, are no answer. */
function tierOf(tier: unknown): string | undefined {
  return typeof tier === 'string' && /^(default|flex|scale|priority|fast|ultrafast)$/.test(tier)
    ? tier
    : undefined
}

function renderSettings(asked: Json): Json {
  const reasoning = isObject(asked.reasoning) ? asked.reasoning : {}
  const text = isObject(asked.text) ? asked.text : {}
  return {
    frequency_penalty: 0,
    instructions: asked.instructions ?? null,
    max_output_tokens: asked.max_output_tokens ?? null,
    max_tool_calls: asked.max_tool_calls ?? null,
    metadata: asked.metadata ?? {},
    parallel_tool_calls: asked.parallel_tool_calls ?? true,
    presence_penalty: 0,
    previous_response_id: asked.previous_response_id ?? null,
    prompt_cache_key: asked.prompt_cache_key ?? null,
    prompt_cache_retention: asked.prompt_cache_retention ?? null,
    reasoning: {
      effort: reasoning.effort ?? null,
      summary: reasoning.summary ?? reasoning.generate_summary ?? null,
    },
    safety_identifier: asked.safety_identifier ?? null,
    service_tier: asked.service_tier,
    store: asked.store ?? true,
    temperature: asked.temperature ?? 1,
    text: { format: renderFormat(text.format), verbosity: text.verbosity ?? 'medium' },
    tool_choice: asked.tool_choice ?? 'auto',
    tools: Array.isArray(asked.tools) ? asked.tools.map(renderTool) : [],
    top_logprobs: asked.top_logprobs ?? 0,
    top_p: asked.top_p ?? 1,
    truncation: asked.truncation ?? 'disabled',
    user: asked.user ?? null,
  }
}

function renderFormat(format: unknown): unknown {
  if (!isObject(format)) return { type: 'text' }
  return format.type === 'json_schema' ? { description: null, strict: false, ...format } : format
}

function renderTool(tool: unknown): unknown {
  return isObject(tool) && tool.type === 'function'
    ? { description: null, parameters: null, strict: true, ...tool }
    : tool
}
