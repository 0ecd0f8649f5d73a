import { type Fault, faults, type ProviderError } from '#exchange'
import { isObject } from '../json-body.ts'

/** Anthropic's error types by HTTP status (Messages API, errors). */
const types: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

/** Anthropic's shape, with the id by which the call is found. */
export function renderMessagesError(fault: Fault, requestId: string): Record<string, unknown> {
  return {
    type: 'error',
    error: { type: typeOf(fault), message: fault.message, ...detailsOf(fault) },
    request_id: requestId,
  }
}

/** By this the SDK's runner of tools, which asks for a thread unasked, knows to go on without (SDK 1.11, `ThreadState`). */
function detailsOf({ code, detail }: Fault): { details?: Record<string, unknown> } {
  return code === 'unsupported_parameter' && detail.param === 'thread'
    ? { details: { error_code: 'thread_unsupported_request', unsupported: ['thread'] } }
    : {}
}

function typeOf({ code }: Fault): string {
  if (code === 'provider_quota_exhausted') return 'billing_error'
  const { status } = faults[code]
  return types[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
}

/** Nothing follows it: the SDKs throw at once. */
export function renderMessagesErrorEvent(fault: Fault, requestId: string): Buffer {
  return Buffer.from(`event: error\ndata: ${JSON.stringify(renderMessagesError(fault, requestId))}\n\n`)
}

/** Reads `{type: 'error', error: {type, message}}`, as a body or as the data of an `error` event. */
export function readMessagesError(body: unknown): ProviderError | undefined {
  if (!isObject(body) || !isObject(body.error)) return undefined
  const { error } = body
  const details = isObject(error.details) ? error.details : {}
  return {
    code: text(details.error_code) ?? text(error.code),
    type: text(error.type),
    param: undefined,
    message: text(error.message),
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
