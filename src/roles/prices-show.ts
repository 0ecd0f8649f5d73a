import { formatUsd } from '#exchange'
import { comparePublished, type PublishedPrices } from '#metering'
import { systemClock } from '#platform'
import { readProviders } from '#providers'
import type { PricesTask } from './prices.ts'
import { type UsedTarget, usedOfLate } from './prices-used.ts'

/** Vendors by the provider's name, as the price book asks for them. */
export function vendorsOf({ config }: Pick<PricesTask, 'config'>): ReadonlyMap<string, string> {
  const records = readProviders(config.providers, {
    simulatorUrl: () => 'http://127.0.0.1',
    clock: systemClock,
  })
  return new Map(records.map(({ name, vendor }) => [name, vendor]))
}

/** What changes, first of the targets that calls went to of late. */
export async function showChanges(
  task: PricesTask,
  before: PublishedPrices,
  after: PublishedPrices,
): Promise<void> {
  const { write, all } = task
  write(
    `Prices of ${before.origin.released} → ${after.origin.released} (${after.origin.package} ${after.origin.version}).\n`,
  )
  const vendors = vendorsOf(task)
  const concerned = all
    ? undefined
    : [...new Set(vendors.values())].filter(vendor => isKnown(vendor, before, after))
  const changes = comparePublished(before, after, concerned)
  const used = await usedOfLate(task)
  if (typeof used === 'string') write(`${used}\n`)
  else showUsed(task, used, { before, after, vendors })
  for (const { vendor, model, kind, what } of changes) write(`${signs[kind]} ${vendor}/${model}: ${what}\n`)
  const of = all
    ? 'all vendors'
    : `the configured vendors (${concerned?.join(', ') || 'none of them is in the book'})`
  write(changes.length === 0 ? `Nothing changes of ${of}.\n` : `${changes.length} models change, of ${of}.\n`)
}

const signs = { new: '+', gone: '-', changed: '~' }

function isKnown(vendor: string, ...lists: readonly PublishedPrices[]): boolean {
  return lists.some(({ vendors }) => vendors.includes(vendor))
}

interface Books {
  before: PublishedPrices
  after: PublishedPrices
  vendors: ReadonlyMap<string, string>
}

function showUsed(
  { write }: PricesTask,
  used: readonly UsedTarget[],
  { before, after, vendors }: Books,
): void {
  const concerned = used.filter(({ provider, model }) => {
    const vendor = vendors.get(provider) ?? provider
    return numbersOf(before, vendor, model) !== numbersOf(after, vendor, model)
  })
  if (used.length === 0) write('No target was called in the last 30 days.\n')
  else if (concerned.length === 0)
    write(`None of the ${used.length} targets called in the last 30 days changes.\n`)
  for (const { target, calls, costUsd } of concerned)
    write(`! ${target} changes: ${calls} calls in the last 30 days, $${costUsd}\n`)
}

/** All rates that a target ever has, as text. */
function numbersOf(list: PublishedPrices, vendor: string, model: string): string {
  return JSON.stringify(
    list
      .find(vendor, model)
      .map(({ fromMs, daily, price: { rates, fees } }) => ({ fromMs, daily, rates, fees })),
    (_, value: unknown) => (typeof value === 'bigint' ? formatUsd(value) : value),
  )
}
