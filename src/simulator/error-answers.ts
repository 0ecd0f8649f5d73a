/** An answer with an error status; nothing is produced, nothing is billed. The words are OpenAI's. */
export interface ErrorAnswer {
  kind: 'error'
  name: string
  status: number
  type: string
  code: string | null
  message: string
  param?: string
  /** Sent unless the script says otherwise. */
  retryAfter?: string
}

const invalid = 'invalid_request_error'
const server = 'server_error'
const money = 'insufficient_quota'

/**
 * As providers are known to send them; a dialect's envelope puts them into its own words, by their code. Money:
 * OpenAI's "Spend limits" and its help article 5955604 on 429s. `azure-filter`: Azure's `InnerErrorCode`.
 */
export const errorAnswers: readonly ErrorAnswer[] = [
  error('400', 400, invalid, 'invalid_value', 'The request was refused by script.'),
  error('context', 400, invalid, 'context_length_exceeded', 'The messages are longer than the context.'),
  error('content-filter', 400, invalid, 'content_filter', 'The request was stopped by a content filter.'),
  {
    ...error('azure-filter', 400, 'azure', 'content_filter', 'The response was filtered.'),
    param: 'prompt',
  },
  error('401', 401, invalid, 'invalid_api_key', 'Incorrect API key provided.'),
  error('402', 402, 'billing_error', 'billing_error', 'The account has an unpaid bill.'),
  error('billing', 402, 'billing_error', 'billing_error', 'The account has an unpaid bill.'),
  error('403', 403, invalid, 'unsupported_country_region_territory', 'The key may not do this.'),
  {
    ...error('404', 404, invalid, 'model_not_found', 'The model does not exist or you do not have access.'),
    param: 'model',
  },
  error('408', 408, server, 'request_timeout', 'The request timed out.'),
  error('409', 409, invalid, 'conflict', 'The resource is being changed by another request.'),
  error('413', 413, invalid, 'request_too_large', 'The request is larger than allowed.'),
  error('422', 422, invalid, 'unprocessable_entity', 'The request was understood, but cannot be served.'),
  {
    ...error('429', 429, 'requests', 'rate_limit_exceeded', 'Rate limit reached by script.'),
    retryAfter: '1',
  },
  {
    ...error('slow-down', 429, 'rate_limit_error', 'slow_down', 'Traffic rises too fast; slow down.'),
    retryAfter: '1',
  },
  {
    ...error('daily', 429, 'requests', 'daily_quota_exceeded', 'Limit reached on requests per day (RPD).'),
    retryAfter: '43200',
  },
  error('quota', 429, money, 'insufficient_quota', 'You exceeded your current quota.'),
  error('credit', 429, money, 'credit_balance_exhausted', 'There are no prepaid credits left.'),
  error('spend-limit', 429, money, 'organization_spend_limit_exceeded', 'The spend limit is reached.'),
  error('own-limit', 429, money, 'project_spend_limit_exceeded', "The project's spend limit is reached."),
  error('usage-limit', 429, money, 'organization_usage_limit_exceeded', 'The usage limit is reached.'),
  error('500', 500, server, 'server_error', 'The server had an error while processing your request.'),
  error('502', 502, server, 'bad_gateway', 'Bad gateway.'),
  error('503', 503, server, 'server_is_overloaded', 'The server is overloaded.'),
  error('504', 504, server, 'timeout', 'The server did not answer in time.'),
  error('529', 529, 'overloaded_error', 'overloaded_error', 'The whole fleet is overloaded.'),
]

/** Any error status from 400 to 599. */
export function plainError(status: number): ErrorAnswer {
  const type = status < 500 ? invalid : server
  return error(String(status), status, type, null, `Status ${status} by script.`)
}

function error(
  name: string,
  status: number,
  type: string,
  code: string | null,
  message: string,
): ErrorAnswer {
  return { kind: 'error', name, status, type, code, message }
}
