import type { ChatAnswer } from '#exchange'
import { withoutTier } from '../bill.ts'
import type { AnswerFacts, ReaderOptions } from '../dialect.ts'
import { foldEvents } from '../fold.ts'
import { isObject, parseObject } from '../json-body.ts'
import { AnswerReader } from './answer-reader.ts'
import { readGeminiBill, readGeminiUsage } from './usage.ts'

/** A whole answer, by the same reading as a stream's pieces. */
export function readGeminiAnswer(
  json: Record<string, unknown>,
  { hex }: ReaderOptions,
): ChatAnswer | undefined {
  if (!isAnswer(json)) return undefined
  const reader = new AnswerReader(hex)
  const answer = foldEvents([...reader.read(json), ...reader.finish()])
  const bill = withoutTier(readGeminiBill(json.usageMetadata), reader.serviceTier)
  return {
    ...answer,
    ...(bill && { bill }),
    ...(reader.serviceTier !== undefined && { serviceTier: reader.serviceTier }),
  }
}

/** What a whole answer says of itself, for the relay. */
export function readGeminiFacts(body: Buffer): AnswerFacts | undefined {
  const json = parseObject(body.toString())
  if (!json || !isAnswer(json)) return undefined
  return {
    usage: readGeminiUsage(json.usageMetadata),
    bill: readGeminiBill(json.usageMetadata),
    model: typeof json.modelVersion === 'string' ? json.modelVersion : undefined,
    isEmpty: !hasCandidates(json) && !isBlocked(json),
  }
}

function hasCandidates({ candidates }: Record<string, unknown>): boolean {
  return Array.isArray(candidates) && candidates.length > 0
}

function isBlocked({ promptFeedback }: Record<string, unknown>): boolean {
  return isObject(promptFeedback) && typeof promptFeedback.blockReason === 'string'
}

/** An answer may lack candidates: a blocked prompt's does. */
function isAnswer(json: Record<string, unknown>): boolean {
  if (json.error) return false
  return Array.isArray(json.candidates) || isObject(json.promptFeedback) || isObject(json.usageMetadata)
}
