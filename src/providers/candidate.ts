import type { FailureClass, Passthrough, PlannedTarget, Trip } from '#exchange'
import type { Breaker } from './breaker.ts'
import { decisions } from './decide.ts'
import type { Slot } from './lane.ts'
import type { Provider } from './provider.ts'
import type { Standing, Standings } from './standing.ts'

/** A target of the plan, and how it went there. */
export interface Candidate {
  target: PlannedTarget
  provider: Provider
  /** What a failure or a rate limit is taken to concern: the model, or what is asked for without one. */
  scope: string
  standing: Standing
  credential: Breaker
  tries: number
  /** Something of ours is in its way for now: it is asked again when no other one is left. */
  isPassedOver: boolean
  failure: FailureClass | undefined
  /** By the monotonic clock: its provider has asked not to be asked before that. */
  notBeforeMs: number
}

/** A way in that was found: to be left exactly once. */
export interface Entry {
  candidate: Candidate
  slot: Slot
  isProbe: boolean
  isCredentialProbe: boolean
}

export interface CandidateDeps {
  standings: Standings
  providerOf(name: string): Provider
}

/** In the order of the plan. */
export function candidatesOf({ asked, plan }: Trip, { standings, providerOf }: CandidateDeps): Candidate[] {
  return plan.targets.map(target => {
    const provider = providerOf(target.provider)
    const scope = target.model === '' ? collectionOf(asked.passthrough) : target.model
    return {
      target,
      provider,
      scope,
      standing: standings.of(provider, scope),
      credential: standings.credentialOf(provider),
      tries: 0,
      isPassedOver: false,
      failure: undefined,
      notBeforeMs: 0,
    }
  })
}

/** Whether one that was not tried yet may be asked, after how the others failed. */
export function isOpenTo(
  { target, tries, isPassedOver }: Candidate,
  { others, failOverBlocked }: { others: readonly Candidate[]; failOverBlocked: boolean },
): boolean {
  if (tries > 0 || isPassedOver) return false
  return others.every(({ failure, target: failed }) => {
    if (failure === undefined) return true
    const { failOver } = decisions[failure]
    if (failOver === 'if_allowed') return failOverBlocked
    if (failOver === 'larger_context') return mayTakeMore(target, failed)
    return failOver === 'yes'
  })
}

/** Whether one that has failed may be asked once more. */
export function mayRetry({ failure, tries }: Candidate, passthrough: Passthrough | undefined): boolean {
  if (failure === undefined) return false
  const { retry, mayHaveWorked } = decisions[failure]
  // What is passed through may make something: a job, a file. Once is enough.
  if (mayHaveWorked && passthrough && passthrough.method !== 'GET') return false
  return retry === 'yes' || (retry === 'once' && tries < 2)
}

/** Where nobody has said how much it takes, another model is worth the question: a refusal costs nothing. */
function mayTakeMore(target: PlannedTarget, than: PlannedTarget): boolean {
  if (target.contextTokens === undefined || than.contextTokens === undefined)
    return target.model !== than.model
  return target.contextTokens > than.contextTokens
}

/** `/v1/files` of `/v1/files/file-1/content`. */
function collectionOf(passthrough: Passthrough | undefined): string {
  return passthrough?.path.split('/', 3).join('/') ?? ''
}
