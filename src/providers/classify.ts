import { Fault, type FaultCode, type ProviderError } from '#exchange'
import { meaningOf } from './error-words.ts'
import { clampWait, limitResetMs, retryAfterMs } from './retry-after.ts'

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

const codeByStatus: Readonly<Record<number, FaultCode>> = {
  401: 'provider_credential_rejected',
  402: 'provider_quota_exhausted',
  403: 'provider_credential_rejected',
  404: 'model_not_found',
  407: 'provider_credential_rejected',
  408: 'upstream_timeout',
  409: 'provider_failed',
  424: 'provider_failed', // Bedrock: the model failed, not the request
  425: 'provider_failed',
  429: 'rate_limited',
  499: 'provider_failed', // Google: cancelled, and not by us
  503: 'provider_overloaded',
  504: 'upstream_timeout',
  // Cloudflare's, in front of many: 520 and 527 came after the request was sent, 524 is a time limit of its own;
  // of the others no connection to the provider stood (https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/).
  521: 'provider_unreachable',
  522: 'provider_unreachable',
  523: 'provider_unreachable',
  524: 'upstream_timeout',
  525: 'provider_unreachable',
  526: 'provider_unreachable',
  529: 'provider_overloaded',
  530: 'provider_unreachable',
}

/** What concerns the caller's own request, and is passed on in the provider's words. */
const callersOwn: ReadonlySet<FaultCode> = new Set([
  'provider_rejected',
  'model_not_found',
  'context_too_long',
  'content_blocked',
])

/** Coming back later does not help, whatever a header says: Google names seconds for a quota of the day. */
const hopeless: ReadonlySet<FaultCode> = new Set(['provider_quota_exhausted', 'provider_credential_rejected'])

/** What a provider's error means, by its code where that says more than its status; never by its text. */
export function classify(answer: ErrorAnswer): Fault {
  const code = codeOf(answer)
  const { provider, model, status } = answer
  const isShownAsIs = !answer.translated && answer.body.length > 0
  const words = isShownAsIs || answer.repeatsSecret ? '' : wordsOf(answer.error)
  const sentences: Partial<Record<FaultCode, string>> = {
    provider_credential_rejected: `Provider \`${provider}\` did not accept the credential configured for it (status ${status}). The operator of this server must mend it.`,
    provider_quota_exhausted: `The account at provider \`${provider}\` has no credit or quota left. Trying again does not help until its operator adds some.`,
    model_not_found: `Provider \`${provider}\` has no model \`${model}\`, or its base_url is wrong.${words}`,
    rate_limited: `Provider \`${provider}\` is limiting our rate. Come back when \`retry-after\` says, or later.`,
    context_too_long: `The input is longer than what \`${model}\` of provider \`${provider}\` takes.${words}`,
    content_blocked: `The content filter of provider \`${provider}\` stopped the request.${words}`,
    provider_unreachable: `Provider \`${provider}\` could not be reached by what stands before it (status ${status}).`,
    provider_overloaded: `Provider \`${provider}\` is overloaded (status ${status}). Try again in a moment.`,
    upstream_timeout: `Provider \`${provider}\` gave up on the request by itself (status ${status}).`,
    provider_rejected: `Provider \`${provider}\` refused the request (status ${status}).${words}`,
    provider_malformed: `Provider \`${provider}\` answered with status ${status}, which is no answer to a model call. Redirects are not followed.`,
  }
  const told = answer.repeatsSecret ? undefined : answer.error
  return new Fault(code, sentences[code] ?? `Provider \`${provider}\` failed (status ${status}).`, {
    ...(!answer.translated && { param: told?.param }), // in another dialect the field has another name
    providerStatus: status,
    retryAfterMs: waitOf(answer, code),
    internal: `status ${status}, code ${told?.code}, type ${told?.type}`,
    ...(told &&
      isShownAsIs &&
      callersOwn.has(code) && {
        providerAnswer: { status, body: answer.body },
      }),
  })
}

function waitOf({ headers, error, nowMs }: ErrorAnswer, code: FaultCode): number | undefined {
  if (hopeless.has(code)) return undefined
  const waitMs = retryAfterMs(headers, nowMs) ?? clampWait(error?.retryAfterMs)
  return code === 'rate_limited' ? (waitMs ?? limitResetMs(headers, nowMs)) : waitMs
}

/** The provider's own words on a request that it refused, for a caller who cannot be given its answer as it is: of another dialect, or in the middle of a stream. */
function wordsOf(error: ProviderError | undefined): string {
  return error?.message === undefined ? '' : ` It says: ${error.message.slice(0, 1_000)}`
}

function codeOf({ status, error, headers }: ErrorAnswer): FaultCode {
  if (status < 400) return 'provider_malformed'
  const meaning = meaningOf(error, exceptionOf(headers))
  return meaning ?? codeByStatus[status] ?? (status < 500 ? 'provider_rejected' : 'provider_failed')
}

/** AWS names its exceptions in a header, with an address behind the name at times. */
function exceptionOf(headers: ErrorAnswer['headers']): string | undefined {
  const name = headers['x-amzn-errortype']
  return typeof name === 'string' ? name.replace(/:.*$/, '') : undefined
}
