import type { ApiError } from './api-error.ts'
import type { BilledOperation } from './bill.ts'
import type { Frames } from './deliver.ts'
import type { Allowance } from './rate-window.ts'
import type { Script } from './script.ts'

/** A request's body, parsed: an object, and nothing more is known. */
export type Body = Readonly<Record<string, unknown>>

/**
 * One address of one dialect. A further dialect is a further set of these; the way of a request in `serve.ts`
 * does not change.
 */
export interface Desk {
  path: string
  operation: BilledOperation
  /** What an answer's id begins with. */
  idPrefix: string
  /** Reads the request and makes the answer, or says what is wrong with the request. */
  answer(body: Body, order: Order): Made | ApiError
  errorBody(error: ApiError): string
  headers(facts: AnswerFacts): string[]
}

export interface Order {
  id: string
  seed: number
  /** The model's name without its script. */
  model: string
  script: Script
  createdAtMs: number
  /** The time of day when it is asked, for what is told at an answer's end. */
  nowMs(): number
}

/** An answer in its dialect, in both forms. */
interface Made {
  stream: boolean
  inputTokens: number
  cachedTokens: number
  reasoningTokens: number
  visibleTokens: number
  whole(): string
  frames(): Frames
}

/** What an answer's headers tell. */
export interface AnswerFacts {
  requestId: string
  processingMs: number
  inputTokens: number
  allowance: Allowance | undefined
  retryAfter: string | undefined
}
