import type { Attempt, CallClass, Decision, Fault, Presence } from '#exchange'
import type { LaneLimits } from './lane-limits.ts'
import type { Provider } from './provider.ts'

/** What a call asks of the lane of a provider. */
export interface LaneAsk {
  organization: string
  class: CallClass
  model: string
  /** Input tokens by a cheap count. */
  tokens: number
  /** By the monotonic clock: it is of no use any more after that. */
  untilMs: number
  /** False: rather refused now than let in later. */
  mayWait: boolean
  presence: Presence
}

/** A place in a lane. `leave` exactly once. */
export interface Slot {
  /** What the provider said of its limits, with whatever status. */
  heard(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void
  /** The attempt is over; `undefined`: it was never made. */
  leave(attempt: Attempt | undefined, fault?: Fault): void
}

/** How it stands in a lane, or with one model of it. */
export interface LaneStanding {
  provider: string
  /** Absent: the provider as a whole. */
  model?: string
  waiting: Record<CallClass, number>
  underWay: number
  /** Until a model that the provider has closed is tried again. */
  closedForMs: number
  /** Of a model also what was learned: the fewest at once that has to do for now. */
  limits: Omit<LaneLimits, 'models' | 'queue'>
}

/**
 * Lets attempts through at the rate that a provider allows: interactive calls first, fair between organizations,
 * bounded. A refusal says when to come back, and is `rate_limited`, or `no_target_available` where places are scarce;
 * `client_closed` where nobody waits any more.
 */
export interface Lanes {
  enter(provider: Provider, ask: LaneAsk): Decision<Slot> | Promise<Decision<Slot>>
  /** Of the providers that were ever called, and those of their models that are in use or not as configured. */
  describe(providers: readonly Provider[]): LaneStanding[]
}
