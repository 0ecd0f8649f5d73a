import {
  anthropic,
  aws,
  bedrock,
  chat,
  google,
  info,
  messages,
  openai,
  page,
  quota,
  type Row,
  wait,
} from './refusals.fixture.ts'

/** What says that the account or its credential may not: class C. */
export const accountRows: Row[] = [
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
]
