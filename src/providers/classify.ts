import { Fault, type FaultCode, type ProviderError } from '#exchange'
import { clampWait, retryAfterMs } from './retry-after.ts'

/** A provider's refusal: what came back instead of an answer. */
export interface ErrorAnswer {
  provider: string
  model: string
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Buffer
  /** What could be read of the body in the provider's dialect. */
  error: ProviderError | undefined
  /** The caller speaks another dialect than the provider: its body means nothing to it. */
  translated: boolean
  /** The body contains our credential: it goes nowhere. */
  repeatsSecret: boolean
  /** The current time, to read dates in `retry-after` by. */
  nowMs: number
}

/** Codes that mean money, whatever the status: trying again cannot help. */
const quotaCodes = new Set([
  'insufficient_quota',
  'credit_balance_exhausted',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
  'enforced_spend_limit_reached',
  'billing_error',
])

/** Codes that mean the credential, where the status does not say so: Google answers a wrong key with 400. */
const credentialCodes = new Set(['API_KEY_INVALID', 'API_KEY_SERVICE_BLOCKED', 'ACCESS_TOKEN_EXPIRED'])

const codeByStatus: Readonly<Record<number, FaultCode>> = {
  401: 'provider_credential_rejected',
  402: 'provider_quota_exhausted',
  403: 'provider_credential_rejected',
  404: 'model_not_found',
  408: 'upstream_timeout',
  409: 'provider_failed',
  429: 'rate_limited',
  503: 'provider_overloaded',
  504: 'upstream_timeout',
  529: 'provider_overloaded',
}

/** What a provider's error means, by its status first and its code second; never by its text. */
export function classify(answer: ErrorAnswer): Fault {
  const code = codeOf(answer)
  const { provider, model, status } = answer
  const words = answer.translated && !answer.repeatsSecret ? wordsOf(answer.error) : ''
  const sentences: Partial<Record<FaultCode, string>> = {
    provider_credential_rejected: `Provider \`${provider}\` did not accept the credential configured for it (status ${status}). The operator of this server must mend it.`,
    provider_quota_exhausted: `The account at provider \`${provider}\` has no credit or quota left. Trying again does not help until its operator adds some.`,
    model_not_found: `Provider \`${provider}\` has no model \`${model}\`, or its base_url is wrong.${words}`,
    rate_limited: `Provider \`${provider}\` is limiting our rate. Come back when \`retry-after\` says, or later.`,
    provider_overloaded: `Provider \`${provider}\` is overloaded (status ${status}). Try again in a moment.`,
    upstream_timeout: `Provider \`${provider}\` gave up on the request by itself (status ${status}).`,
    provider_rejected: `Provider \`${provider}\` refused the request (status ${status}).${words}`,
    provider_malformed: `Provider \`${provider}\` answered with status ${status}, which is no answer to a model call. Redirects are not followed.`,
  }
  return new Fault(code, sentences[code] ?? `Provider \`${provider}\` failed (status ${status}).`, {
    ...(!answer.translated && { param: answer.error?.param }), // in another dialect the field has another name
    retryAfterMs: retryAfterMs(answer.headers, answer.nowMs) ?? clampWait(answer.error?.retryAfterMs),
    internal: `status ${status}, code ${answer.error?.code}, type ${answer.error?.type}`,
    // Only what concerns the caller's own request is passed on in the provider's words.
    ...(answer.error &&
      !answer.translated &&
      !answer.repeatsSecret &&
      answer.body.length > 0 &&
      (code === 'provider_rejected' || code === 'model_not_found') && {
        providerAnswer: { status, body: answer.body },
      }),
  })
}

/** The provider's own words on a request that it refused, for a caller who cannot be given its answer as it is. */
function wordsOf(error: ProviderError | undefined): string {
  return error?.message === undefined ? '' : ` It says: ${error.message.slice(0, 1_000)}`
}

function codeOf({ status, error }: ErrorAnswer): FaultCode {
  if (status < 400) return 'provider_malformed'
  if ([error?.code, error?.type].some(word => word !== undefined && credentialCodes.has(word)))
    return 'provider_credential_rejected'
  if (status === 429 && [error?.code, error?.type].some(word => word !== undefined && quotaCodes.has(word))) {
    return 'provider_quota_exhausted'
  }
  return codeByStatus[status] ?? (status < 500 ? 'provider_rejected' : 'provider_failed')
}

/** Words of providers for an error in the middle of a stream, or inside of a 200, as the status each has otherwise. */
const statusByWord: Readonly<Record<string, number>> = {
  rate_limit_exceeded: 429,
  rate_limit_error: 429,
  RESOURCE_EXHAUSTED: 429,
  throttlingException: 429,
  overloaded_error: 529,
  UNAVAILABLE: 503,
  serviceUnavailableException: 503,
  timeout_error: 504,
  DEADLINE_EXCEEDED: 504,
  modelTimeoutException: 504,
}

/** The status that an error inside a 200 stands for: some providers put it into `code`. */
export function statusWithin({ code, type }: ProviderError): number {
  const status = Number(code)
  if (status >= 400 && status < 600) return status
  return statusByWord[code ?? ''] ?? statusByWord[type ?? ''] ?? 500
}
