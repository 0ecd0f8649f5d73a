import type { MigrationSource } from '#platform'

export type { Limits as IdempotencyLimits } from './claims.ts'
export { idempotencyConfig } from './config.ts'
export type { Claim, Idempotency, IdempotencyOptions, KeyedRequest } from './create.ts'
export { createIdempotency } from './create.ts'
export { refuseKey } from './keyed-request.ts'
export type { Recording } from './recording.ts'
export type { AnswerHead, Tape } from './tape.ts'

export const idempotencyMigrations: MigrationSource = {
  domain: 'idempotency',
  folder: new URL('./migrations/', import.meta.url),
}
