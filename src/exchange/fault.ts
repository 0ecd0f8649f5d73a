/**
 * The catalogue of faults: every code a caller can meet, its HTTP status, the OpenAI error `type` it belongs
 * to, and whether a client's SDK may try again by itself. `docs/errors.md` is generated from it.
 */
export const faults = {
  // what the caller can mend
  invalid_request: {
    status: 400,
    type: 'invalid_request_error',
    retry: false,
    about: 'A field is missing, has the wrong type, or is out of range.',
  },
  invalid_json: {
    status: 400,
    type: 'invalid_request_error',
    retry: false,
    about: 'The body is not valid JSON.',
  },
  json_too_deep: {
    status: 400,
    type: 'invalid_request_error',
    retry: false,
    about: 'The JSON body is nested too deeply.',
  },
  unsupported_parameter: {
    status: 400,
    type: 'invalid_request_error',
    retry: false,
    about:
      'The request asks for something that the provider it goes to cannot take; `unsupported: drop` goes on without.',
  },
  unsupported_operation: {
    status: 400,
    type: 'invalid_request_error',
    retry: false,
    about: 'The provider of this model cannot do this at all, such as embeddings.',
  },
  previous_response_not_found: {
    status: 400,
    type: 'invalid_request_error',
    retry: false,
    about:
      'The response that `previous_response_id` names, or one that it goes on from, is not kept here for this project: unknown, made with `store: false`, expired or deleted.',
  },
  media_not_fetched: {
    status: 400,
    type: 'invalid_request_error',
    retry: false,
    about:
      'An image or file that the request names by its address could not be had, and the provider takes it only as data.',
  },
  invalid_api_key: {
    status: 401,
    type: 'authentication_error',
    retry: false,
    about: 'The key is missing, unknown, expired or revoked.',
  },
  permission_denied: {
    status: 403,
    type: 'permission_error',
    retry: false,
    about: 'The key is known, but not allowed to do this.',
  },
  model_not_allowed: {
    status: 403,
    type: 'permission_error',
    retry: false,
    about: 'The key may not use this model.',
  },
  not_found: {
    status: 404,
    type: 'invalid_request_error',
    retry: false,
    about: 'There is nothing at this address.',
  },
  model_not_found: {
    status: 404,
    type: 'invalid_request_error',
    retry: false,
    about: 'No model, alias or target of this name is configured.',
  },
  method_not_allowed: {
    status: 405,
    type: 'invalid_request_error',
    retry: false,
    about: 'The address exists, but not for this HTTP method.',
  },
  conflict: {
    status: 409,
    type: 'invalid_request_error',
    retry: false,
    about: 'It exists already, or changed in the meantime.',
  },
  idempotency_conflict: {
    status: 409,
    type: 'invalid_request_error',
    retry: true,
    about:
      'The request that the `Idempotency-Key` belongs to is still being made by another process; come back for its answer.',
  },
  idempotency_not_kept: {
    status: 409,
    type: 'invalid_request_error',
    retry: false,
    about:
      'The request that the `Idempotency-Key` belongs to was made, but its answer is too large to be kept and cannot be given again.',
  },
  idempotency_key_reused: {
    status: 422,
    type: 'invalid_request_error',
    retry: false,
    about: 'The `Idempotency-Key` was sent before with another body, or to another address.',
  },
  body_too_large: {
    status: 413,
    type: 'invalid_request_error',
    retry: false,
    about: 'The body is larger than this server accepts.',
  },
  unsupported_media_type: {
    status: 415,
    type: 'invalid_request_error',
    retry: false,
    about: 'The content type or content encoding is not one this server reads.',
  },
  request_timeout: {
    status: 408,
    type: 'invalid_request_error',
    retry: true,
    about: 'The request did not arrive in time.',
  },
  client_closed: {
    status: 499,
    type: 'invalid_request_error',
    retry: false,
    about: 'The caller hung up before the answer was complete.',
  },
  reader_stalled: {
    status: 499,
    type: 'invalid_request_error',
    retry: false,
    about:
      'The caller stayed connected, but took nothing of its answer for as long as `streams.stalled_reader` allows, and was dropped.',
  },
  // what the provider did
  provider_rejected: {
    status: 400,
    type: 'invalid_request_error',
    retry: false,
    about: 'The provider refused the request itself; its own words are passed on.',
  },
  context_too_long: {
    status: 400,
    type: 'invalid_request_error',
    retry: false,
    about: 'The input is longer than what the model takes, and no target of the model takes more.',
  },
  content_blocked: {
    status: 400,
    type: 'invalid_request_error',
    retry: false,
    about:
      "The provider's content filter stopped the request; it is not asked of another unless the model says `on_content_block: fail_over`.",
  },
  provider_credential_rejected: {
    status: 502,
    type: 'provider_error',
    retry: false,
    about: 'The provider did not accept the credential configured for it; the operator must mend it.',
  },
  provider_quota_exhausted: {
    status: 429,
    type: 'insufficient_quota',
    retry: false,
    about: 'The provider account has no credit or quota left; trying again does not help.',
  },
  rate_limited: {
    status: 429,
    type: 'rate_limit_error',
    retry: true,
    about: 'Too many requests or tokens in this window; `retry-after` says when to come back.',
  },
  budget_exceeded: {
    status: 429,
    type: 'insufficient_quota',
    retry: false,
    about:
      'What is left of a budget does not pay for this call; it was not sent. The message says which budget, what is left, and when it renews.',
  },
  budget_held: {
    status: 429,
    type: 'rate_limit_error',
    retry: true,
    about:
      'Calls under way hold what is left of a budget. Most of them will need less than they hold, so trying again in a moment may help.',
  },
  unpriced_call: {
    status: 402,
    type: 'insufficient_quota',
    retry: false,
    about:
      'A money budget applies, and what the call would cost is not known: its model has no price, or nothing bounds what it may use. Set a price (`prices`), or `unpriced: allow` on the budget.',
  },
  confirmation_required: {
    status: 402,
    type: 'insufficient_quota',
    retry: false,
    about:
      'A budget is nearly used up, and its owner wants calls to be confirmed from here on: send the header `x-sluice-confirm: true`.',
  },
  provider_overloaded: {
    status: 503,
    type: 'provider_error',
    retry: true,
    about: 'The provider says that it is overloaded.',
  },
  provider_failed: {
    status: 502,
    type: 'provider_error',
    retry: true,
    about: 'The provider answered with an error of its own.',
  },
  provider_unreachable: {
    status: 502,
    type: 'provider_error',
    retry: true,
    about: 'No connection to the provider could be made; nothing was sent.',
  },
  provider_disconnected: {
    status: 502,
    type: 'provider_error',
    retry: true,
    about: 'The provider closed the connection before its answer was complete.',
  },
  provider_malformed: {
    status: 502,
    type: 'provider_error',
    retry: true,
    about: 'The provider answered with something that is not of its own format.',
  },
  provider_answer_too_large: {
    status: 502,
    type: 'provider_error',
    retry: false,
    about: "The provider's answer is larger than this server holds.",
  },
  upstream_timeout: {
    status: 504,
    type: 'provider_error',
    retry: true,
    about: 'The provider did not answer within the time limit of the model.',
  },
  no_target_available: {
    status: 503,
    type: 'provider_error',
    retry: true,
    about: 'No target of this model can take the call now.',
  },
  // what happened to us
  store_unavailable: {
    status: 503,
    type: 'server_error',
    retry: true,
    about:
      'The database cannot be reached in time: nothing was sent to a provider, or an answer was made that could not be kept as it was to be.',
  },
  overloaded: {
    status: 503,
    type: 'server_error',
    retry: true,
    about:
      'This server has more to do than it can, and did not begin with this call; `retry-after` says when to come back.',
  },
  shutting_down: {
    status: 503,
    type: 'server_error',
    retry: true,
    about: 'This server is draining; try another one, or again in a moment.',
  },
  internal: {
    status: 500,
    type: 'server_error',
    retry: true,
    about: 'A bug in this server; it is on record under the request id.',
  },
} as const satisfies Record<string, FaultKind>

