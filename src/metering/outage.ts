import { Fault } from '#exchange'
import { DatabaseUnavailable } from '#platform'

/** What was read or written; an outage of the database as a fault that a caller may see. */
export async function orFault<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    if (!(cause instanceof DatabaseUnavailable)) throw cause
    throw new Fault('store_unavailable', 'The database cannot be reached just now: try again in a moment.', {
      internal: cause.message,
      cause,
    })
  }
}
