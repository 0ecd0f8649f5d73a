import type { Finish } from '#exchange'
import { isObject } from '../json-body.ts'

const reasons: Readonly<Record<string, Finish['reason']>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool-calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  refusal: 'content-filter',
  pause_turn: 'pause',
  compaction: 'pause',
}

/** Where an answer's end is told: the message itself, or the `delta` of `message_delta`. */
type Told = Readonly<Record<string, unknown>>

export function readStop(told: Told, hasCalls: boolean): Finish {
  const raw = typeof told.stop_reason === 'string' ? told.stop_reason : undefined
  const known = Object.hasOwn(reasons, raw ?? '') ? reasons[raw ?? ''] : undefined
  const reason = known ?? (/error|fail|malformed/i.test(raw ?? '') ? 'error' : 'stop')
  return {
    reason: reason === 'stop' && hasCalls ? 'tool-calls' : reason,
    ...(typeof told.stop_sequence === 'string' && { stopSequence: told.stop_sequence }),
    ...(raw !== undefined && { raw }),
  }
}

/** Why the model, or what watches over it, declined. */
export function readRefusal(told: Told): string | undefined {
  const details = isObject(told.stop_details) ? told.stop_details : {}
  return told.stop_reason === 'refusal' && typeof details.explanation === 'string'
    ? details.explanation
    : undefined
}

/**
 * An answer's end as Anthropic tells it. It has no word for a provider that failed in the middle of its answer:
 * `refusal` with an explanation is the one that no client takes for a whole answer.
 */
export function writeStop(finish: Finish, refusal: string): Record<string, unknown> {
  const reason = refusal === '' ? stopReason(finish) : 'refusal'
  return {
    stop_reason: reason,
    stop_sequence: reason === 'stop_sequence' ? finish.stopSequence : null,
    stop_details:
      reason === 'refusal'
        ? { type: 'refusal', category: null, explanation: explain(finish, refusal) }
        : null,
  }
}

function stopReason({ reason, raw, stopSequence }: Finish): string {
  if (raw !== undefined && Object.hasOwn(reasons, raw) && reasons[raw] === reason && raw !== 'stop_sequence')
    return raw
  switch (reason) {
    case 'stop':
      return stopSequence === undefined ? 'end_turn' : 'stop_sequence'
    case 'tool-calls':
      return 'tool_use'
    case 'length':
      return 'max_tokens'
    case 'pause':
      return 'pause_turn'
    case 'content-filter':
    case 'error':
      return 'refusal'
  }
}

function explain({ reason, raw }: Finish, refusal: string): string | null {
  if (refusal !== '') return refusal
  return reason === 'error' ? `The provider could not finish its answer${raw ? ` (${raw})` : ''}.` : null
}
