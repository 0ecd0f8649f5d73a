import type { ApiError } from '../api-error.ts'
import type { AnswerFacts } from '../dialect.ts'

/** An error in OpenAI's shape: all four keys, always. */
export function errorBody({ message, type, param, code }: ApiError): string {
  return JSON.stringify({ error: { message, type, param, code } })
}

const tokenLimit = 2_000_000
const requestLimit = 10_000

/** The headers that OpenAI's answers were recorded with, good and bad, streamed or not. */
export function headers({
  requestId,
  processingMs,
  inputTokens,
  allowance,
  retryAfter,
}: AnswerFacts): string[] {
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
    ...['x-ratelimit-limit-tokens', String(tokenLimit)],
    ...['x-ratelimit-remaining-tokens', String(Math.max(0, tokenLimit - inputTokens))],
    ...['x-ratelimit-reset-tokens', duration(Math.ceil((inputTokens * 60_000) / tokenLimit))],
  ]
  return retryAfter ? [...list, 'retry-after', retryAfter] : list
}

/** `0s`, `12ms`, `8.64s`, `6m0s`: how OpenAI writes a reset. */
function duration(ms: number): string {
  if (ms < 1000) return ms === 0 ? '0s' : `${ms}ms`
  if (ms < 60_000) return `${ms / 1000}s`
  return `${Math.floor(ms / 60_000)}m${Math.floor((ms % 60_000) / 1000)}s`
}
