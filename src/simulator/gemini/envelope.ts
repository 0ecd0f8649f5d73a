import type { ApiError } from '../api-error.ts'
import type { AnswerFacts } from '../dialect.ts'

/** Names of `google.rpc.Code` by HTTP status. */
const statuses: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'DEADLINE_EXCEEDED',
  409: 'ABORTED',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

const dailyQuota =
  'You exceeded your current quota, please check your plan and billing details.\n* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_requests, limit: 0'

/** What Google says where OpenAI says something else; by the code of the failure. */
const sentences: Readonly<Record<string, string>> = {
  context_length_exceeded:
    'The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).',
  invalid_api_key: 'Request had invalid authentication credentials.',
  insufficient_quota: dailyQuota,
  daily_quota_exceeded: dailyQuota,
  credit_balance_exhausted: dailyQuota,
  rate_limit_exceeded: 'Resource has been exhausted (e.g. check quota).',
  server_error: 'An internal error has occurred. Please retry or report the problem.',
  server_is_overloaded: 'The model is overloaded. Please try again later.',
  missing_required_parameter: 'The model is not named, or its name is not well percent-encoded.',
}

/** Whatever else is spent, is spent for the day. */
const perMinute: ReadonlySet<string | null> = new Set([null, 'rate_limit_exceeded', 'slow_down'])

const rpc = 'type.googleapis.com/google.rpc.'

/** An error as Google tells it: `{error: {code, message, status, details?}}`; when to come back is a detail. */
export function errorBody(error: ApiError): string {
  const { status, code, message } = error
  const details = renderDetails(error)
  return JSON.stringify({
    error: {
      code: status,
      message: (code === null ? undefined : sentences[code]) ?? message,
      status: statuses[status] ?? (status < 500 ? 'INVALID_ARGUMENT' : 'UNKNOWN'),
      ...(details.length > 0 ? { details } : {}),
    },
  })
}

function renderDetails({ status, code, message, param, retryAfter }: ApiError): object[] {
  const details: object[] = []
  if (status === 429) {
    const quotaId = perMinute.has(code)
      ? 'GenerateRequestsPerMinutePerProjectPerModel'
      : 'GenerateRequestsPerDayPerProjectPerModel'
    const quotaMetric = 'generativelanguage.googleapis.com/generate_content_requests'
    details.push({ '@type': `${rpc}QuotaFailure`, violations: [{ quotaMetric, quotaId }] })
  }
  if (code === 'proto') {
    const fieldViolations = message.split('\n').map(description => ({
      ...(param === null ? {} : { field: param }),
      description,
    }))
    details.push({ '@type': `${rpc}BadRequest`, fieldViolations })
  }
  if (retryAfter) {
    const retryDelay = /^\d+$/.test(retryAfter) ? `${retryAfter}s` : retryAfter
    details.push({ '@type': `${rpc}RetryInfo`, retryDelay })
  }
  return details
}

/** Google tells no limits and no time to wait in headers. */
export function headers({ processingMs, requestId }: AnswerFacts): string[] {
  return [
    ...['server-timing', `gfet4t7; dur=${Math.round(processingMs)}`, 'vary', 'Origin, X-Origin, Referer'],
    ...['x-sim-request-id', requestId],
  ]
}
