import type { Usage } from '#exchange'
import { hasOnlyCounts } from '../bill.ts'
import { isObject } from '../json-body.ts'
import { readCount } from '../token-count.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Converse's usage report as disjoint kinds. `inputTokens` leaves cached tokens out; `cacheDetails` says which of those
 * written are kept for an hour (TokenUsage). Undefined when there is no report.
 */
export function readConverseUsage(report: unknown): Usage | undefined {
  if (!isObject(report)) return undefined
  const input = readCount(report, 'inputTokens')
  const output = readCount(report, 'outputTokens')
  if ((input === undefined && output === undefined) || !hasOnlyCounts(report)) return undefined
  const details = Array.isArray(report.cacheDetails) ? report.cacheDetails.filter(isObject) : []
  const hour = details
    .filter(({ ttl }) => ttl === '1h')
    .reduce((sum, detail) => sum + (readCount(detail, 'inputTokens') ?? 0), 0)
  const written = readCount(report, 'cacheWriteInputTokens') ?? 0
  const cacheWrite1h = Math.min(hour, written)
  const usage = {
    input,
    cachedInput: readCount(report, 'cacheReadInputTokens'),
    cacheWrite5m: written - cacheWrite1h,
    cacheWrite1h,
    output,
  }
  return Object.fromEntries(Object.entries(usage).filter(([, tokens]) => tokens !== undefined && tokens > 0))
}

export function readTier({ serviceTier }: Json): { serviceTier?: string } {
  return isObject(serviceTier) && typeof serviceTier.type === 'string'
    ? { serviceTier: serviceTier.type }
    : {}
}
