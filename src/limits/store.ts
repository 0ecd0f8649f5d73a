import type { Rolling } from './window.ts'

/**
 * Counters, and what calls under way hold of them. Amounts are whole numbers of whatever is counted: pico-dollars,
 * tokens, requests, places. None is negative.
 */

/** A counter, and what one call takes of it at most. */
export interface Line extends CounterRef {
  /** The counter never passes this; undefined: it counts, and refuses nobody. */
  most: bigint | undefined
  amount: bigint
  /** A place, not an amount: free again as soon as the process that holds it is gone, whatever the call came to. */
  isLease?: boolean
}

export interface CounterRef {
  /** The rule, the subject, and of a calendar window its beginning. */
  key: string
  /** Forgets what is longer ago than this, bucket by bucket; undefined: all of it counts until `endsAtMs`. */
  rolling: Rolling | undefined
  /** When a calendar window is over and its counter may be forgotten, in milliseconds since the epoch; may be infinite. */
  endsAtMs: number
}

export interface Counted {
  /** By calls that have ended. */
  spent: bigint
  /** By calls under way, at most. */
  held: bigint
}

export type Outcome =
  /** What each line's counter stands at now, this call included. */
  { ok: true; counted: readonly Counted[] } | Refused

export interface Refused {
  ok: false
  /** The first line that has no room. */
  line: number
  /** What each line's counter stands at; nothing was taken of any. */
  counted: readonly Counted[]
  /** `held`: only what calls under way hold is in the way, so that there may be room any moment. */
  because: 'spent' | 'held'
  /** When time alone makes room on that line, in milliseconds from now; undefined: it does not. */
  opensInMs: number | undefined
}

/** What a call has really taken of a counter. */
export interface Taken {
  key: string
  amount: bigint
}

/** An amount that a counter has from elsewhere: the ledger, or a correction. May be negative in a correction. */
export interface Entry extends CounterRef {
  amount: bigint
  /** When it was held, in milliseconds since the epoch. */
  atMs: number
}

/** The store cannot be reached in time. */
export class LimitStoreAway extends Error {
  /** It was slow, or is being filled: to ask again helps. */
  readonly isPassing: boolean

  constructor(cause?: unknown, isPassing = false) {
    super('the store of limits cannot be reached in time', { cause })
    this.name = 'LimitStoreAway'
    this.isPassing = isPassing
  }
}

/** A value now, or one that has to be waited for. */
export type Soon<T> = T | Promise<T>

/**
 * Every step is atomic over all its lines, also between processes: all of them or none. A step that cannot be made
 * in time fails with `LimitStoreAway`.
 */
export interface LimitStore {
  /** For calls that can wait, and have found the store too slow: its steps have seconds. Absent: none ever waits. */
  readonly patient?: Patient
  /** Holds the amounts under the id of a call, if every counter has room for them. `nowMs`: since the epoch. */
  reserve(id: string, lines: readonly Line[], nowMs: number): Soon<Outcome>
  /**
   * Replaces all that the call holds. A line that grows needs room for what it grows by; one that shrinks is always
   * taken. A counter that is not named any more is let go. A refusal leaves the hold as it was.
   */
  amend(id: string, lines: readonly Line[], nowMs: number): Soon<Outcome>
  /**
   * Ends a hold: what was taken of each counter is spent (at the time when it was held), the rest is free; a counter
   * that is not named is let go. Once for each id; again, it changes nothing.
   */
  settle(id: string, taken: readonly Taken[], nowMs: number): Soon<void>
  /** What counters stand at. */
  read(counters: readonly CounterRef[], nowMs: number): Soon<readonly Counted[]>
  /** Adds to what is spent, whatever the limit. */
  add(entries: readonly Entry[], nowMs: number, once?: Once): Soon<void>
  /** Another name after each time that the counters were made anew from the ledger. Absent: they are not there, or never are. */
  readonly filling?: string | undefined
}

/** An addition that is made once for a mark; not at all where the counters were filled since, as the ledger has it. */
export interface Once {
  mark: string
  filling: string | undefined
}

export type Patient = Pick<LimitStore, 'reserve' | 'amend'>
