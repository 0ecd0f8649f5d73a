import type { MigrationSource } from '#platform'

export type { AdminKey } from './admin-key.ts'
export type { KeysCommandTools } from './command.ts'
export { runKeysCommand } from './command.ts'
export { adminKeyConfig, checkKeys, keysConfig } from './config.ts'
export type { ConfiguredKey, ConfiguredKeys } from './configured.ts'
export { indexConfiguredKeys } from './configured.ts'
export type { Keys, KeysOptions } from './create.ts'
export { createKeys } from './create.ts'

export const keysMigrations: MigrationSource = {
  domain: 'keys',
  folder: new URL('./migrations', import.meta.url),
}
