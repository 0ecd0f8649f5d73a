import type { Asked } from './call.ts'

/** What an attempt may come to at most: held before it is made. */
export interface Hold {
  /** When it was held, in milliseconds since the epoch: it belongs to the windows of that moment. */
  atMs: number
  inputTokens: number
  outputTokens: number
  /** Undefined where nothing that is counted in money applies. */
  picoUsd: bigint | undefined
}

/** What budgets count of an attempt that is over: what it came to, or at most may have. */
export type Counts = Omit<Hold, 'atMs'>

/** A request as it may be sent to one target. */
export interface Cover {
  /** With the most output that can be paid for. */
  asked: Asked
  /** Undefined where nothing limits the call. */
  hold: Hold | undefined
}
