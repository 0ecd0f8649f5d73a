import type { Attempt, CallClass, Decision, Fault, Presence } from '#exchange'
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

/**
 * Lets attempts through at the rate that a provider allows: interactive calls first, fair between organizations,
 * bounded. A refusal says when to come back, and is `rate_limited`, or `busy` if it is only too long a queue.
 */
export interface Lanes {
  enter(provider: Provider, ask: LaneAsk): Decision<Slot> | Promise<Decision<Slot>>
}