export interface FaultKind {
  status: number
  type: string
  /** Whether trying the same request again may help. When false, SDKs are told not to (`x-should-retry: false`). */
  retry: boolean
  about: string
}

export type FaultCode = keyof typeof faults

export interface FaultDetail {
  /** The request field at fault, as a path such as `messages[0].role`. */
  param?: string | undefined
  /** The HTTP status that the provider gave, where it gave one. */
  providerStatus?: number | undefined
  /** When the caller may come back, in milliseconds from now. */
  retryAfterMs?: number | undefined
  /** Decided here, and not by a provider: another target would not change it. */
  ours?: boolean | undefined
  /** Decided here about one target alone: another one may take the call. */
  elsewhere?: boolean | undefined
  /** A time limit that the caller's own haste had made short: it says nothing of the target. */
  hurried?: boolean | undefined
  /** We have tried again already: a client that did so too would multiply. */
  retriesSpent?: boolean | undefined
  /** The same request will not be answered at any time. */
  hopeless?: boolean | undefined
  /** For operators: goes to the log, never to a caller. */
  internal?: string | undefined
  cause?: unknown
  /** What ends a stream that has begun, where more is to be said than the dialect's error event. */
  lastWords?: Buffer | undefined
  /** The provider's own error answer in the caller's dialect, to be passed on instead of our sentence. */
  providerAnswer?: { status: number; body: Buffer } | undefined
}

/** A failure with one sentence for the caller (`message`) and one for the operator (`internal`). */
export class Fault extends Error {
  readonly code: FaultCode
  readonly detail: FaultDetail

  constructor(code: FaultCode, message: string, detail: FaultDetail = {}) {
    super(message, { cause: detail.cause })
    this.name = 'Fault'
    this.code = code
    this.detail = detail
  }

  get status(): number {
    return faults[this.code].status
  }
}

/** Anything thrown, as a `Fault`: what is not one already is a bug, and says nothing of itself to the caller. */
export function toFault(cause: unknown): Fault {
  if (cause instanceof Fault) return cause
  return new Fault('internal', 'Something went wrong on our side. The request id finds it in the log.', {
    internal: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
    cause,
  })
}
