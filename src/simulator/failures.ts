/**
 * Everything that `fail=` can make happen. Codes and shapes as providers are known to send them; a new failure is
 * a record here and, if it is not an answer with an error status, a case in `deliver.ts`.
 */
export type Failure = ErrorAnswer | Disturbance

/** An answer with an error status; nothing is produced, nothing is billed. */
interface ErrorAnswer {
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

/** A break in transport or format. */
interface Disturbance {
  kind: 'disturbance'
  name: DisturbanceName
  about: string
}

export type DisturbanceName = keyof typeof disturbances

const disturbances = {
  reset: 'the connection is reset before the first byte; with `after`, in the middle',
  hang: 'no byte ever comes',
  slow: 'the first byte comes late: after `for` (default 30s), then all is well',
  stall: 'silence in the middle, for `for` (default: for ever), then the answer goes on',
  cut: 'the connection is closed in the middle, after what has been sent',
  eof: 'a stream ends in the middle, well-formed but without finish and [DONE]; a plain body as with `cut`',
  'no-done': 'a whole stream without its [DONE]',
  'truncated-json': 'a well-delivered body, or stream, whose last JSON is cut off',
  'stream-error': 'status 200, then an error object: in the middle of a stream, or as the whole body',
  html: 'status 200 and a page of HTML',
  empty: 'status 200 and no body',
  redirect: 'status 302 to another address',
} as const

const requestError = 'invalid_request_error'

const errors: readonly ErrorAnswer[] = [
  error('400', 400, requestError, 'invalid_value', 'The request was refused by script.'),
  error('context', 400, requestError, 'context_length_exceeded', 'The messages are longer than the context.'),
  error(
    'content-filter',
    400,
    requestError,
    'content_filter',
    'The request was stopped by a content filter.',
  ),
  error('401', 401, requestError, 'invalid_api_key', 'Incorrect API key provided.'),
  error('402', 402, 'billing_error', 'billing_error', 'The account has an unpaid bill.'),
  error('403', 403, requestError, 'unsupported_country_region_territory', 'The key may not do this.'),
  {
    ...error(
      '404',
      404,
      requestError,
      'model_not_found',
      'The model does not exist or you do not have access.',
    ),
    param: 'model',
  },
  error('408', 408, 'server_error', 'request_timeout', 'The request timed out.'),
  error('409', 409, requestError, 'conflict', 'The resource is being changed by another request.'),
  error('413', 413, requestError, 'request_too_large', 'The request is larger than allowed.'),
  error(
    '422',
    422,
    requestError,
    'unprocessable_entity',
    'The request was understood, but cannot be served.',
  ),
  {
    ...error('429', 429, 'requests', 'rate_limit_exceeded', 'Rate limit reached by script.'),
    retryAfter: '1',
  },
  {
    ...error('slow-down', 429, 'rate_limit_error', 'slow_down', 'Traffic rises too fast; slow down.'),
    retryAfter: '1',
  },
  error('quota', 429, 'insufficient_quota', 'insufficient_quota', 'You exceeded your current quota.'),
  error('500', 500, 'server_error', 'server_error', 'The server had an error while processing your request.'),
  error('502', 502, 'server_error', 'bad_gateway', 'Bad gateway.'),
  error('503', 503, 'server_error', 'server_is_overloaded', 'The server is overloaded.'),
  error('504', 504, 'server_error', 'timeout', 'The server did not answer in time.'),
  error('529', 529, 'overloaded_error', 'overloaded_error', 'The whole fleet is overloaded.'),
]

export const failures: ReadonlyMap<string, Failure> = new Map<string, Failure>([
  ...errors.map(one => [one.name, one] as const),
  ...Object.entries(disturbances).map(
    ([name, about]) => [name, { kind: 'disturbance', name, about } as Disturbance] as const,
  ),
])

/** A failure by its name, or by any error status from 400 to 599. */
export function findFailure(name: string): Failure | undefined {
  const known = failures.get(name)
  if (known || !/^[45]\d\d$/.test(name)) return known
  const status = Number(name)
  return error(name, status, status < 500 ? requestError : 'server_error', null, `Status ${name} by script.`)
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
