import type { MigrationSource } from '#platform'

export { responsesConfig } from './config.ts'
export type { Responses, ResponsesOptions } from './create.ts'
export { createResponses } from './create.ts'

export const responsesMigrations: MigrationSource = {
  domain: 'responses',
  folder: new URL('./migrations/', import.meta.url),
}
