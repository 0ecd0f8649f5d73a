/** One SQL statement; a name makes the server keep its plan. One statement, one function that runs it. */
export interface Statement {
  name?: string
  text: string
  /** How long it may take; absent: the database's own limit. */
  timeoutMs?: number
}

export interface Queryable {
  /**
   * Rows of one statement: bigint as number, numeric as text, timestamptz as Date, json parsed. Throws
   * `DatabaseUnavailable` when the server is gone or too slow (waiting for a connection counts), and what the
   * server says of the statement itself otherwise.
   */
  query<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>
}

/** Postgres, embedded or by URL: the same SQL on both. */
export interface Database extends Queryable {
  /**
   * All of `work` or none of it. Inside, only `tx` may be asked, and only until `work` is over: asking the database
   * itself would wait for a second connection, which the embedded one does not have. It throws on both engines.
   */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>
  /** Takes no more statements, waits for those it has been given, and closes. */
  close(): Promise<void>
}

/** The server is gone, refuses us, or did not answer in time: nothing is known of the statement's fate. */
export class DatabaseUnavailable extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'DatabaseUnavailable'
  }
}
