/** What must hold whatever callers, providers and networks do; that it does not is a bug of ours. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`)
}
