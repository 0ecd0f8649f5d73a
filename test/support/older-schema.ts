import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Database, type MigrationSource, migrate } from '#platform'
import { temporaryFolder } from './cleanup.ts'

/** Leaves the database as a version left it that knew a domain's first `count` migrations, and none of other domains. */
export async function makeOlderSchema(
  database: Database,
  { domain, folder }: MigrationSource,
  count: number,
): Promise<void> {
  const older = join(await temporaryFolder(), domain)
  await cp(fileURLToPath(folder), older, { recursive: true })
  for (const name of (await readdir(older)).toSorted().slice(count)) await rm(join(older, name))
  await database.query({ text: 'drop schema public cascade' })
  await database.query({ text: 'create schema public' })
  await migrate(database, [{ domain, folder: pathToFileURL(`${older}/`) }])
}
