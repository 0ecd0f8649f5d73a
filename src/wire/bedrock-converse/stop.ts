import type { Finish } from '#exchange'
import { isObject } from '../json-body.ts'

type Json = Readonly<Record<string, unknown>>

/** Converse's words (`stopReason`), with those of Claude that it lets through. */
const reasons: Readonly<Record<string, Finish['reason']>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool-calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  guardrail_intervened: 'content-filter',
  content_filtered: 'content-filter',
  refusal: 'content-filter',
  pause_turn: 'pause',
  malformed_model_output: 'error',
  malformed_tool_use: 'error',
}

/** Of a whole answer, or of a `messageStop`. */
export function readStop(said: Json, hasCalls: boolean): Finish {
  const raw = typeof said.stopReason === 'string' ? said.stopReason : undefined
  const reason = reasonOf(raw)
  const stopSequence =
    raw === 'stop_sequence' ? readStopSequence(said.additionalModelResponseFields) : undefined
  return {
    reason: reason === 'stop' && hasCalls ? 'tool-calls' : reason,
    ...(stopSequence !== undefined && { stopSequence }),
    ...(raw !== undefined && { raw }),
  }
}

function reasonOf(raw: string | undefined): Finish['reason'] {
  if (raw === undefined) return 'stop'
  if (Object.hasOwn(reasons, raw)) return reasons[raw] ?? 'stop'
  return /error|malformed|fail/i.test(raw) ? 'error' : 'stop'
}

function readStopSequence(fields: unknown): string | undefined {
  if (!isObject(fields)) return undefined
  const { delta } = fields
  const found = [fields.stop_sequence, isObject(delta) ? delta.stop_sequence : undefined]
  return found.find(text => typeof text === 'string')
}
