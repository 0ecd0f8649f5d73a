import type { Exchange } from '#events'
import { type Fault, targetName, toFault } from '#exchange'
import type { AnswerHead, Recording, Tape } from '#idempotency'
import type { Client } from './answer.ts'

/** A caller whose request has an `Idempotency-Key`. */
export interface ReturningClient extends Client {
  /** Stops the call from our side, and says why. */
  cut(fault: Fault): void
  /** What is answered from here on is the answer of another call. */
  repeats(first: Tape): void
}

/**
 * Stands before a caller that may come back. As long as it has nothing to record it passes everything on. With a
 * recording, the call is made for that: the caller's pace holds while it is there, and when it has left the call goes
 * on without it, so that its retry finds what is paid for. Only two things stop it: `cut`, and that nobody is there
 * and the answer has become too large to be given to anybody later.
 * States: passing → recording → ending (the recording is made durable, before the caller sees the end) → ended.
 */
export class RecordingClient implements Client {
  readonly reader: ReturningClient
  #recording: Recording | undefined
  #isStreaming = false
  #isEnding = false
  #gone = false
  /** Of a stream that has begun. */
  #exchange: Exchange | undefined
  #cutBy: Fault | undefined
  #onGone: (() => void)[] = []
  #onDrain: () => void = () => undefined

  constructor(reader: ReturningClient) {
    this.reader = reader
  }

  record(recording: Recording): void {
    this.#recording = recording
    this.reader.onGone(() => {
      this.#leaveIfSpilled()
      this.#onDrain()
    })
  }

  /** Neither the caller's leaving, nor its being given up, is one of the call. */
  get gone(): boolean {
    return this.#gone
  }

  onGone(work: () => void): void {
    if (this.#gone) work()
    else this.#onGone.push(work)
  }

  cut(fault: Fault): void {
    if (this.#recording && !this.#isEnding) {
      this.#cutBy = fault
      this.#leave()
    }
    // What only waits for the database ends by itself.
    if (!this.#isEnding) this.reader.cut(fault)
  }

  send(
    answer: { status: number; headers: Readonly<Record<string, string>>; body: Buffer },
    exchange: Exchange,
  ): void {
    const { status, headers } = answer
    this.#recording?.tape.begin(headOf({ streamed: false, status, headers }, exchange))
    this.#recording?.tape.add(answer.body)
    this.#finish(() => this.reader.send(answer, exchange), exchange)
  }

  expectStream(exchange: Exchange): void {
    this.reader.expectStream(exchange)
  }

  begin(headers: Readonly<Record<string, string>>, exchange: Exchange, status = 200): void {
    this.#exchange = exchange
    this.#isStreaming = true
    this.#recording?.tape.begin(headOf({ streamed: true, status, headers }, exchange))
    this.reader.begin(headers, exchange, status)
  }

  write(bytes: Buffer): boolean {
    this.#recording?.tape.add(bytes)
    this.#leaveIfSpilled()
    return this.reader.write(bytes) || this.reader.gone
  }

  onDrain(work: () => void): void {
    this.#onDrain = work
    this.reader.onDrain(work)
  }

  end(): void {
    this.#finish(() => this.reader.end(), this.#exchange)
  }

  fail(cause: Fault, exchange: Exchange): void {
    // Whoever worked on a call that was cut off could only think that its caller had left.
    const fault = this.#cutBy && cause.code === 'client_closed' ? exchange.fail(this.#cutBy) : cause
    this.#isEnding = true
    this.#recording?.fail(fault)
    this.reader.fail(fault, exchange)
  }

  #finish(show: () => void, exchange: Exchange | undefined): void {
    this.#isEnding = true
    if (!this.#recording) return show()
    this.#recording
      .finish()
      .then(show)
      .catch(cause => exchange && this.reader.fail(toFault(cause), exchange))
  }

  /** Not at once: what tells us of this is in the middle of handing over what came. */
  #leaveIfSpilled(): void {
    if (!this.#isStreaming || this.#recording?.tape.state !== 'spilled' || !this.reader.gone) return
    queueMicrotask(() => this.#leave())
  }

  #leave(): void {
    if (this.#gone || this.#isEnding) return
    this.#gone = true
    for (const work of this.#onGone.splice(0)) work()
  }
}

/** What was true of the moment alone, and would send a later reader to sleep for nothing. */
const passing = /ratelimit|^retry-after|processing-ms$/

function headOf({ headers, ...head }: Omit<AnswerHead, 'target'>, { decisive }: Exchange): AnswerHead {
  return {
    ...head,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !passing.test(name))),
    // As it goes into a header and a column.
    target: decisive ? targetName(decisive.target).replace(/[^\x20-\x7e]/g, '?') : '',
  }
}
