import type { RuleDimension } from '#exchange'
import type { Glob } from './glob.ts'
import type { Window } from './window.ts'

/** What a rule counts: pico-dollars of cost, tokens, requests, or calls under way. */
export type Unit = 'usd' | 'tokens' | 'input_tokens' | 'output_tokens' | 'requests' | 'concurrent'

/** Of which a call is to be which; all that are named must hold, each by one of its patterns. */
export type Match = Readonly<Partial<Record<RuleDimension, readonly Glob[]>>>

/** Where a soft step begins: at so many millionths of what the rule allows, or at an amount in its unit. */
export type Threshold = { ppm: bigint } | { amount: bigint }

/** What is done from there on instead of going on as before. */
export type SoftAction =
  | { kind: 'alert' }
  /** Another model answers. */
  | { kind: 'use'; model: string }
  /** The call goes to the slow lane. */
  | { kind: 'batch' }
  /** The answer has so many tokens at most. */
  | { kind: 'output'; tokens: number }
  /** The caller has to say that it wants to spend it. */
  | { kind: 'confirm' }

export interface SoftStep {
  readonly at: Threshold
  readonly action: SoftAction
}

/** More than a rule allows by itself, for a time. */
export interface Increase {
  readonly id: string
  /** The counter's subject; undefined: every one of the rule's. */
  readonly subject: string | undefined
  /** In the rule's unit. */
  readonly amount: bigint
  /** Milliseconds since the epoch; the increase ends there. */
  readonly untilMs: number
}

/** A budget or a rate limit; immutable. */
export interface Rule {
  /** The same for as long as the rule is the same in its owner's eyes, whatever of it is changed. */
  readonly id: string
  /**
   * What counters are kept under: as the id, but another one when what is counted changes (unit, `per`, `match`,
   * window), so that a counter never holds what its rule would not have counted.
   */
  readonly counterId: string
  /** The budget or the entry of rate limits it is from, as the API names it; an entry may have several limits. */
  readonly entryId: string
  readonly name: string
  readonly kind: 'budget' | 'limit'
  readonly unit: Unit
  /** What the rule allows by itself, in its unit; `mostOf` tells it with what is added for a time. */
  readonly most: bigint
  readonly increases: readonly Increase[]
  /** Each combination has a counter of its own; empty: one counter for all. */
  readonly per: readonly RuleDimension[]
  readonly match: Match
  readonly window: Window
  /** Calls that do not fit are refused; otherwise only the soft steps are taken. */
  readonly hard: boolean
  readonly soft: readonly SoftStep[]
  /** What becomes of calls that have no price, under a hard budget of money. */
  readonly unpriced: 'refuse' | 'allow'
  /** While counters cannot be reached: refused, or let through for so much in each process. */
  readonly whenStoreIsAway: 'closed' | { readonly open: bigint }
  /** A call that does not name its user is refused. */
  readonly requiresUser: boolean
  /** Callers may hear of it: its counters are of one organization each, so the caller's own. */
  readonly visible: boolean
  /** Whether it concerns a call depends on where that goes. */
  readonly dependsOnTarget: boolean
  /** Where it can be changed. */
  readonly origin: 'configuration' | 'api'
}

/** What a rule allows one subject at a time, with what is added for a while. Never below zero. */
export function mostOf(rule: Rule, subject: string, nowMs: number): bigint {
  let most = rule.most
  for (const increase of rule.increases) {
    const concerns = increase.subject === undefined || increase.subject === subject
    if (concerns && nowMs < increase.untilMs) most += increase.amount
  }
  return most
}

/** Whether a rule has a step that changes calls; an alert changes nothing of them. */
export function isSoft({ soft }: Rule): boolean {
  return soft.some(({ action }) => action.kind !== 'alert')
}

const million = 1_000_000n

/** From what is counted on a soft step is taken, of all that a rule allows (`mostOf`). */
export function thresholdOf({ at }: SoftStep, most: bigint): bigint {
  return 'amount' in at ? at.amount : (most * at.ppm) / million
}

/** What a counter is kept under: the rule, the span of time, and whose it is. */
export function counterKey(rule: Rule, subject: string, nowMs: number): string {
  return `${rule.counterId}:${rule.window.at(nowMs).key}:${subject}`
}

/** As a caller may read it in a header: of a rule that it may not see, no more than that there is one. */
export function headerName({ visible, name, kind }: Rule): string {
  return visible ? name.replace(/[^\x20-\x7e]|[,;]/g, '_') : kind
}
