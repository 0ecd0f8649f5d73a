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
const anthropic = (type: string, more: Record<string, unknown> = {}): unknown => ({
  type: 'error',
  error: { type, message: 'Some words.', ...more },
})
const rpc = 'type.googleapis.com/google.rpc.'
export const google = (code: number, status: string, details: unknown[] = []): unknown => ({
  error: { code, status, message: 'Some words.', details },
})
const quota = (...quotaIds: string[]): unknown => ({
  '@type': `${rpc}QuotaFailure`,
  violations: quotaIds.map(quotaId => ({ quotaMetric: 'generate_content_requests', quotaId })),
})
const info = (reason: string, metadata = {}): unknown => ({ '@type': `${rpc}ErrorInfo`, reason, metadata })
export const wait = (retryDelay: string): unknown => ({ '@type': `${rpc}RetryInfo`, retryDelay })
export const filtered = openai({
  type: null,
  param: 'prompt',
  code: 'content_filter',
  status: 400,
  innererror: { code: 'ResponsibleAIPolicyViolation', content_filter_result: { hate: { filtered: true } } },
})
const aws = (name: string): ErrorAnswer['headers'] => ({
  'x-amzn-errortype': `${name}:http://internal.amazon.com/coral/com.amazon.bedrock/`,
})

type Row = [what: string, Dialect, Refusal, FaultCode, FailureClass]

export const chat = 'openai-chat'
const messages = 'anthropic-messages'
const bedrock = 'bedrock-converse'
const page = '<!doctype html><title>413</title>'

