import type { Fault, IncomingRequest, ProviderError } from '#exchange'
import { isObject } from '../json-body.ts'
import type { Json } from './json.ts'
import { isText } from './json.ts'
import { wantsEvents } from './stream-form.ts'

/** Google's words for HTTP's statuses (google.rpc.Code, and how its HTTP front maps it). */
const statusWords: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  402: 'RESOURCE_EXHAUSTED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  405: 'UNIMPLEMENTED',
  408: 'DEADLINE_EXCEEDED',
  409: 'ABORTED',
  413: 'INVALID_ARGUMENT',
  415: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  501: 'UNIMPLEMENTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

/** An error in Google's shape (google.rpc.Status), with our own code and the request's id in its details. */
export function renderGeminiError(fault: Fault, requestId: string): Json {
  const { param, retryAfterMs } = fault.detail
  const reason = { reason: fault.code, domain: 'sluice', metadata: { requestId } }
  const details: Json[] = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', ...reason }]
  if (param !== undefined) {
    const fieldViolations = [{ field: param, description: fault.message }]
    details.push({ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations })
  }
  if (fault.detail.ours && fault.status === 429) {
    const violations = [{ subject: 'sluice', quotaId: fault.code, description: fault.message }]
    details.push({ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations })
  }
  if (retryAfterMs !== undefined) {
    const retryDelay = `${retryAfterMs / 1000}s`
    details.push({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay })
  }
  const code = fault.status
  const status = statusWords[code] ?? (code < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL')
  return { error: { code, message: fault.message, status, details } }
}

/** An error in the middle of a stream: an event of its own, or the last element of the array. */
export function renderGeminiErrorEvent(fault: Fault, requestId: string, request?: IncomingRequest): Buffer {
  const text = JSON.stringify(renderGeminiError(fault, requestId))
  return Buffer.from(!request || wantsEvents(request) ? `data: ${text}\r\n\r\n` : `\n,\n${text}\n]`)
}

/**
 * Reads `{error: {code, status, message, details}}`, and the array around it that a stream without `alt=sse` answers
 * with. What is the matter is told in the details at times: by a reason (of a key that is not known, with status 400),
 * or by the name of the quota that is used up, of the minute or of the day.
 */
export function readGeminiError(body: unknown): ProviderError | undefined {
  const json: unknown = Array.isArray(body) ? body[0] : body
  if (!isObject(json) || !json.error) return undefined
  const error = isObject(json.error) ? json.error : {}
  const details = Array.isArray(error.details) ? error.details.filter(isObject) : []
  const reason = details.map(({ reason }) => reason).find(isReason)
  const violations = details.flatMap(({ fieldViolations }) =>
    Array.isArray(fieldViolations) ? fieldViolations : [],
  )
  const field: unknown = violations
    .filter(isObject)
    .map(({ field }) => field)
    .find(isText)
  const code =
    details.map(quotaWord).find(isText) ?? (typeof error.code === 'number' ? String(error.code) : error.code)
  const retryAfterMs = details.map(({ retryDelay }) => readDuration(retryDelay)).find(ms => ms !== undefined)
  return {
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    code: isText(code) ? code : undefined,
    type: reason ?? (isText(error.status) ? error.status : undefined),
    param: isText(field) ? field : undefined,
    message: isText(error.message) ? error.message : undefined,
  }
}

/** As `google.rpc.ErrorInfo` has them; ours are in lower case. */
function isReason(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Z][A-Z0-9_]+$/.test(value)
}

/**
 * Google's own word for a quota that is not back within the minute: one of the day, or of none at all. Told in a
 * `QuotaFailure` (`quotaId: "GenerateRequestsPerDayPerProjectPerModel"`), or by Vertex in the metadata of `ErrorInfo`.
 */
function quotaWord({ violations, metadata }: Record<string, unknown>): string | undefined {
  const quotas = Array.isArray(violations) ? violations.filter(isObject) : []
  const named = [
    ...quotas.map(({ quotaId }) => quotaId),
    isObject(metadata) ? metadata.quota_limit : undefined,
  ]
  const isLong =
    named.some(name => isText(name) && name.includes('PerDay')) ||
    quotas.some(({ quotaValue }) => quotaValue === '0')
  return isLong ? 'quota_exceeded' : undefined
}

/** A `google.protobuf.Duration`: seconds with an `s` behind them. */
function readDuration(value: unknown): number | undefined {
  const [, seconds] = (typeof value === 'string' && /^(\d{1,9}(?:\.\d+)?)s$/.exec(value)) || []
  return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1000)
}
