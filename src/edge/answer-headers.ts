import type { Exchange } from '#events'
import { type Fault, faults } from '#exchange'
import { limitHeader } from '#wire'

/** Without the provider's word on its limits where the caller is told of ours: it would be read as one. */
export function passedOn(
  headers: Readonly<Record<string, string>>,
  { limits }: Exchange,
): Readonly<Record<string, string>> {
  if (!limits || limits.length === 0) return headers
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !limitHeader.test(name)))
}

/** What an error says in its headers: when to come back, and whether an SDK may do so by itself. */
export function faultHeaders(fault: Fault): Record<string, string> {
  const headers: Record<string, string> = {}
  const { retryAfterMs, retriesSpent, hopeless } = fault.detail
  if (!faults[fault.code].retry || retriesSpent || hopeless) headers['x-should-retry'] = 'false'
  if (retryAfterMs !== undefined) {
    headers['retry-after'] = String(Math.ceil(retryAfterMs / 1000))
    headers['retry-after-ms'] = String(Math.ceil(retryAfterMs))
  }
  return headers
}

/** A model's name may be any text; a header may not. */
export function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 256)
}
