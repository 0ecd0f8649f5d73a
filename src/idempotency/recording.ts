import type { Fault } from '#exchange'
import { type Clock, DatabaseUnavailable, type Log } from '#platform'
import type { AnswerHead, Tape } from './tape.ts'

export interface RecordingOptions {
  tape: Tape
  clock: Clock
  log: Log
  /** Makes the answer durable; undefined: it is too large for that. */
  keep(answer: (AnswerHead & { body: Buffer }) | undefined): Promise<void>
  /** Gives the key back. */
  release(): Promise<void>
  /** The process is about to end: nothing is tried again. */
  isStopping(): boolean
  onSettled(): void
}

/** While the database is away an end is tried again for a minute; whoever waits for the answer waits for two tries. */
const againMs = 1_000
const mostTries = 60
const triesWaitedFor = 2

/**
 * A call that holds a key, as it is written down. States: recording → ending (by `finish` or by `fail`, once; the
 * database is told) → settled. A crash before that leaves a claim whose lease runs out.
 */
export class Recording {
  readonly tape: Tape
  /** The database knows how it ended, or never will. */
  readonly settled: Promise<void>
  readonly #options: RecordingOptions
  #settle: () => void = () => undefined

  constructor(options: RecordingOptions) {
    this.tape = options.tape
    this.#options = options
    this.settled = new Promise(resolve => {
      this.#settle = resolve
    })
  }

  /**
   * The answer is whole. Resolves once it is durable, and a caller may see its end; or once that has failed twice,
   * since an answer that exists is given even so. Never rejects.
   */
  async finish(): Promise<void> {
    const { tape } = this
    const { head } = tape
    const answer = head && tape.state === 'open' ? { ...head, body: tape.whole() } : undefined
    await this.#persist(() => this.#options.keep(answer))
    tape.done()
  }

  /** There is no whole answer, and the next request with the key is made anew. */
  fail(fault: Fault): void {
    const { keep, release } = this.#options
    // Nobody was left to read what nobody could be given again: made and paid for all the same.
    const wasGivenUp = this.tape.state === 'spilled' && fault.code === 'client_closed'
    this.tape.fail(fault)
    void this.#persist(wasGivenUp ? () => keep(undefined) : release)
  }

  #persist(work: () => Promise<void>): Promise<void> {
    return new Promise(resolve => {
      void this.#tryOn(work, resolve).finally(() => {
        resolve()
        this.#options.onSettled()
        this.#settle()
      })
    })
  }

  async #tryOn(work: () => Promise<void>, stopWaiting: () => void): Promise<void> {
    const { clock, log, isStopping, tape } = this.#options
    for (let tries = 1; ; tries += 1) {
      try {
        return await work()
      } catch (cause) {
        const isLast = tries >= mostTries || isStopping() || !(cause instanceof DatabaseUnavailable)
        if (isLast) {
          const sentence = 'how a call with an Idempotency-Key ended could not be kept; a retry is made anew'
          return log.error({ call: tape.callId, err: cause }, sentence)
        }
      }
      if (tries >= triesWaitedFor) {
        stopWaiting()
        await new Promise<void>(resolve => clock.after(againMs, resolve))
      }
    }
  }
}
