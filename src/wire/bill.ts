import type { Bill } from '#exchange'
import { isObject } from './json-body.ts'
import { isCount } from './token-count.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * What a usage report says beside its counts, and whether they can be believed. `tier` is the service tier in the
 * provider's words. Undefined where there is nothing to say.
 */
export function readBill(report: unknown, tier?: unknown): Bill | undefined {
  const served = readTierWord(tier)
  const charge = isObject(report) ? readCharge(report) : undefined
  const picoUsd = charge !== undefined && charge <= mostPicoUsd ? charge : undefined
  const doubt = isObject(report) ? doubtOf(report) : undefined
  if (served === undefined && picoUsd === undefined && doubt === undefined) return undefined
  return {
    ...(served !== undefined && { tier: served }),
    ...(picoUsd !== undefined && { picoUsd }),
    ...(doubt !== undefined && { doubt }),
  }
}

/** What a request asks for: `auto` leaves it to the provider's own settings. */
export function askedTier(word: unknown): { tier?: string } {
  const tier = readTierWord(word)
  return tier === undefined || tier === 'auto' || tier === 'unspecified' ? {} : { tier }
}

/** What is said later stands; what is not said again stands as it was. */
export function mergeBills(earlier: Bill | undefined, later: Bill | undefined): Bill | undefined {
  return earlier && later ? { ...earlier, ...later } : (later ?? earlier)
}

/** The bill of an answer that says its tier in a place of its own: only another one, with a price of its own, stays. */
export function withoutTier(bill: Bill | undefined, serviceTier: string | undefined): Bill | undefined {
  if (bill?.tier === undefined || bill.tier !== readTierWord(serviceTier)) return bill
  const { tier: _tier, ...rest } = bill
  return Object.keys(rest).length > 0 ? rest : undefined
}

/** The usual tier is called `default`, as OpenAI does; other words are kept where they are such. */
function readTierWord(word: unknown): string | undefined {
  if (typeof word !== 'string' || !/^[a-z][a-z0-9_+-]{0,31}$/i.test(word)) return undefined
  const tier = word.toLowerCase()
  return tier === 'standard' ? 'default' : tier
}

/**
 * What the provider itself charges. xAI counts ticks of 10^-10 dollars (docs.x.ai, "Cost Tracking"); OpenRouter says
 * dollars, and with a caller's own key what that provider takes beside it (openrouter.ai/docs, "Usage Accounting");
 * Perplexity itemises and adds up; DeepInfra estimates.
 */
function readCharge(report: Json): bigint | undefined {
  const { cost, cost_in_usd_ticks: ticks } = report
  if (typeof ticks === 'number') {
    return Number.isSafeInteger(ticks) && ticks >= 0 ? BigInt(ticks) * picoUsdPerTick : undefined
  }
  if (isObject(cost)) return readDollars(cost.total_cost)
  const own = readDollars(cost ?? report.estimated_cost)
  if (own === undefined || report.is_byok !== true || !isObject(report.cost_details)) return own
  const theirs = readDollars(report.cost_details.upstream_inference_cost)
  return theirs === undefined ? own : own + theirs
}

const picoUsdPerTick = 100n
/** A million dollars: no request costs that much, and where we have no price it would use up every budget. */
const mostPicoUsd = 10n ** 18n
const picoDigits = 12

/** Dollars as a JSON number or a decimal, to the nearest pico-dollar: the shortest decimal of the number is what was meant. */
export function readDollars(value: unknown): bigint | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined
  const [, whole = '', fraction = '', exponent = '0'] =
    /^(\d{1,12})(?:\.(\d{1,30}))?(?:e([+-]?\d{1,2}))?$/.exec(String(value)) ?? []
  if (whole === '') return undefined
  const places = picoDigits + Number(exponent) - fraction.length
  const digits = BigInt(whole + fraction)
  if (places >= 0) return places > 30 ? undefined : digits * 10n ** BigInt(places)
  const divisor = 10n ** BigInt(-places)
  return (digits + divisor / 2n) / divisor
}

function doubtOf(report: Json): Bill['doubt'] {
  if (!hasOnlyCounts(report)) return 'refused'
  return contradicts(report) ? 'contradicts' : undefined
}

const deepest = 4

/**
 * Whether all that is called a number of tokens in a report is one: a whole number from 0 to a billion. A report with
 * a count that is negative, broken or too large is not believed in anything.
 */
export function hasOnlyCounts(report: unknown, depth = 0): boolean {
  if (typeof report !== 'object' || report === null || depth > deepest) return true
  for (const [name, value] of Object.entries(report)) {
    if (value === null || value === undefined) continue
    if (typeof value === 'object') {
      if (!hasOnlyCounts(value, depth + 1)) return false
    } else if (countName.test(name) && !isCount(value)) return false
  }
  return true
}

/** `prompt_tokens`, `inputTokens`, `promptTokenCount`, `tokenCount`, `web_search_requests`, `num_search_queries`. */
const countName = /(?:tokens|token_?count|_requests|_queries)$/i

/** Details that are more than the total they belong to, totals that are less than their parts. */
function contradicts(report: Json): boolean {
  const { total_tokens: total } = report
  for (const [whole, details] of wholes) {
    const most = report[whole]
    const parts = report[details]
    if (typeof most !== 'number' || !isObject(parts)) continue
    const reasoning = whole.startsWith('prompt') || whole.startsWith('input') ? 0 : hiddenIn(report)
    if (Object.values(parts).some(part => typeof part === 'number' && part > most + reasoning)) return true
  }
  const sum = sumOf(
    report.prompt_tokens ?? report.input_tokens,
    report.completion_tokens ?? report.output_tokens,
  )
  if (typeof total === 'number' && sum !== undefined && total < sum) return true
  const { promptTokenCount: prompt, cachedContentTokenCount: cached } = report
  return typeof prompt === 'number' && typeof cached === 'number' && cached > prompt
}

const wholes = [
  ['prompt_tokens', 'prompt_tokens_details'],
  ['completion_tokens', 'completion_tokens_details'],
  ['input_tokens', 'input_tokens_details'],
  ['output_tokens', 'output_tokens_details'],
] as const

/** Reasoning that only the total has, at xAI and Google. */
function hiddenIn(report: Json): number {
  const sum = sumOf(report.prompt_tokens, report.completion_tokens)
  return typeof report.total_tokens === 'number' && sum !== undefined
    ? Math.max(0, report.total_tokens - sum)
    : 0
}

function sumOf(input: unknown, output: unknown): number | undefined {
  return typeof input === 'number' && typeof output === 'number' ? input + output : undefined
}
