import { Fault, type SkipReason, type Target, targetName } from '#exchange'

export interface Skipped {
  target: Target
  reason: SkipReason
  /** Until it may be tried, as far as is known. */
  waitMs: number | undefined
}

const sentences: Readonly<Record<SkipReason, string>> = {
  breaker_open: 'has failed too often of late',
  credential_refused:
    'has a credential that its provider did not take of late, or an account with nothing left',
  rate_limited: 'is at its rate limit',
  busy: 'is busy, and too much waits for it already',
  context_too_small: 'takes no input as long as this',
  over_budget: 'has a budget or a limit that is used up',
}

/** Why no target could be asked at all, and when one can be. */
export function noTarget(skipped: readonly Skipped[], tryAgainMs: number | undefined): Fault {
  const waits = skipped.flatMap(({ waitMs }) => waitMs || []) // somebody is just finding out: that takes a moment
  const waitMs = waits.length > 0 ? Math.ceil(Math.min(...waits)) : undefined
  const why = skipped.map(({ target, reason }) => `\`${targetName(target)}\` ${sentences[reason]}`).join('; ')
  const reasons = new Set(skipped.map(({ reason }) => reason))
  const [only] = reasons
  if (reasons.size === 1 && only === 'context_too_small') {
    return new Fault('context_too_long', `The input is too long: ${why}.`, { param: 'messages' })
  }
  if (reasons.size === 1 && only === 'credential_refused') {
    const message = `No target can take the call: ${why}. The operator must mend it; trying again does not help.`
    return new Fault('no_target_available', message, { hopeless: true })
  }
  const isLimit = reasons.size === 1 && only === 'rate_limited'
  return new Fault(
    isLimit ? 'rate_limited' : 'no_target_available',
    `No target can take the call now: ${why}. Come back when \`retry-after\` says.`,
    { retryAfterMs: tryAgainMs ?? waitMs ?? 1_000 },
  )
}
