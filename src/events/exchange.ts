import {
  type Attempt,
  type AttemptReason,
  assert,
  type Call,
  type CallStatus,
  Fault,
  type Hold,
  type LimitStanding,
  type Plan,
  type SkipReason,
  type Target,
  targetName,
  toFault,
  type Usage,
  type UsageSource,
} from '#exchange'
import type { Clock } from '#platform'
import type { CallDescription } from './record.ts'

/** What it comes to, once `metering` has priced it. */
export interface Settlement {
  usage: Usage
  usageSource: UsageSource | undefined
  costPicoUsd: bigint | undefined
  priced: 'priced' | 'free' | 'unpriced'
}

/** Of an answer, as much as is kept. */
const maxAnsweredBytes = 1024 * 1024

/** Puts an attempt on record; resolves when that is durable. */
export type Intend = (exchange: Exchange, attempt: Attempt) => Promise<void>

/**
 * One call on its way, from `begin` to `record`: what goes on record about it is gathered here. States: open →
 * ended (by the answer, by `fail`) → recorded.
 */
export class Exchange {
  readonly call: Call
  readonly attempts: Attempt[] = []
  /** Commit groups that hold an intent of this call. */
  readonly groups: number[] = []
  plan: Plan | undefined
  settlement: Settlement | undefined
  /** Of the call, in the words of the call log; written when it is first needed. */
  description: CallDescription | undefined
  fault: Fault | undefined
  /** Targets that were passed over, each once for a reason. */
  readonly skips: { target: Target; reason: SkipReason }[] = []
  /** Why the answer is less than what was asked for; several reasons, each once. */
  degraded: string | undefined
  /** Id of the call whose answer this one is given again. */
  repeats: string | undefined
  /** How the rate limits stand that concern the call, once it is counted. */
  limits: readonly LimitStanding[] | undefined
  recorded = false
  /** What was answered, as far as it is kept; undefined where the owner wants no texts on record. */
  answered: Buffer[] | undefined
  #answeredBytes = 0
  /** Attempts that were to go on record: one may still be on its way there while another begins. */
  #opened = 0
  readonly #clock: Clock
  readonly #intend: Intend

  constructor(call: Call, clock: Clock, intend: Intend) {
    this.call = call
    this.#clock = clock
    this.#intend = intend
  }

  /** Puts one more attempt on record; it may be made when this resolves. */
  async open(target: Target, hold?: Hold): Promise<Attempt> {
    const reason = this.#reasonFor(target)
    this.#opened += 1
    const attempt: Attempt = {
      n: this.#opened,
      target,
      startedAtMs: this.#clock.now(),
      status: 'running',
    }
    if (reason) attempt.reason = reason
    if (hold) attempt.hold = hold
    await this.#intend(this, attempt)
    if (this.recorded)
      throw new Fault('client_closed', 'The call was over before this attempt could be made for it.')
    this.attempts.push(attempt) // not before: what is not on record was not attempted
    return attempt
  }

  #reasonFor(target: Target): AttemptReason | undefined {
    if (this.#opened === 0) return undefined
    const isBeside = this.#opened > this.attempts.length || this.attempts.some(isRunning)
    if (isBeside) return 'hedge'
    const name = targetName(target)
    return this.attempts.some(attempt => targetName(attempt.target) === name) ? 'retry' : 'fail_over'
  }

  /** A target was passed over. */
  skip(target: Target, reason: SkipReason): void {
    const known = this.skips.some(skip => skip.target === target && skip.reason === reason)
    if (!known) this.skips.push({ target, reason })
  }

  /** The answer will be less than what was asked for. */
  degrade(why: string): void {
    if (this.degraded?.includes(why)) return
    this.degraded = this.degraded === undefined ? why : `${this.degraded}, ${why}`
  }

  /** The call has failed. Gives what to tell the caller. */
  fail(cause: unknown): Fault {
    assert(!this.recorded, 'a recorded call does not change')
    this.fault = toFault(cause)
    return this.fault
  }

  /**
   * The attempt that the call's outcome comes from: the one that answers, or else the last to fail. Of two that are
   * made beside each other, that need not be the one that was made last.
   */
  get decisive(): Attempt | undefined {
    if (this.attempts.length === 1) return this.attempts[0]
    const inRace = this.attempts.filter(({ lostRace }) => !lostRace)
    const answering = inRace.findLast(({ status }) => status === 'running' || status === 'succeeded')
    return answering ?? inRace.reduce<Attempt | undefined>(lastToEnd, undefined)
  }

  /** Part of the answer, on its way to the caller. */
  hear(bytes: Buffer): void {
    if (!this.answered || this.#answeredBytes >= maxAnsweredBytes) return
    this.#answeredBytes += bytes.length
    this.answered.push(bytes)
  }

  get durationMs(): number {
    return Math.max(0, this.#clock.now() - this.call.startedAtMs)
  }

  get status(): CallStatus {
    if (this.fault === undefined) return 'succeeded'
    if (this.fault.code === 'client_closed' || this.fault.code === 'reader_stalled') return 'cancelled'
    return this.attempts.length === 0 ? 'refused' : 'failed'
  }
}

function isRunning({ status }: Attempt): boolean {
  return status === 'running'
}

function lastToEnd(last: Attempt | undefined, attempt: Attempt): Attempt {
  return last && (last.endedAtMs ?? 0) > (attempt.endedAtMs ?? 0) ? last : attempt
}
