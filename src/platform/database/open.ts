import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { type Database, DatabaseUnavailable, type Queryable, type Statement } from './database.ts'
import { startEmbeddedServer } from './embedded.ts'

export interface DatabaseOptions {
  /** `postgres://…`; absent: embedded, in `<dataDir>/postgres`. */
  url?: string | undefined
  dataDir: string
  /** How long a statement may take before the server counts as out of reach. */
  statementTimeoutMs: number
  /** Sockets to a real server; the embedded one has a single session. */
  connections: number
}

// 64-bit integers as numbers: none of ours passes 2^53; money is NUMERIC and stays text.
const parseInt8 = (text: string): number => Number(text)
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 && format !== 'binary' ? parseInt8 : pg.types.getTypeParser(oid, format),
}

/** Opens the database. Embedded: starts it, and rejects when its folder cannot be used. By URL: connects when first asked. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  return options.url === undefined ? await openEmbedded(options) : openServer(options, options.url)
}

async function openEmbedded(options: DatabaseOptions): Promise<Database> {
  const folder = join(options.dataDir, 'postgres')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const server = await startEmbeddedServer(folder)
  const pool = new pg.Pool({
    ...timeouts(options),
    max: 1,
    idleTimeoutMillis: 0,
    user: 'postgres',
    database: 'postgres',
    stream: () => server.connect() as never, // a Duplex with the few socket methods that pg calls
    types,
  })
  return poolDatabase(pool, () => server.close())
}

function openServer(options: DatabaseOptions, url: string): Database {
  const pool = new pg.Pool({
    ...timeouts(options),
    connectionString: url,
    max: options.connections,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    application_name: 'sluice',
    types,
  })
  return poolDatabase(pool, async () => undefined)
}

function timeouts(options: DatabaseOptions): pg.PoolConfig {
  return { connectionTimeoutMillis: options.statementTimeoutMs, query_timeout: options.statementTimeoutMs }
}

function poolDatabase(pool: pg.Pool, closeServer: () => Promise<void>): Database {
  pool.on('error', () => undefined) // an idle connection died: the pool opens another when it is needed
  return {
    query: (statement, values) => run(pool, statement, values),
    transaction: work => inTransaction(pool, work),
    async close() {
      await pool.end()
      await closeServer()
    },
  }
}

async function inTransaction<T>(pool: pg.Pool, work: (tx: Queryable) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch(unavailable)
  const tx: Queryable = { query: (statement, values) => run(client, statement, values) }
  try {
    await tx.query({ text: 'begin' })
    const result = await work(tx)
    await tx.query({ text: 'commit' })
    client.release()
    return result
  } catch (cause) {
    const rolledBack = await tx.query({ text: 'rollback' }).then(
      () => true,
      () => false,
    )
    client.release(!rolledBack)
    throw cause
  }
}

async function run<Row>(
  on: pg.Pool | pg.PoolClient,
  statement: Statement,
  values?: readonly unknown[],
): Promise<Row[]> {
  const result = await on
    .query({ ...statement, ...(values && { values: [...values] }) })
    .catch(cause => (isOfStatement(cause) ? Promise.reject(cause) : unavailable(cause)))
  return result.rows as Row[]
}

/** An error that the server reports of the statement itself (SQLSTATE), as opposed to a server that is going or gone. */
function isOfStatement(cause: unknown): boolean {
  if (!(cause instanceof pg.DatabaseError) || cause.code === undefined) return false
  const serverClass = cause.code.slice(0, 2)
  return !['08', '53', '57', '58', 'XX'].includes(serverClass)
}

function unavailable(cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause)
  throw new DatabaseUnavailable(`the database cannot be reached: ${reason}`, cause)
}
