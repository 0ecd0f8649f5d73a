import type { Finish } from '#exchange'

const reasons: Readonly<Record<string, Finish['reason']>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  CONTINUATION: 'pause',
  SAFETY: 'content-filter',
  RECITATION: 'content-filter',
  BLOCKLIST: 'content-filter',
  PROHIBITED_CONTENT: 'content-filter',
  SPII: 'content-filter',
  LANGUAGE: 'content-filter',
  MODEL_ARMOR: 'content-filter',
  JAILBREAK: 'content-filter',
  IMAGE_SAFETY: 'content-filter',
  IMAGE_PROHIBITED_CONTENT: 'content-filter',
  IMAGE_RECITATION: 'content-filter',
  IMAGE_OTHER: 'content-filter',
  NO_IMAGE: 'error',
  MALFORMED_FUNCTION_CALL: 'error',
  MALFORMED_RESPONSE: 'error',
  UNEXPECTED_TOOL_CALL: 'error',
  TOO_MANY_TOOL_CALLS: 'error',
  MISSING_THOUGHT_SIGNATURE: 'error',
  OTHER: 'error',
}

/**
 * Why an answer ended, in Gemini's words (`Candidate.FinishReason`). Words outside the documented list occur
 * (MODEL_ARMOR came before it was documented). All of them so far were failures, so an unknown one is no `stop`. A whole
 * answer that gives none has ended by itself.
 */
export function readFinish(word: string | undefined, hasToolCalls: boolean): Finish {
  if (word === undefined) return { reason: hasToolCalls ? 'tool-calls' : 'stop' }
  const known = Object.hasOwn(reasons, word) ? reasons[word] : undefined
  const reason = known ?? (/^IMAGE_|SAFETY|BLOCK|PROHIBITED/.test(word) ? 'content-filter' : 'error')
  return { reason: reason === 'stop' && hasToolCalls ? 'tool-calls' : reason, raw: word }
}

const words: Readonly<Record<Finish['reason'], string>> = {
  stop: 'STOP',
  'tool-calls': 'STOP', // Gemini has no word for it
  length: 'MAX_TOKENS',
  'content-filter': 'SAFETY',
  pause: 'STOP', // CONTINUATION would promise a token to go on with
  error: 'OTHER',
}

/** A reason for callers: the provider's own word where it is one of Gemini's that means the same. */
export function writeFinish({ reason, raw }: Finish): string {
  if (raw !== undefined && Object.hasOwn(reasons, raw) && reasons[raw] === reason) return raw
  return words[reason]
}
