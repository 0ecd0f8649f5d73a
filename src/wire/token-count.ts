/** A token count in a provider's report: a whole number from 0 to 2^53; anything else that stands there is no count. */
export function readCount(report: unknown, name: string): number | undefined {
  const value: unknown = typeof report === 'object' && report !== null ? Reflect.get(report, name) : undefined
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}
