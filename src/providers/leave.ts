import type { Attempt, Fault } from '#exchange'
import type { Clock } from '#platform'
import type { Entry } from './candidate.ts'
import { decisions, failureClassOf } from './decide.ts'

/** Its target is there: who comes next need not wait for the end of a stream, which may take minutes. */
export function begun(entry: Entry, { clock }: { clock: Clock }): void {
  if (!entry.isProbe && !entry.isCredentialProbe) return
  const { standing, credential } = entry.candidate
  const nowMs = clock.monotonic()
  if (entry.isProbe) standing.breaker.succeeded(nowMs, true)
  if (entry.isCredentialProbe) credential.succeeded(nowMs, true)
  entry.isProbe = false
  entry.isCredentialProbe = false
}

/**
 * An attempt is over: its place is free, and what it says about the target is noted. Without an attempt, it ended before
 * it was one.
 */
export function leave(
  entry: Entry,
  { attempt, fault }: { attempt: Attempt | undefined; fault: Fault | undefined },
  { clock }: { clock: Clock },
): void {
  const { slot, isProbe, isCredentialProbe } = entry
  const { standing, credential } = entry.candidate
  const nowMs = clock.monotonic()
  standing.left(attempt !== undefined)
  slot.leave(attempt, fault)
  if (attempt?.firstTokenMs !== undefined) standing.heardFirstToken(attempt.firstTokenMs)
  const failure = attempt ? attempt.failure : fault && failureClassOf(fault, 'unsent')
  if (failure !== undefined) standing.failed(failure, clock.now())
  const isHurried = fault?.detail.hurried === true
  const counts = failure === undefined || isHurried ? 'none' : decisions[failure].breaker
  const isAnswer =
    attempt !== undefined && attempt.status !== 'cancelled' && failure !== 'rate_limited' && !isHurried
  const wasSent = failure !== 'not_sent'
  if (counts === 'target') standing.breaker.failed(nowMs, { isProbe, wasSent })
  else if (counts === 'none' && isAnswer) standing.breaker.succeeded(nowMs, isProbe)
  else standing.breaker.abandoned(isProbe)
  // Who is down, or could not even be reached, has said nothing of a credential.
  if (counts === 'credential') credential.failed(nowMs, { isProbe: isCredentialProbe, wasSent })
  else if (counts === 'none' && isAnswer) credential.succeeded(nowMs, isCredentialProbe)
  else credential.abandoned(isCredentialProbe)
  entry.isProbe = false
  entry.isCredentialProbe = false
}
