import type { MigrationSource } from '#platform'

export type { AuditEntry } from './audit.ts'
export { checkRules } from './check-rules.ts'
export { budgetsConfig, rateLimitsConfig } from './config.ts'
export type { Eased } from './ease.ts'
export { readInstallation } from './installation.ts'
export type { Limits, LimitsOptions } from './limits.ts'
export { LimitKeeper } from './limits.ts'
export { MemoryLimitStore } from './memory-store.ts'
export type { Pricing } from './needs.ts'
export { noteOf } from './note.ts'
export type { Spent, SpentSince } from './rebuild.ts'
export { correctionsOf, entriesOf } from './rebuild.ts'
export type { Books } from './refill.ts'
export { settleExpired, viewLedger } from './refill.ts'
export type { Reservation, Take } from './reservation.ts'
export type { Increase, Match, Rule, SoftAction, SoftStep, Threshold, Unit } from './rule.ts'
export { mostOf } from './rule.ts'
export type { ConfiguredRules } from './rule-book.ts'
export type { Concern, RuleSet } from './rule-set.ts'
export type { Counters, Rules, RulesOptions, Standing } from './rules.ts'
export { createRules } from './rules.ts'
export { readStandings } from './standings-of-rule.ts'
export type { Counted, CounterRef, Entry, LimitStore } from './store.ts'
export { ValkeyLimitStore } from './valkey-store.ts'
export type { Period, Span, Window } from './window.ts'

export const limitsMigrations: MigrationSource = {
  domain: 'limits',
  folder: new URL('./migrations', import.meta.url),
}
