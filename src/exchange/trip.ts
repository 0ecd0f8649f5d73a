import type { Asked, Attempt, Call, Plan, SkipReason, Target } from './call.ts'
import type { Cover, Hold } from './hold.ts'

/** Whether the caller is still there. */
export interface Presence {
  readonly gone: boolean
  /** Called once, at once when the caller has gone already. */
  onGone(work: () => void): void
}

/** What it takes to go to a provider for a call. */
export interface Trip {
  call: Call
  asked: Asked
  plan: Plan
  presence: Presence
  /**
   * Before each attempt: holds what it may come to, and gives the request as it may be sent. Fails with a `Fault` where
   * that cannot be had.
   */
  cover(target: Target): Cover | Promise<Cover>
  /** Puts an attempt on record; resolves when that is durable, and only then may a socket be opened for it. */
  open(target: Target, hold: Hold | undefined): Promise<Attempt>
  /** Notes that a target was passed over. */
  skip(target: Target, reason: SkipReason): void
  /** Notes why the answer is less than what was asked for. */
  degrade(why: string): void
}
