import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatedPrice } from './dated.ts'
import { type Match, matches } from './match.ts'
import { createPrice, type Fees } from './price.ts'
import { checkPublished } from './published.check.ts'
import { readRates, type WrittenRates } from './rate.ts'
import { type ListedPrice, withTiers } from './tiered-price.ts'
import { readTiers } from './tiers.ts'
import { parseUsdPerThousand } from './usd.ts'

/** The file of published prices, one JSON value a line: its origin, then each vendor followed by its models. */
export const publishedFile = join(import.meta.dirname, 'published.jsonl')

/** Where a file of published prices comes from. */
export interface Origin {
  package: string
  version: string
  /** The day the package was released: its prices were checked on that day or before. */
  released: string
  licence: string
}

export interface VendorLine {
  vendor: string
  /** The vendor's own price list. */
  source?: string
  /** Vendors whose models this one sells at the same prices. */
  fallback?: readonly string[]
}

export interface ModelLine {
  model: string
  match: Match
  /** In the order of the source: the last that holds is the price. Empty: known, and not priced by token. */
  prices: readonly PriceLine[]
  /** Why there is no price. */
  unpriced?: string
}

export interface PriceLine {
  /** A day, from midnight UTC. */
  from?: string
  /** Two times of day, UTC. */
  daily?: readonly [string, string]
  rates: WrittenRates
  /** US dollars per thousand. */
  fees?: Readonly<Partial<Record<keyof Fees, string>>>
}

/** Prices that vendors publish, by the vendor's name in the book and the model's name at the vendor. */
export interface PublishedPrices {
  origin: Origin
  vendors: readonly string[]
  /** Prices over time; empty when the vendor or the model is not in the book, or is not priced by token. */
  find(vendor: string, model: string): readonly DatedPrice[]
  /** What the list has of a vendor, in its own order. */
  modelsOf(vendor: string): readonly ModelLine[]
}

/** The prices that come with Sluice, or those of another file of the kind where they are newer. */
export function readPublishedPrices(other?: string): PublishedPrices {
  const own = parsePublished(readFileSync(publishedFile, 'latin1'))
  if (other === undefined || !existsSync(other)) return own
  const text = readFileSync(other, 'latin1')
  checkPublished(text)
  const theirs = parsePublished(text)
  return theirs.origin.released > own.origin.released ? theirs : own
}

/**
 * The prices of a file's text. A vendor's lines are parsed when it is first asked for: a process talks to a few of some
 * forty vendors, and should hold neither the memory nor the start-up time of all.
 */
export function parsePublished(text: string): PublishedPrices {
  const [first = '', ...lines] = text.trimEnd().split('\n')
  const origin: Origin = JSON.parse(first)
  const unread = groupByVendor(lines)
  const vendors = new Map<string, Vendor>()
  const findTiers = readTiers()

  function vendorOf(name: string): Vendor | undefined {
    const known = vendors.get(name)
    if (known) return known
    const text = unread.get(name)
    if (!text) return undefined
    const vendor = readVendor(text)
    vendors.set(name, vendor)
    return vendor
  }

  return {
    origin,
    vendors: [...unread.keys()],
    modelsOf: name => vendorOf(name)?.models ?? [],
    find(name, model) {
      const vendor = vendorOf(name)
      for (const seller of [name, ...(vendor?.fallback ?? [])]) {
        const found = vendorOf(seller)
        const line = found?.models.find(candidate => matches(candidate.match, model.toLowerCase()))
        if (!found || !line) continue
        const histories = findTiers(seller, model.toLowerCase())
        return withTiers(readPrices(found, line, origin), { vendor: seller, histories })
      }
      return []
    },
  }
}

interface Vendor extends VendorLine {
  models: readonly ModelLine[]
}

function groupByVendor(lines: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  let group: string[] = []
  for (const line of lines) {
    if (line.startsWith('{"vendor":')) {
      const { vendor }: VendorLine = JSON.parse(line)
      group = []
      groups.set(vendor, group)
    }
    group.push(line)
  }
  return groups
}

function readVendor([first = '', ...rest]: readonly string[]): Vendor {
  const vendor: VendorLine = JSON.parse(first)
  return { ...vendor, models: rest.map((line): ModelLine => JSON.parse(line)) }
}

function readPrices(vendor: Vendor, line: ModelLine, origin: Origin): ListedPrice[] {
  const source = `${vendor.source ?? vendor.vendor}, by ${origin.package} ${origin.version}`
  return line.prices.map(({ from, daily, rates, fees }) => {
    const since = from ? `;from=${from}` : ''
    const hours = daily ? `;daily=${daily[0]}-${daily[1]}` : ''
    const id = `${vendor.vendor}/${line.model}@${origin.released}${since}${hours}`
    return {
      price: createPrice({ id, source, rates: readRates(rates), fees: fees && readFees(fees) }),
      fromMs: from === undefined ? undefined : Date.parse(from),
      written: rates,
      daily: daily && { startMs: timeOfDayMs(daily[0]), endMs: timeOfDayMs(daily[1]) },
    }
  })
}

function readFees(written: NonNullable<PriceLine['fees']>): Fees {
  return Object.fromEntries(Object.entries(written).map(([fee, usd]) => [fee, parseUsdPerThousand(usd)]))
}

function timeOfDayMs(time: string): number {
  return Date.parse(`1970-01-01T${time}Z`)
}
