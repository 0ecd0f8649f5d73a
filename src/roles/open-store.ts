import { type Database, openDatabase } from '#platform'
import type { Config } from './config.ts'

/** A statement that takes longer counts as a database out of reach: calls get their 503 within twice this. */
const statementTimeoutMs = 2_000
const connections = 10

export function openStore(config: Config, dataDir: string): Promise<Database> {
  return openDatabase({ url: config.database, dataDir, statementTimeoutMs, connections })
}
