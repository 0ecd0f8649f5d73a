import type { MigrationSource } from '#platform'

export type { Companion } from './companion.ts'
export { callsConfig } from './config.ts'
export type { EventsOptions, Retention } from './events.ts'
export { Events } from './events.ts'
export type { Exchange, Settlement } from './exchange.ts'
export { createFileIntents } from './intents.file.ts'
export { createTableIntents } from './intents.table.ts'
export type { Metrics } from './metrics.ts'
export { createMetrics } from './metrics.ts'
export type { EventRoutesOptions } from './routes.ts'
export { eventRoutes } from './routes.ts'

export const eventsMigrations: MigrationSource = {
  domain: 'events',
  folder: new URL('./migrations/', import.meta.url),
}
