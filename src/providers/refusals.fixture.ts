import type { Dialect, FailureClass, FaultCode } from '#exchange'
import type { ErrorAnswer } from './classify.ts'

/** What came back instead of an answer. */
export interface Refusal {
  status: number
  body?: unknown
  headers?: ErrorAnswer['headers']
}

export const openai = (error: Record<string, unknown>): unknown => ({
  error: { message: 'Some words.', ...error },
})
export const anthropic = (type: string, more: Record<string, unknown> = {}): unknown => ({
  type: 'error',
  error: { type, message: 'Some words.', ...more },
})
const rpc = 'type.googleapis.com/google.rpc.'
export const google = (code: number, status: string, details: unknown[] = []): unknown => ({
  error: { code, status, message: 'Some words.', details },
})
export const quota = (...quotaIds: string[]): unknown => ({
  '@type': `${rpc}QuotaFailure`,
  violations: quotaIds.map(quotaId => ({ quotaMetric: 'generate_content_requests', quotaId })),
})
export const info = (reason: string, metadata = {}): unknown => ({
  '@type': `${rpc}ErrorInfo`,
  reason,
  metadata,
})
export const wait = (retryDelay: string): unknown => ({ '@type': `${rpc}RetryInfo`, retryDelay })
export const filtered = openai({
  type: null,
  param: 'prompt',
  code: 'content_filter',
  status: 400,
  innererror: { code: 'ResponsibleAIPolicyViolation', content_filter_result: { hate: { filtered: true } } },
})
export const aws = (name: string): ErrorAnswer['headers'] => ({
  'x-amzn-errortype': `${name}:http://internal.amazon.com/coral/com.amazon.bedrock/`,
})

export type Row = [what: string, Dialect, Refusal, FaultCode, FailureClass]

export const chat = 'openai-chat'
export const messages = 'anthropic-messages'
export const bedrock = 'bedrock-converse'
export const page = '<!doctype html><title>413</title>'
