import { ApiError } from '../api-error.ts'
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

const spendLimit = 'Your organization has reached its monthly usage threshold.'

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
  daily_quota_exceeded: 'This request would exceed the daily rate limit for your organization.',
  organization_spend_limit_exceeded: spendLimit,
  organization_usage_limit_exceeded: spendLimit,
  credit_balance_exhausted: 'Your credit balance is too low to access the Anthropic API.',
  project_spend_limit_exceeded: 'You have reached your specified API usage limits.',
}

/** The tier's own limit; the organization's choice of a limit is a 400 ("Rate limits", "Errors" of its API docs). */
const enforced: ReadonlySet<string | null> = new Set([
  'organization_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
])
const badRequests: ReadonlySet<string | null> = new Set([
  'credit_balance_exhausted',
  'project_spend_limit_exceeded',
])

/** What others answer with 429 and Anthropic with 400: money that the customer has to see to himself. */
export function reword(error: ApiError): ApiError {
  if (!badRequests.has(error.code)) return error
  return new ApiError({ ...error, status: 400, param: undefined })
}

/** An error as Messages tells it: `{type, error: {type, message}, request_id}`. */
export function errorBody({ status, code, message }: ApiError, requestId: string): string {
  const type = types[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
  const said = (code === null ? undefined : sentences[code]) ?? message
  const details = enforced.has(code) ? { details: { error_code: 'enforced_spend_limit_reached' } } : {}
  return JSON.stringify({ type: 'error', error: { type, message: said, ...details }, request_id: requestId })
}

const requestLimit = 4000
const inputLimit = 2_000_000
const outputLimit = 400_000

/** The headers that Anthropic's answers were recorded with, good and bad; a reset is a time of day. */
export function headers(facts: AnswerFacts): string[] {
  const { requestId, nowMs, inputTokens, allowance, tokenAllowance, retryAfter } = facts
  const told = tokenAllowance && [tokenAllowance.limit, tokenAllowance.remaining]
  const limits = {
    requests: [allowance?.limit ?? requestLimit, allowance?.remaining ?? requestLimit - 1],
    'input-tokens': told ?? [inputLimit, Math.max(0, inputLimit - inputTokens)],
    'output-tokens': [outputLimit, outputLimit],
    tokens: told ?? [inputLimit + outputLimit, Math.max(0, inputLimit + outputLimit - inputTokens)],
  }
  const timeAfter = (ms = 0): string => new Date(nowMs + ms).toISOString().replace(/\.\d+Z$/, 'Z')
  const list = ['request-id', requestId, 'anthropic-organization-id', 'org_simulator']
  for (const [kind, [limit, remaining]] of Object.entries(limits)) {
    const name = `anthropic-ratelimit-${kind}`
    const reset = timeAfter((kind === 'requests' ? allowance : tokenAllowance)?.resetMs)
    list.push(`${name}-limit`, String(limit), `${name}-remaining`, String(remaining), `${name}-reset`, reset)
  }
  return retryAfter ? [...list, 'retry-after', retryAfter] : list
}
