import type { MigrationSource } from '#platform'

export type { Alert, AlertKind, Severity } from './alert.ts'
export type { Audit, AuditEntry } from './audit.ts'
export type { BudgetNote } from './budget-note.ts'
export { alertsConfig, checkAlerts } from './config.ts'
export type { Alerts, AlertsOptions } from './create.ts'
export { createAlerts } from './create.ts'
export type { ReadSpend, SpendRow } from './watch-spend.ts'

export const alertsMigrations: MigrationSource = {
  domain: 'alerts',
  folder: new URL('./migrations/', import.meta.url),
}
