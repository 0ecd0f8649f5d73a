import type { Fault } from './fault.ts'

/** What a provider answered, on its way to the caller. */
export type Answer = WholeAnswer | StreamAnswer

export interface WholeAnswer {
  kind: 'whole'
  status: number
  headers: Readonly<Record<string, string>>
  body: Buffer
}

export interface StreamAnswer {
  kind: 'stream'
  /** Absent: 200. */
  status?: number
  headers: Readonly<Record<string, string>>
  stream: AnswerStream
}

/**
 * A stream at its reader's pace. It flows from `start` until the sink's `write` returns false, and on after
 * `resume`. Exactly one of `done` and `fail` ends it, unless the reader cancels first: then neither comes.
 */
export interface AnswerStream {
  start(sink: AnswerSink): void
  resume(): void
  /** The reader has gone: the provider's connection is closed at once. */
  cancel(): void
}

export interface AnswerSink {
  /** Takes bytes in the caller's dialect; false asks for a pause. */
  write(bytes: Buffer): boolean
  done(): void
  fail(fault: Fault): void
}
