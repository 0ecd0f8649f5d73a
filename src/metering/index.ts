import type { MigrationSource } from '#platform'

export type { UsageBound } from './bound.ts'
export { boundOf } from './bound.ts'
export type { Factors, Markup } from './charge.ts'
export { createMarkup } from './charge.ts'
export { comparePublished } from './compare.ts'
export { checkPrices, pricesConfig, readOverrides } from './config.ts'
export { costOf } from './cost.ts'
export type { Ledger, LedgerOptions } from './ledger.ts'
export { createLedger } from './ledger.ts'
export type { Spent, SpentQuestion } from './ledger-spent.ts'
export { checkMarkup, markupConfig, readFactors } from './markup.config.ts'
export { mostOutput } from './most-output.ts'
export type { Overrides } from './override.ts'
export type { Price } from './price.ts'
export { createPrice } from './price.ts'
export type { PriceBook } from './price-book.ts'
export { createPriceBook } from './price-book.ts'
export { checkPublished } from './published.check.ts'
export type { PublishedPrices } from './published.ts'
export { parsePublished, readPublishedPrices } from './published.ts'
export type { Metering, Settlement } from './settle.ts'
export { createMetering } from './settle.ts'
export { parseUsdPerMillion } from './usd.ts'

export const meteringMigrations: MigrationSource = {
  domain: 'metering',
  folder: new URL('./migrations/', import.meta.url),
}
