import { resolve } from 'node:path'
import { alertsMigrations } from '#alerts'
import { eventsMigrations } from '#events'
import { idempotencyMigrations } from '#idempotency'
import { keysMigrations } from '#keys'
import { limitsMigrations } from '#limits'
import { meteringMigrations } from '#metering'
import { type Database, type MigrationSource, migrate, takeDataFolder } from '#platform'
import { responsesMigrations } from '#responses'
import { loadConfiguration } from './configuration.ts'
import { openStore } from './open-store.ts'

export const migrations: readonly MigrationSource[] = [
  keysMigrations,
  eventsMigrations,
  meteringMigrations,
  limitsMigrations,
  responsesMigrations,
  idempotencyMigrations,
  alertsMigrations,
]

/** `sluice migrate`: for deployments that want the schema brought up before the first new process starts. */
export async function migrateDatabase(options: {
  configFile: string | undefined
  dataDir: string | undefined
  env: Readonly<Record<string, string | undefined>>
}): Promise<number> {
  const { config } = await loadConfiguration(options)
  const dataDir = resolve(options.dataDir ?? config.data)
  const release = await takeDataFolder(dataDir)
  const database: Database = await openStore(config, dataDir)
  const applied = await migrate(database, migrations)
  process.stdout.write(
    applied.length > 0 ? `Applied ${applied.join(', ')}.\n` : 'The database is up to date.\n',
  )
  await database.close()
  await release()
  return 0
}
