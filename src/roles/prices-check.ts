import { createPriceBook, readOverrides } from '#metering'
import { systemClock } from '#platform'
import { readModels } from '#routing'
import type { PricesTask } from './prices.ts'
import { vendorsOf } from './prices-show.ts'
import { usedOfLate } from './prices-used.ts'

const dayMs = 24 * 60 * 60 * 1000

/** Says which targets have no price, and whether the prices are old. Exit code 1 where something is to be done. */
export async function checkConfiguredPrices(task: PricesTask): Promise<number> {
  const { write } = task
  const used = await usedOfLate(task)
  const called = typeof used === 'string' ? [] : used.map(({ target }) => target)
  if (typeof used === 'string') write(`${used}\n`)
  const targets = [...new Set([...configuredTargets(task), ...called])].sort()
  const isPriced = priceCheck(task)
  const unpriced = targets.filter(target => !isPriced(target))
  for (const target of unpriced) write(`${target} has no price: calls to it are unpriced.\n`)
  if (unpriced.length > 0)
    write('Set prices in the section `prices` of the configuration, in US dollars per million tokens.\n')
  const isOld = reportAge(task)
  if (unpriced.length === 0) write(`All ${targets.length} targets have a price.\n`)
  return unpriced.length > 0 || isOld ? 1 : 0
}

/** Those with a whole name: what stands behind a `*` is only known once it is called. */
function configuredTargets({ config }: PricesTask): string[] {
  const { models } = readModels(config.models, config.providers)
  return models
    .flatMap(({ targets, degradeTo }) => [...targets.map(({ target }) => target), ...degradeTo])
    .map(({ provider, model }) => `${provider}/${model}`)
    .filter(target => !target.includes('*'))
}

function priceCheck(task: PricesTask): (target: string) => boolean {
  const book = createPriceBook({
    published: task.files.inUse(),
    overrides: readOverrides(task.config.prices),
  })
  const vendors = vendorsOf(task)
  const nowMs = systemClock.now()
  return target => {
    const slash = target.indexOf('/')
    const [provider, model] = [target.slice(0, slash), target.slice(slash + 1)]
    return book.priceOf({ provider, model }, vendors.get(provider) ?? provider, nowMs) !== undefined
  }
}

function reportAge({ files, olderThanDays, write }: PricesTask): boolean {
  const { released, package: name, version } = files.inUse().origin
  const days = Math.floor((systemClock.now() - Date.parse(released)) / dayMs)
  const isOld = days > olderThanDays
  write(
    `The published prices are of ${released} (${name} ${version}), ${days} days old${isOld ? ': too old' : ''}.\n`,
  )
  if (isOld) write('Bring newer ones with `sluice prices update FILE|URL`, or a newer version of Sluice.\n')
  return isOld
}
