import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { atEnd, temporaryFolder } from './cleanup.ts'
import { folderWithDatabase } from './data-template.ts'

/** An engine that every store must work on. */
export interface TestDatabase {
  /** For the test's name. */
  name: 'embedded' | 'postgres'
  /**
   * The URL of a new and empty database, dropped when the test has ended. `undefined` for the embedded engine,
   * where a fresh data folder is a fresh database.
   */
  fresh(): Promise<string | undefined>
  /** A data folder for a store without a program around it: with such a database, or empty if that is on a server. */
  folder(): Promise<string>
}

/**
 * The embedded engine always; a real Postgres where `SLUICE_TEST_DATABASE_URL` leads to one on which databases
 * may be created. Without that variable, `npm test` says that this part was not run.
 */
export function testDatabases(): TestDatabase[] {
  const server = process.env.SLUICE_TEST_DATABASE_URL
  const embedded: TestDatabase = {
    name: 'embedded',
    fresh: async () => undefined,
    folder: folderWithDatabase,
  }
  if (!server) return [embedded]
  return [embedded, { name: 'postgres', fresh: () => createDatabase(server), folder: temporaryFolder }]
}

async function createDatabase(server: string): Promise<string> {
  const name = `sluice_test_${randomBytes(8).toString('hex')}`
  await run(server, `create database ${name}`)
  atEnd(() => run(server, `drop database if exists ${name} with (force)`))
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}

async function run(server: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: server })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
