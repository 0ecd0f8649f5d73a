/** Fields that stand in a piece whether or not it brings anything. */
const labels: ReadonlySet<string> = new Set(['role', 'type', 'id', 'index'])

/**
 * Whether a piece of a stream brings anything: some providers keep a connection alive with pieces of nothing,
 * such as `{"delta":{"content":""}}`, and that is no more than a ping.
 */
export function saysSomething(value: unknown): boolean {
  if (typeof value === 'string') return value !== ''
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(saysSomething)
  return Object.entries(value).some(([name, inner]) => !labels.has(name) && saysSomething(inner))
}
