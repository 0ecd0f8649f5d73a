import pg from 'pg'
import { DatabaseUnavailable, type Statement } from './database.ts'

/** One connection, taken from the pool for a statement or a transaction. */
export class Session {
  readonly #client: pg.PoolClient
  #sound = true
  /** A connection can end between two statements, when no statement is there to hear of it. */
  readonly #onError = (): void => {
    this.#sound = false
  }

  constructor(client: pg.PoolClient) {
    this.#client = client
    client.on('error', this.#onError)
  }

  /** False once a statement was given up, or its fate is not known: what comes next over this connection is anybody's guess. */
  get sound(): boolean {
    return this.#sound
  }

  async run(
    { text, name, timeoutMs }: Statement & { timeoutMs: number },
    values: readonly unknown[] = [],
  ): Promise<pg.QueryResult> {
    const config = { text, ...(name !== undefined && { name }), values: [...values] }
    try {
      // `query_timeout` is read by `pg` and missing from its types.
      return await this.#client.query(Object.assign(config, { query_timeout: Math.max(1, timeoutMs) }))
    } catch (cause) {
      if (isOfStatement(cause)) throw cause
      this.#sound = false
      // A value that cannot be written is a bug of ours, and no outage.
      throw cause instanceof TypeError || cause instanceof RangeError ? cause : unavailable(cause)
    }
  }

  /** Back to the pool, or closed when it is not sound: that ends its transaction, too. */
  release(): void {
    this.#client.off('error', this.#onError)
    this.#client.release(!this.#sound)
  }
}

/** SQLSTATE classes of a server that is going or gone: connection, resources, operator, system, internal. */
const classesOfServer = ['08', '53', '57', '58', 'XX']
/** The server takes no writes: after a fail-over it is still the one to be replaced. */
const readOnly = '25006'

/** An error that the server reports of the statement itself, as opposed to a server that is going or gone. */
function isOfStatement(cause: unknown): boolean {
  if (!(cause instanceof pg.DatabaseError) || cause.code === undefined) return false
  return cause.code !== readOnly && !classesOfServer.includes(cause.code.slice(0, 2))
}

export function unavailable(cause: unknown): DatabaseUnavailable {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new DatabaseUnavailable(`the database cannot be reached: ${reason}`, cause)
}
