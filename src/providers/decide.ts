import type { FailureClass, Fault, FaultCode } from '#exchange'

/** How far an attempt had come when it failed. */
export type Stage =
  | 'unsent'
  | 'sent'
  /** The provider has begun a stream, and nothing of its content has reached anybody. */
  | 'begun'
  /** Content has gone to the caller. */
  | 'delivered'

/** What is done about a failure. */
export interface Decided {
  /** Another attempt at the same target, when there is no other target left to try. */
  retry: 'no' | 'once' | 'yes'
  /** Going on to the next target: never, always, if the owner said so, or if it takes more. */
  failOver: 'no' | 'yes' | 'if_allowed' | 'larger_context'
  /** What it counts against: nothing, this model of the provider, or all that its credential opens. */
  breaker: 'none' | 'target' | 'credential'
  /** The provider may have done the work, and may bill it: not to be done twice where that does harm. */
  mayHaveWorked: boolean
}

/** The one table of what is done about an attempt's end; docs/failures.md tells it to users. */
export const decisions: Readonly<Record<FailureClass, Decided>> = {
  not_sent: { retry: 'yes', failOver: 'yes', breaker: 'target', mayHaveWorked: false },
  // A rate limit is the business of the lane, which waits: no breaker need open for it.
  rate_limited: { retry: 'yes', failOver: 'yes', breaker: 'none', mayHaveWorked: false },
  overloaded: { retry: 'yes', failOver: 'yes', breaker: 'target', mayHaveWorked: false },
  account: { retry: 'no', failOver: 'yes', breaker: 'credential', mayHaveWorked: false },
  // A model that this credential may not use says nothing of the others.
  forbidden: { retry: 'no', failOver: 'yes', breaker: 'target', mayHaveWorked: false },
  bad_request: { retry: 'no', failOver: 'no', breaker: 'none', mayHaveWorked: false },
  not_served: { retry: 'no', failOver: 'yes', breaker: 'none', mayHaveWorked: false },
  context_too_long: { retry: 'no', failOver: 'larger_context', breaker: 'none', mayHaveWorked: false },
  content_blocked: { retry: 'no', failOver: 'if_allowed', breaker: 'none', mayHaveWorked: true },
  outcome_unknown: { retry: 'yes', failOver: 'yes', breaker: 'target', mayHaveWorked: true },
  broken_before_content: { retry: 'yes', failOver: 'yes', breaker: 'target', mayHaveWorked: true },
  broken_after_content: { retry: 'no', failOver: 'no', breaker: 'target', mayHaveWorked: true },
  malformed: { retry: 'once', failOver: 'yes', breaker: 'target', mayHaveWorked: true },
}

/** Codes that are not here say that the request itself is at fault. */
const classes: Partial<Record<FaultCode, FailureClass>> = {
  provider_unreachable: 'not_sent',
  rate_limited: 'rate_limited',
  provider_overloaded: 'overloaded',
  provider_quota_exhausted: 'account',
  provider_credential_rejected: 'account',
  model_not_found: 'not_served',
  unsupported_parameter: 'not_served',
  unsupported_operation: 'not_served',
  context_too_long: 'context_too_long',
  content_blocked: 'content_blocked',
  provider_failed: 'outcome_unknown',
  provider_disconnected: 'outcome_unknown',
  upstream_timeout: 'outcome_unknown',
  provider_malformed: 'malformed',
  provider_answer_too_large: 'malformed',
}

const transient: ReadonlySet<FailureClass> = new Set(['rate_limited', 'overloaded', 'outcome_unknown'])

/** The class of a failure, by its code and by how far it had come; never by a text. */
export function failureClassOf(fault: Fault, stage: Stage): FailureClass {
  if (stage === 'delivered') return 'broken_after_content'
  const known = classes[fault.code] ?? 'bad_request'
  if (fault.code === 'provider_credential_rejected' && fault.detail.providerStatus === 403) return 'forbidden'
  if (stage === 'unsent' && fault.code === 'upstream_timeout') return 'not_sent'
  return stage === 'begun' && transient.has(known) ? 'broken_before_content' : known
}
