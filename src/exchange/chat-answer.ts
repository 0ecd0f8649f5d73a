import type { AnswerPart, Citation, Signature } from './chat.ts'
import type { Bill, Usage } from './usage.ts'

/** A model's whole answer, in the words of no dialect. */
export interface ChatAnswer {
  /** The provider's. */
  id?: string
  /** As the provider calls it. */
  model?: string
  serviceTier?: string
  /** By number, from 0, with no gap. Empty only where a provider answers without any. */
  choices: readonly Choice[]
  usage?: Usage
  bill?: Bill
}

export interface Choice {
  parts: readonly AnswerPart[]
  finish: Finish
  logprobs?: readonly TokenLogprob[]
}

/**
 * Why an answer ends. `tool-calls` wherever there is one to be made. `pause`: the provider wants to be asked to go
 * on. `error`: the provider says that it failed, in the place of a reason.
 */
export interface Finish {
  reason: 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'pause' | 'error'
  /** The caller's stop sequence that ended it. */
  stopSequence?: string
  /** The provider's own word, for the record. */
  raw?: string
}

/** OpenAI's shape, which Gemini's can be put into. */
export interface TokenLogprob {
  token: string
  logprob: number
  bytes: readonly number[] | null
  top: readonly { token: string; logprob: number; bytes: readonly number[] | null }[]
}

/**
 * One step of a stream. Of each choice the parts come one after the other: `part-start`, its deltas, `part-end`;
 * then `finish`. `start` comes first, once; `end` last, once, and only where the provider gave its end mark.
 * Folding the events (`foldEvents`) gives the same answer as asking without a stream.
 */
export type ChatEvent =
  | { type: 'start'; id?: string; model?: string; serviceTier?: string; usage?: Usage; bill?: Bill }
  | { type: 'part-start'; choice: number; part: PartStart }
  | { type: 'text-delta'; choice: number; text: string; logprobs?: readonly TokenLogprob[] }
  /** A citation of the open text. */
  | { type: 'citation'; choice: number; citation: Citation }
  | { type: 'refusal-delta'; choice: number; text: string }
  | { type: 'reasoning-delta'; choice: number; text: string }
  | { type: 'arguments-delta'; choice: number; text: string }
  /** Of the open part. */
  | { type: 'signature'; choice: number; signature: Signature }
  | { type: 'part-end'; choice: number }
  | { type: 'finish'; choice: number; finish: Finish }
  /** The counts so far, whole: the last one stands. */
  | { type: 'usage'; usage: Usage; bill?: Bill }
  /** With the service tier, where the provider knows only now which it was. */
  | { type: 'end'; serviceTier?: string }
  /** The provider ended its stream with an error. Nothing follows. */
  | { type: 'error'; error: ProviderError }
  /** Bytes that are no event of the format. Nothing follows. */
  | { type: 'malformed'; cause: unknown }

/** A provider's error. Its message is passed on to a caller whose request is at fault, and never decided by. */
export interface ProviderError {
  code: string | undefined
  type: string | undefined
  param: string | undefined
  message: string | undefined
  /** The time to wait, where the dialect says it in the body instead of a header. */
  retryAfterMs?: number
}

/** How a part begins; what can come in pieces begins empty. */
export type PartStart =
  | { type: 'text' | 'reasoning' | 'refusal' }
  | { type: 'tool-call'; id: string; name: string; custom?: boolean }
  /** Comes whole: an image, audio, what only its own dialect can say. */
  | { type: 'whole'; part: AnswerPart }
