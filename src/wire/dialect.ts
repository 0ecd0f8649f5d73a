import type { Asked, Decision, Fault, Usage } from '#exchange'

/** A wire format, used at both edges: what a caller says and hears, what a provider is told and answers. */
export interface DialectModule {
  /** Under a provider's base URL. */
  path: string
  parseRequest(body: Buffer): Decision<Asked>
  /** What a whole answer says of itself; undefined when the body is not an answer of this dialect. */
  readAnswer(body: Buffer): AnswerFacts | undefined
  /** Absent where the dialect has no streams. */
  createStreamTap: ((options: { showUsage: boolean }) => StreamTap) | undefined
  /** What of a provider's error can be relied on; undefined when the body is not an error of this dialect. */
  readError(body: unknown): ProviderError | undefined
  /** The JSON body of an error answer. */
  renderError(fault: Fault): unknown
  /** What ends a stream that has begun and cannot be finished. */
  renderErrorEvent(fault: Fault): Buffer
}

export interface AnswerFacts {
  usage: Usage | undefined
  model: string | undefined
}

/** A provider's error without its message: messages are never decided by. */
export interface ProviderError {
  code: string | undefined
  type: string | undefined
  param: string | undefined
}

/**
 * Reads a stream in passing. `push` gives the bytes that go on to the caller: whole events, unchanged, without the
 * usage report where the caller did not ask for it. Throws a `RangeError` on an event that is too large.
 */
export interface StreamTap {
  readonly facts: StreamFacts
  push(chunk: Buffer): Buffer
  /** The provider has closed the stream: an event that lacks only its empty line still counts. */
  finish(): Buffer
}

/** What a stream has shown so far. */
export interface StreamFacts {
  usage: Usage | undefined
  /** Pieces of content, and their characters. */
  pieces: number
  characters: number
  /** Every choice that began has its finish reason. */
  finished: boolean
  /** The dialect's end mark has come. */
  ended: boolean
  error: ProviderError | undefined
  /** An event that is not JSON has come: what stood before it counts, nothing after it does. */
  malformed: unknown
}

/**
 * Output tokens of a stream whose provider never said: one for each piece, as providers send them, unless the
 * pieces are long; then a token for every four characters.
 */
export function estimateOutputTokens({ pieces, characters }: StreamFacts): number {
  return characters <= pieces * 12 ? pieces : Math.ceil(characters / 4)
}
