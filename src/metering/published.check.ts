import { usageKinds } from '#exchange'
import type { Match } from './match.ts'
import { readRates, type WrittenRate } from './rate.ts'
import { parseUsdPerThousand } from './usd.ts'

type Json = Readonly<Record<string, unknown>>

/** Throws a `RangeError` that names the line where a text is not a file of published prices: nobody guesses a price. */
export function checkPublished(text: string): void {
  const [first = '', ...lines] = text.trimEnd().split('\n')
  at(1, () => checkOrigin(readObject(first)))
  if (lines.length === 0) throw new RangeError('line 2: no vendor and no model')
  for (const [index, line] of lines.entries()) {
    at(index + 2, () => {
      const json = readObject(line)
      if (index === 0 && json.vendor === undefined) throw new RangeError('a model before any vendor')
      if (json.vendor === undefined) checkModel(json)
      // Lines of vendors are told by how they begin.
      else if (!line.startsWith(`{"vendor":${JSON.stringify(json.vendor)}`))
        throw new RangeError('`vendor` comes first')
      else checkVendor(json)
    })
  }
}

function at(line: number, check: () => void): void {
  try {
    check()
  } catch (cause) {
    throw new RangeError(`line ${line}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

function readObject(line: string): Json {
  const json: unknown = JSON.parse(line)
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new RangeError('not a JSON object')
  return json as Json
}

function checkOrigin({ package: name, version, released }: Json): void {
  for (const text of [name, version])
    if (typeof text !== 'string' || text === '') throw new RangeError('no origin')
  if (typeof released !== 'string' || !isDay(released))
    throw new RangeError('`released` is not a day, YYYY-MM-DD')
}

function checkVendor({ vendor, fallback = [] }: Json): void {
  if (typeof vendor !== 'string' || vendor === '') throw new RangeError('`vendor` is not a name')
  if (!Array.isArray(fallback) || fallback.some(name => typeof name !== 'string'))
    throw new RangeError('`fallback` is not a list of vendors')
}

function checkModel({ model, match, prices }: Json): void {
  if (typeof model !== 'string' || model === '') throw new RangeError('neither a vendor nor a model')
  if (!isMatch(match)) throw new RangeError(`\`match\` of ${model} says no names`)
  if (!Array.isArray(prices)) throw new RangeError(`\`prices\` of ${model} is not a list`)
  for (const price of prices) checkPrice(price)
}

function checkPrice(price: unknown): void {
  const { from, daily, rates, fees = {} } = readObject(JSON.stringify(price))
  if (from !== undefined && !(typeof from === 'string' && isDay(from)))
    throw new RangeError('`from` is not a day')
  if (daily !== undefined && !isHours(daily)) throw new RangeError('`daily` is not two times of day')
  if (typeof rates !== 'object' || rates === null) throw new RangeError('a price without `rates`')
  const stranger = Object.keys(rates).find(kind => !usageKinds.some(known => known === kind))
  if (stranger !== undefined) throw new RangeError(`\`${stranger}\` is no kind of tokens`)
  for (const rate of Object.values(rates))
    if (!isWritten(rate)) throw new RangeError('a rate is not a decimal text')
  readRates(rates as Readonly<Record<string, WrittenRate>>)
  for (const [fee, usd] of Object.entries(fees as object)) {
    if (fee !== 'request' && fee !== 'webSearches' && fee !== 'images')
      throw new RangeError(`\`${fee}\` is no fee`)
    parseUsdPerThousand(String(usd))
  }
}

function isWritten(rate: unknown): boolean {
  if (typeof rate === 'string') return true
  if (typeof rate !== 'object' || rate === null) return false
  const { base, tiers } = rate as Json
  if (typeof base !== 'string' || !Array.isArray(tiers)) return false
  return tiers.every(
    tier =>
      typeof tier?.price === 'string' &&
      Number.isSafeInteger(tier.aboveInputTokens) &&
      tier.aboveInputTokens > 0,
  )
}

function isMatch(match: unknown): match is Match {
  if (typeof match !== 'object' || match === null) return false
  const [entry, ...more] = Object.entries(match)
  if (!entry || more.length > 0) return false
  const [how, what] = entry
  if (how === 'or' || how === 'and') return Array.isArray(what) && what.length > 0 && what.every(isMatch)
  if (typeof what !== 'string') return false
  if (how === 'regex') return new RegExp(what) instanceof RegExp
  return how === 'equals' || how === 'starts_with' || how === 'ends_with' || how === 'contains'
}

function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text))
}

function isHours(daily: unknown): boolean {
  return (
    Array.isArray(daily) &&
    daily.length === 2 &&
    daily.every(time => typeof time === 'string' && !Number.isNaN(Date.parse(`1970-01-01T${time}Z`)))
  )
}
