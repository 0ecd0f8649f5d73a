/** One SQL statement; a name makes the server keep its plan. One statement, one function that runs it. */
export interface Statement {
  name?: string
  text: string
}

export interface Queryable {
  /** Rows of one statement. Throws `DatabaseUnavailable` when the server is gone or too slow. */
  query<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>
}

/** Postgres, embedded or by URL: the same SQL on both. */
export interface Database extends Queryable {
  /** All of `work` or none of it. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** The server is gone, refuses us, or did not answer in time: nothing is known of the statement's fate. */
export class DatabaseUnavailable extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'DatabaseUnavailable'
  }
}
