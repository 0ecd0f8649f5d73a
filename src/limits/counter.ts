import { counterKey } from './rule.ts'
import type { Concern } from './rule-set.ts'
import type { CounterRef } from './store.ts'

/** The counter that a rule has for a subject at a time. */
export function counterOf({ rule, subject }: Concern, atMs: number): CounterRef {
  const { window, unit } = rule
  const isEndless = window.rolling !== undefined || unit === 'concurrent'
  return {
    key: counterKey(rule, subject, atMs),
    rolling: window.rolling,
    endsAtMs: isEndless ? Number.POSITIVE_INFINITY : window.at(atMs).endMs,
  }
}
