import type { ApiError } from '../api-error.ts'
import type { AnswerFacts } from '../dialect.ts'

/** An error in OpenAI's shape: all four keys, always. */
export function errorBody({ message, type, param, code }: ApiError): string {
  if (type !== azureType) return JSON.stringify({ error: { message, type, param, code } })
  return JSON.stringify({ error: { message, type: null, param, code, status: 400, innererror: blocked } })
}

/** Azure's own: a prompt that its filter has stopped ("Content filtering" of Azure OpenAI). */
const azureType = 'azure'
const passed = { filtered: false, severity: 'safe' }
const blocked = {
  code: 'ResponsibleAIPolicyViolation',
  content_filter_result: {
    hate: passed,
    self_harm: passed,
    sexual: passed,
    violence: { filtered: true, severity: 'medium' },
  },
}

const tokenLimit = 2_000_000
const requestLimit = 10_000

/** The headers that OpenAI's answers were recorded with, good and bad, streamed or not. */
export function headers({
  requestId,
  processingMs,
  inputTokens,
  allowance,
  tokenAllowance,
  retryAfter,
}: AnswerFacts): string[] {
  const tokens = tokenAllowance ?? {
    limit: tokenLimit,
    remaining: Math.max(0, tokenLimit - inputTokens),
    resetMs: Math.ceil((inputTokens * 60_000) / tokenLimit),
  }
  const list = [
    ...['x-request-id', requestId, 'openai-processing-ms', String(Math.round(processingMs))],
    ...[
      'openai-version',
      '2020-10-01',
      'openai-organization',
      'simulator',
      'openai-project',
      'proj_simulator',
    ],
    ...['x-ratelimit-limit-requests', String(allowance?.limit ?? requestLimit)],
    ...['x-ratelimit-remaining-requests', String(allowance?.remaining ?? requestLimit - 1)],
    ...['x-ratelimit-reset-requests', duration(allowance?.resetMs ?? 6)],
    ...['x-ratelimit-limit-tokens', String(tokens.limit)],
    ...['x-ratelimit-remaining-tokens', String(tokens.remaining)],
    ...['x-ratelimit-reset-tokens', duration(tokens.resetMs)],
  ]
  return retryAfter ? [...list, 'retry-after', retryAfter] : list
}

/** `0s`, `12ms`, `8.64s`, `6m0s`: how OpenAI writes a reset. */
function duration(ms: number): string {
  if (ms < 1000) return ms === 0 ? '0s' : `${ms}ms`
  if (ms < 60_000) return `${ms / 1000}s`
  return `${Math.floor(ms / 60_000)}m${Math.floor((ms % 60_000) / 1000)}s`
}
