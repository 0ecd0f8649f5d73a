import { Fault } from '#exchange'
import { type Database, DatabaseUnavailable } from '#platform'

/** The same database, whose outages are faults that an operator may see. */
export function faultOnOutage(database: Database): Database {
  return {
    query: (statement, values) => orFault(database.query(statement, values)),
    transaction: work => orFault(database.transaction(work)),
    close: () => database.close(),
  }
}

async function orFault<T>(answer: Promise<T>): Promise<T> {
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
