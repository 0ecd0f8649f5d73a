import type { Finish } from '#exchange'

const reasons: Readonly<Record<string, Finish['reason']>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
  error: 'error',
  insufficient_system_resource: 'error', // DeepSeek
}

/** A provider's finish reason. Some have words of their own, which say plainly enough what they are about. */
export function readFinish(word: string): Finish {
  const reason =
    reasons[word] ??
    (/filter|safety|block|sensitive/i.test(word)
      ? 'content-filter'
      : /length|limit|max/i.test(word)
        ? 'length'
        : /error|fail|abort/i.test(word)
          ? 'error'
          : 'stop')
  return { reason, raw: word }
}

const words: Readonly<Record<Finish['reason'], string>> = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
  'content-filter': 'content_filter',
  pause: 'stop',
  error: 'stop',
}

/** For a caller. A provider that wants to be asked to go on has no word here: its own stands beside `stop`. */
export function renderFinish({ reason, raw }: Finish): {
  finish_reason: string
  native_finish_reason?: string
} {
  const native = reason === 'pause' && raw !== undefined ? { native_finish_reason: raw } : {}
  return { finish_reason: words[reason], ...native }
}