/** What providers send, and what it means. The letters are those of the classes in docs/failures.md. */
export const rows: Row[] = [
  // B
  [
    'OpenAI’s rate',
    chat,
    { status: 429, body: openai({ code: 'rate_limit_exceeded' }) },
    'rate_limited',
    'rate_limited',
  ],
  [
    'OpenAI’s slow_down',
    chat,
    { status: 429, body: openai({ type: 'rate_limit_error', code: 'slow_down' }) },
    'rate_limited',
    'rate_limited',
  ],
  [
    'OpenAI’s overload',
    chat,
    { status: 503, body: openai({ code: 'server_is_overloaded' }) },
    'provider_overloaded',
    'overloaded',
  ],
  [
    'Anthropic’s rate',
    messages,
    { status: 429, body: anthropic('rate_limit_error') },
    'rate_limited',
    'rate_limited',
  ],
  [
    'Anthropic’s overload',
    messages,
    { status: 529, body: anthropic('overloaded_error') },
    'provider_overloaded',
    'overloaded',
  ],
  [
    'Google’s rate of the minute',
    'gemini',
    {
      status: 429,
      body: google(429, 'RESOURCE_EXHAUSTED', [
        quota('GenerateRequestsPerMinutePerProjectPerModel'),
        wait('7s'),
      ]),
    },
    'rate_limited',
    'rate_limited',
  ],
  [
    'Vertex’ rate',
    'gemini',
    {
      status: 429,
      body: google(429, 'RESOURCE_EXHAUSTED', [
        info('RATE_LIMIT_EXCEEDED', { quota_limit: 'GenerateContentRequestsPerMinutePerProjectPerRegion' }),
      ]),
    },
    'rate_limited',
    'rate_limited',
  ],
  [
    'Google’s overload',
    'gemini',
    { status: 503, body: google(503, 'UNAVAILABLE') },
    'provider_overloaded',
    'overloaded',
  ],
  [
    'Azure’s high demand',
    chat,
    { status: 429, body: openai({ code: '429' }) },
    'rate_limited',
    'rate_limited',
  ],
  [
    'Bedrock’s throttling',
    bedrock,
    { status: 429, body: { message: 'Some words.' }, headers: aws('ThrottlingException') },
    'rate_limited',
    'rate_limited',
  ],
  [
    'Bedrock’s model that is not ready',
    bedrock,
    { status: 429, body: { message: 'Some words.' }, headers: aws('ModelNotReadyException') },
    'provider_overloaded',
    'overloaded',
  ],
  [
    'Moonshot’s overload',
    chat,
    { status: 429, body: openai({ type: 'engine_overloaded_error' }) },
    'provider_overloaded',
    'overloaded',
  ],
  ['a 429 in HTML', chat, { status: 429, body: page }, 'rate_limited', 'rate_limited'],
  // C
  ...[
    'insufficient_quota',
    'credit_balance_exhausted',
    'organization_spend_limit_exceeded',
    'project_spend_limit_exceeded',
    'organization_usage_limit_exceeded',
  ].map(
    (code): Row => [
      `OpenAI’s ${code}`,
      chat,
      { status: 429, body: openai({ type: 'insufficient_quota', code }) },
      'provider_quota_exhausted',
      'account',
    ],
  ),
  [
    'OpenAI’s hard limit',
    chat,
    { status: 400, body: openai({ code: 'billing_hard_limit_reached' }) },
    'provider_quota_exhausted',
    'account',
  ],
  [
    'Anthropic’s spend limit',
    messages,
    {
      status: 429,
      body: anthropic('rate_limit_error', { details: { error_code: 'enforced_spend_limit_reached' } }),
    },
    'provider_quota_exhausted',
    'account',
  ],
  [
    'Anthropic’s spend limit, as a 400',
    messages,
    {
      status: 400,
      body: anthropic('invalid_request_error', { details: { error_code: 'enforced_spend_limit_reached' } }),
    },
    'provider_quota_exhausted',
    'account',
  ],
  [
    'Anthropic’s bill',
    messages,
    { status: 402, body: anthropic('billing_error') },
    'provider_quota_exhausted',
    'account',
  ],
  [
    'Anthropic’s bill, as a 403',
    messages,
    { status: 403, body: anthropic('billing_error') },
    'provider_quota_exhausted',
    'account',
  ],
  [
    'Google’s quota of the day',
    'gemini',
    {
      status: 429,
      body: google(429, 'RESOURCE_EXHAUSTED', [
        quota(
          'GenerateRequestsPerMinutePerProjectPerModel-FreeTier',
          'GenerateRequestsPerDayPerProjectPerModel-FreeTier',
        ),
        wait('34s'),
      ]),
    },
    'provider_quota_exhausted',
    'account',
  ],
  [
    'Google’s quota of nothing',
    'gemini',
    {
      status: 429,
      body: google(429, 'RESOURCE_EXHAUSTED', [
        {
          violations: [{ quotaId: 'GenerateContentInputTokensPerModelPerMinute-FreeTier', quotaValue: '0' }],
        },
      ]),
    },
    'provider_quota_exhausted',
    'account',
  ],
  [
    'Vertex’ quota of the day',
    'gemini',
    {
      status: 429,
      body: google(429, 'RESOURCE_EXHAUSTED', [
        info('RATE_LIMIT_EXCEEDED', { quota_limit: 'RequestsPerDayPerProject' }),
      ]),
    },
    'provider_quota_exhausted',
    'account',
  ],
  [
    'Google’s quota_exceeded',
    'gemini',
    { status: 429, body: { error: { code: 'quota_exceeded', message: 'Some words.' } } },
    'provider_quota_exhausted',
    'account',
  ],
  [
    'Google without billing',
    'gemini',
    { status: 403, body: google(403, 'PERMISSION_DENIED', [info('BILLING_DISABLED')]) },
    'provider_quota_exhausted',
    'account',
  ],
  [
    'Google’s 402',
    'gemini',
    { status: 402, body: google(402, 'FAILED_PRECONDITION') },
    'provider_quota_exhausted',
    'account',
  ],
  [
    'Google’s unknown key',
    'gemini',
    { status: 400, body: google(400, 'INVALID_ARGUMENT', [info('API_KEY_INVALID')]) },
    'provider_credential_rejected',
    'account',
  ],
  [
    'Google’s 403',
    'gemini',
    { status: 403, body: google(403, 'PERMISSION_DENIED') },
    'provider_credential_rejected',
    'forbidden',
  ],
  [
    'Bedrock’s service quota',
    bedrock,
    { status: 400, body: { message: 'Some words.' }, headers: aws('ServiceQuotaExceededException') },
    'provider_quota_exhausted',
    'account',
  ],
  [
    'Bedrock’s 403',
    bedrock,
    { status: 403, body: { message: 'Some words.' }, headers: aws('AccessDeniedException') },
    'provider_credential_rejected',
    'forbidden',
  ],
  [
    'AWS’ expired token, with its name in the body',
    bedrock,
    {
      status: 400,
      body: { __type: 'com.amazon.coral.service#ExpiredTokenException', message: 'Some words.' },
    },
    'provider_credential_rejected',
    'account',
  ],
  [
    'DeepSeek without balance',
    chat,
    { status: 402, body: openai({ type: 'unknown_error' }) },
    'provider_quota_exhausted',
    'account',
  ],
  [
    'Moonshot’s quota',
    chat,
    { status: 429, body: openai({ type: 'exceeded_current_quota_error' }) },
    'provider_quota_exhausted',
    'account',
  ],
  [
    'Alibaba’s arrears',
    chat,
    { status: 400, body: openai({ type: 'Arrearage', code: 'Arrearage' }) },
    'provider_quota_exhausted',
    'account',
  ],
  ['a 401 in HTML', chat, { status: 401, body: page }, 'provider_credential_rejected', 'account'],
  ['a 403 in no words', chat, { status: 403 }, 'provider_credential_rejected', 'forbidden'],
  // D
  [
    'OpenAI’s bad field',
    chat,
    { status: 400, body: openai({ code: 'decimal_above_max' }) },
    'provider_rejected',
    'bad_request',
  ],
  [
    'Anthropic’s bad request',
    messages,
    { status: 400, body: anthropic('invalid_request_error') },
    'provider_rejected',
    'bad_request',
  ],
  [
    'Anthropic’s request that is too large',
    messages,
    { status: 413, body: anthropic('request_too_large') },
    'provider_rejected',
    'bad_request',
  ],
  [
    'a CDN’s request that is too large',
    messages,
    { status: 413, body: page },
    'provider_rejected',
    'bad_request',
  ],
  [
    'Google’s bad argument',
    'gemini',
    { status: 400, body: google(400, 'INVALID_ARGUMENT') },
    'provider_rejected',
    'bad_request',
  ],
  [
    'Google’s precondition, which a file that is not ready fails too',
    'gemini',
    { status: 400, body: google(400, 'FAILED_PRECONDITION') },
    'provider_rejected',
    'bad_request',
  ],
  [
    'Bedrock’s validation',
    bedrock,
    { status: 400, body: { message: 'Some words.' }, headers: aws('ValidationException') },
    'provider_rejected',
    'bad_request',
  ],
  [
    'Mistral’s 422',
    chat,
    { status: 422, body: { object: 'error', message: {}, type: 'invalid_request_error' } },
    'provider_rejected',
    'bad_request',
  ],
  [
    'OpenAI’s unknown model',
    chat,
    { status: 404, body: openai({ code: 'model_not_found' }) },
    'model_not_found',
    'not_served',
  ],
  [
    'OpenAI’s model that the project may not use',
    chat,
    { status: 403, body: openai({ code: 'model_not_found' }) },
    'model_not_found',
    'not_served',
  ],
  [
    'Mistral’s unknown model',
    chat,
    { status: 400, body: { object: 'error', message: 'Some words.', type: 'invalid_model', code: '1500' } },
    'model_not_found',
    'not_served',
  ],
  [
    'Groq’s former model',
    chat,
    { status: 400, body: openai({ code: 'model_decommissioned' }) },
    'model_not_found',
    'not_served',
  ],
  [
    'Anthropic’s unknown model',
    messages,
    { status: 404, body: anthropic('not_found_error') },
    'model_not_found',
    'not_served',
  ],
  // E
  [
    'OpenAI’s context',
    chat,
    { status: 400, body: openai({ type: 'invalid_request_error', code: 'context_length_exceeded' }) },
    'context_too_long',
    'context_too_long',
  ],
  [
    'the context in Responses',
    'openai-responses',
    { status: 400, body: openai({ code: 'context_length_exceeded' }) },
    'context_too_long',
    'context_too_long',
  ],
  [
    'llama.cpp’s context',
    chat,
    {
      status: 400,
      body: openai({ code: 400, type: 'exceed_context_size_error', n_prompt_tokens: 1407, n_ctx: 256 }),
    },
    'context_too_long',
    'context_too_long',
  ],
  [
    'vLLM’s context',
    chat,
    { status: 400, body: openai({ code: 400, type: 'BadRequestError', param: 'input_tokens' }) },
    'context_too_long',
    'context_too_long',
  ],
  [
    'Anthropic’s context, which only its text tells',
    messages,
    {
      status: 400,
      body: anthropic('invalid_request_error', {
        message: 'prompt is too long: 200001 tokens > 200000 maximum',
      }),
    },
    'provider_rejected',
    'bad_request',
  ],
  // F
  ['Azure’s filter', chat, { status: 400, body: filtered }, 'content_blocked', 'content_blocked'],
  [
    'Azure’s filter without its code',
    chat,
    { status: 400, body: openai({ innererror: { code: 'ResponsibleAIPolicyViolation' } }) },
    'content_blocked',
    'content_blocked',
  ],
  [
    'OpenAI’s usage policy',
    chat,
    { status: 400, body: openai({ type: 'invalid_request_error', code: 'invalid_prompt' }) },
    'content_blocked',
    'content_blocked',
  ],
  [
    'OpenRouter’s moderation',
    chat,
    { status: 403, body: openai({ code: 403, metadata: { reasons: ['x'], flagged_input: 'y' } }) },
    'content_blocked',
    'content_blocked',
  ],
  [
    'Alibaba’s inspection',
    chat,
    { status: 400, body: openai({ type: 'data_inspection_failed', code: 'data_inspection_failed' }) },
    'content_blocked',
    'content_blocked',
  ],
  // G
  [
    'OpenAI’s 500',
    chat,
    { status: 500, body: openai({ type: 'server_error' }) },
    'provider_failed',
    'outcome_unknown',
  ],
  ['OpenAI’s 408', chat, { status: 408, body: openai({}) }, 'upstream_timeout', 'outcome_unknown'],
  ['OpenAI’s 409', chat, { status: 409, body: openai({}) }, 'provider_failed', 'outcome_unknown'],
  ['a 425', chat, { status: 425 }, 'provider_failed', 'outcome_unknown'],
  [
    'Anthropic’s time limit',
    messages,
    { status: 504, body: anthropic('timeout_error') },
    'upstream_timeout',
    'outcome_unknown',
  ],
  [
    'Google’s 499',
    'gemini',
    { status: 499, body: google(499, 'CANCELLED') },
    'provider_failed',
    'outcome_unknown',
  ],
  [
    'Bedrock’s model that failed',
    bedrock,
    { status: 424, body: { message: 'Some words.' }, headers: aws('ModelErrorException') },
    'provider_failed',
    'outcome_unknown',
  ],
  [
    'Bedrock’s model that was slow',
    bedrock,
    { status: 408, body: { message: 'Some words.' }, headers: aws('ModelTimeoutException') },
    'upstream_timeout',
    'outcome_unknown',
  ],
  ['a CDN’s unknown error', chat, { status: 520, body: page }, 'provider_failed', 'outcome_unknown'],
  ['a CDN’s time limit', chat, { status: 524, body: page }, 'upstream_timeout', 'outcome_unknown'],
  ['a CDN’s 527', chat, { status: 527, body: page }, 'provider_failed', 'outcome_unknown'],
  ['a 502 in HTML', chat, { status: 502, body: page }, 'provider_failed', 'outcome_unknown'],
  // A, told by who stands before it
  ...[521, 522, 523, 525, 526, 530].map(
    (status): Row => [`a CDN’s ${status}`, chat, { status, body: page }, 'provider_unreachable', 'not_sent'],
  ),
  // J
  ['a redirect', chat, { status: 302 }, 'provider_malformed', 'malformed'],
  ['a 204', chat, { status: 204 }, 'provider_malformed', 'malformed'],
]
