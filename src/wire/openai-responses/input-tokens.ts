import type { AnswerFacts } from '../dialect.ts'
import { parseObject } from '../json-body.ts'
import { readCount } from '../token-count.ts'

type Json = Readonly<Record<string, unknown>>

/** The count in a whole answer; undefined when it is none. */
export function readInputTokens(json: Json): number | undefined {
  return readCount(json, 'input_tokens')
}

/** Counting costs no tokens, and names no model. */
export function readInputTokensFacts(body: Buffer): AnswerFacts | undefined {
  const json = parseObject(body.toString())
  return json && readInputTokens(json) !== undefined ? { usage: undefined, model: undefined } : undefined
}

export function renderInputTokens(tokens: number): unknown {
  return { object: 'response.input_tokens', input_tokens: tokens }
}
