import type { IncomingHttpHeaders } from 'node:http'
import type { ApiError } from './api-error.ts'
import type { BilledOperation } from './bill.ts'
import type { Frames } from './delivery.ts'
import type { Allowance } from './rate-window.ts'
import type { Script } from './script.ts'

/** A request's body, parsed: an object, and nothing more is known. */
export type Body = Readonly<Record<string, unknown>>

/**
 * One address of one dialect. A further dialect is a further set of these; the way of a request in `serve.ts`
 * does not change.
 */
export interface Desk {
  /** An exact path; or a pattern whose group `model` is the model's name, percent-encoded. */
  path: string | RegExp
  /** Whether it streams, in dialects where the address says so and not the body. */
  streams?: boolean
  operation: BilledOperation
  /** What an answer's id begins with. */
  idPrefix: string
  /** Reads the request and makes the answer, or says what is wrong with the request. */
  answer(body: Body, order: Order): Made | ApiError
  errorBody(error: ApiError, requestId: string, query: URLSearchParams): string
  /** The same error as this vendor answers it, where it has another status. */
  reword?(error: ApiError): ApiError
  headers(facts: AnswerFacts): string[]
}

export interface Order {
  id: string
  seed: number
  /** The model's name without its script. */
  model: string
  script: Script
  /** What is told inside an answer that began well, if the script wants it. */
  streamError: ApiError
  createdAtMs: number
  /** The time of day when it is asked, for what is told at an answer's end. */
  nowMs(): number
  headers: IncomingHttpHeaders
  query: URLSearchParams
  requestId: string
}

/** An answer in its dialect, in both forms. */
interface Made {
  stream: boolean
  inputTokens: number
  cachedTokens: number
  reasoningTokens: number
  /** How many of them the client is shown, as `thoughts` of the frames. */
  shownThoughts?: number
  visibleTokens: number
  whole(): string
  frames(): Frames
  /** If it is not an SSE stream. */
  streamType?: string
}

/** What an answer's headers tell. */
export interface AnswerFacts {
  requestId: string
  nowMs: number
  processingMs: number
  inputTokens: number
  /** Requests per minute, if they are limited. */
  allowance: Allowance | undefined
  /** Tokens per minute, if they are limited. */
  tokenAllowance: Allowance | undefined
  retryAfter: string | undefined
}
