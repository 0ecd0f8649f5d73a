import type { ApiError } from '../api-error.ts'
import type { AnswerFacts } from '../dialect.ts'

const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

/** What Anthropic says where OpenAI says something else; by the code of the failure. */
const sentences: Readonly<Record<string, string>> = {
  context_length_exceeded: 'prompt is too long: 200001 tokens > 200000 maximum',
  content_filter: 'Output blocked by content filtering policy',
  invalid_api_key: 'invalid x-api-key',
  missing_required_parameter: 'model: Field required',
  rate_limit_exceeded: 'This request would exceed the rate limit for your organization.',
  request_too_large: 'Request exceeds the maximum size',
  server_error: 'Internal server error',
  overloaded_error: 'Overloaded',
}

/** An error as Messages tells it: `{type, error: {type, message}, request_id}`. */
export function errorBody({ status, code, message }: ApiError, requestId: string): string {
  const type = types[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
  const said = (code === null ? undefined : sentences[code]) ?? message
  return JSON.stringify({ type: 'error', error: { type, message: said }, request_id: requestId })
}

const requestLimit = 4000
const inputLimit = 2_000_000
const outputLimit = 400_000

/** The headers that Anthropic's answers were recorded with, good and bad; a reset is a time of day. */
export function headers({ requestId, nowMs, inputTokens, allowance, retryAfter }: AnswerFacts): string[] {
  const limits = {
    requests: [allowance?.limit ?? requestLimit, allowance?.remaining ?? requestLimit - 1],
    'input-tokens': [inputLimit, Math.max(0, inputLimit - inputTokens)],
    'output-tokens': [outputLimit, outputLimit],
    tokens: [inputLimit + outputLimit, Math.max(0, inputLimit + outputLimit - inputTokens)],
  }
  const reset = new Date(nowMs + (allowance?.resetMs ?? 0)).toISOString().replace(/\.\d+Z$/, 'Z')
  const list = ['request-id', requestId, 'anthropic-organization-id', 'org_simulator']
  for (const [kind, [limit, remaining]] of Object.entries(limits)) {
    const name = `anthropic-ratelimit-${kind}`
    list.push(`${name}-limit`, String(limit), `${name}-remaining`, String(remaining), `${name}-reset`, reset)
  }
  return retryAfter ? [...list, 'retry-after', retryAfter] : list
}
