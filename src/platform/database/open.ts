import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { Database } from './database.ts'
import { startEmbeddedServer } from './embedded.ts'
import { PoolDatabase } from './pool-database.ts'

export interface DatabaseOptions {
  /** `postgres://…`; absent: embedded, in `<dataDir>/postgres`. */
  url?: string | undefined
  dataDir: string
  /** How long a statement may take, waiting for a connection included, before the server counts as out of reach. */
  statementTimeoutMs: number
  /** Sockets to a real server; the embedded one has a single session. */
  connections: number
}

// 64-bit integers as numbers, also in arrays: none of ours passes 2^53; money is NUMERIC and stays text.
const bigints: readonly number[] = [pg.types.builtins.INT8, 1016]
const types: pg.CustomTypesConfig = {
  getTypeParser(oid, format) {
    const parse = pg.types.getTypeParser(oid, format)
    return bigints.includes(oid) && format !== 'binary' ? (text: string) => asNumbers(parse(text)) : parse
  },
}

function asNumbers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asNumbers)
  return value === null ? null : Number(value)
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
    connectionTimeoutMillis: options.statementTimeoutMs,
    max: 1,
    idleTimeoutMillis: 0,
    user: 'postgres',
    database: 'postgres',
    stream: () => server.connect() as never, // a Duplex with the few socket methods that pg calls
    types,
  })
  return new PoolDatabase(pool, options.statementTimeoutMs, () => server.close())
}

function openServer(options: DatabaseOptions, url: string): Database {
  const pool = new pg.Pool({
    connectionTimeoutMillis: options.statementTimeoutMs,
    connectionString: url,
    max: options.connections,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    application_name: 'sluice',
    types,
  })
  return new PoolDatabase(pool, options.statementTimeoutMs, async () => undefined)
}
