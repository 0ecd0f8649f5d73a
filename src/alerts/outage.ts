import { Fault } from '#exchange'
import { DatabaseUnavailable } from '#platform'

/** What was asked of the database; an outage of it as a fault with a sentence for the caller. */
export async function orFault<T>(answer: Promise<T>, sentence: string): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    if (!(cause instanceof DatabaseUnavailable)) throw cause
    throw new Fault('store_unavailable', sentence, {
      internal: cause.message,
      cause,
      retryAfterMs: 1_000,
    })
  }
}
