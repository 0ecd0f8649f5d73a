import type { ModelLine, PriceLine, PublishedPrices } from './published.ts'
import type { WrittenRate } from './rate.ts'

/** What is another price in another list. */
export interface PriceChange {
  vendor: string
  model: string
  kind: 'new' | 'gone' | 'changed'
  /** In words: `input 5 → 4, output 30 → 20`. */
  what: string
}

/** What changes from one list of published prices to another, of these vendors; of all where none are named. */
export function comparePublished(
  before: PublishedPrices,
  after: PublishedPrices,
  vendors: readonly string[] = [...new Set([...before.vendors, ...after.vendors])],
): PriceChange[] {
  return vendors.flatMap(vendor => {
    const [old, now] = [byModel(before.modelsOf(vendor)), byModel(after.modelsOf(vendor))]
    return [...new Set([...old.keys(), ...now.keys()])].flatMap(model =>
      compare(vendor, old.get(model), now.get(model)),
    )
  })
}

function byModel(lines: readonly ModelLine[]): Map<string, ModelLine> {
  return new Map(lines.map(line => [line.model, line]))
}

function compare(vendor: string, before: ModelLine | undefined, after: ModelLine | undefined): PriceChange[] {
  const model = (after ?? before)?.model ?? ''
  if (!before) return [{ vendor, model, kind: 'new', what: describe(after) }]
  if (!after) return [{ vendor, model, kind: 'gone', what: describe(before) }]
  if (JSON.stringify(before) === JSON.stringify(after)) return []
  return [{ vendor, model, kind: 'changed', what: describeChange(before, after) }]
}

function describe(line: ModelLine | undefined): string {
  const last = line?.prices.at(-1)
  if (!last) return line?.unpriced ?? 'no price'
  return wordsOf(last)
    .map(([name, price]) => `${name} ${price}`)
    .join(', ')
}

function describeChange(before: ModelLine, after: ModelLine): string {
  const [old, now] = [before.prices.at(-1), after.prices.at(-1)].map(
    line => new Map(line ? wordsOf(line) : []),
  )
  const names = [...new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])]
  const changes = names
    .filter(name => old?.get(name) !== now?.get(name))
    .map(name => `${name} ${old?.get(name) ?? 'none'} → ${now?.get(name) ?? 'none'}`)
  if (changes.length > 0) return changes.join(', ')
  const isSame = JSON.stringify(before.prices) === JSON.stringify(after.prices)
  return isSame ? 'the names it is for' : 'its earlier prices, or when they hold'
}

function wordsOf({ rates, fees = {} }: PriceLine): [name: string, price: string][] {
  const tokens = Object.entries(rates).map(([kind, rate]): [string, string] => [kind, showRate(rate)])
  const pieces = Object.entries(fees).map(([fee, usd]): [string, string] => [fee, `${usd} a thousand`])
  return [...tokens, ...pieces]
}

function showRate(rate: WrittenRate): string {
  if (typeof rate === 'string') return rate
  const steps = rate.tiers.map(({ aboveInputTokens, price }) => `${price} above ${aboveInputTokens} tokens`)
  return `${rate.base} (${steps.join(', ')})`
}
