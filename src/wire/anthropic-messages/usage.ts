import { type Bill, totalOutput, type Usage, usageKinds } from '#exchange'
import { hasOnlyCounts, readBill } from '../bill.ts'
import { isObject } from '../json-body.ts'
import { notOfNothing, readCount } from '../token-count.ts'

type Report = Readonly<Record<string, unknown>>

/**
 * Anthropic's usage report as disjoint kinds. `input_tokens` leaves cached tokens out, `output_tokens` contains the
 * thinking (Messages API, `Usage`). The breakdown by lifetime is cut to `cache_creation_input_tokens`; what it does
 * not account for was written for five minutes, the default. Undefined when there is no report, or one of zeros alone.
 */
export function readMessagesUsage(report: unknown): Usage | undefined {
  const usage = readCounts(report)
  if (!usage || !isObject(report) || !Array.isArray(report.iterations)) return notOfNothing(usage)
  return notOfNothing(report.iterations.filter(isCompaction).map(readCounts).reduce(addUsage, usage))
}

/**
 * Summing up a conversation that has grown too long is billed like the answer, and is not in its counts (SDK types,
 * `BetaIterationsUsage`; recorded: 0 tokens in the totals, 83,555 in the compaction). Nor is what an advisor said, but
 * that is another model, at another price.
 */
function isCompaction(iteration: unknown): boolean {
  return isObject(iteration) && iteration.type === 'compaction'
}

function addUsage(sum: Usage | undefined, more: Usage | undefined): Usage {
  const total: Usage = { ...sum }
  for (const kind of usageKinds) {
    const tokens = (total[kind] ?? 0) + (more?.[kind] ?? 0)
    if (tokens > 0) total[kind] = tokens
  }
  return total
}

function readCounts(report: unknown): Usage | undefined {
  if (!isObject(report)) return undefined
  const input = readCount(report, 'input_tokens')
  const total = readCount(report, 'output_tokens')
  if ((input === undefined && total === undefined) || !hasOnlyCounts(report)) return undefined
  const lifetimes = isObject(report.cache_creation) ? report.cache_creation : {}
  const oneHour = readCount(lifetimes, 'ephemeral_1h_input_tokens') ?? 0
  const fiveMinutes = readCount(lifetimes, 'ephemeral_5m_input_tokens') ?? 0
  const written = readCount(report, 'cache_creation_input_tokens') ?? oneHour + fiveMinutes
  const cacheWrite1h = Math.min(oneHour, written)
  const details = isObject(report.output_tokens_details) ? report.output_tokens_details : {}
  const tools = isObject(report.server_tool_use) ? report.server_tool_use : {}
  const reasoning = Math.min(readCount(details, 'thinking_tokens') ?? 0, total ?? 0)
  return withoutZeros({
    input,
    cachedInput: readCount(report, 'cache_read_input_tokens'),
    cacheWrite5m: written - cacheWrite1h,
    cacheWrite1h,
    output: (total ?? 0) - reasoning,
    reasoning,
    webSearches: readCount(tools, 'web_search_requests'),
  })
}

/** The report so far: counts in a stream are totals, and those that are left out or null stand as they were. */
export function mergeReports(earlier: Report | undefined, later: unknown): Report | undefined {
  if (!isObject(later)) return earlier
  const said = Object.entries(later).filter(([, value]) => value !== null && value !== undefined)
  return { ...earlier, ...Object.fromEntries(said) }
}

function withoutZeros(usage: { [K in keyof Usage]: number | undefined }): Usage {
  return Object.fromEntries(Object.entries(usage).filter(([, tokens]) => tokens !== undefined && tokens > 0))
}

/**
 * Usage as a caller of this dialect is told it. Kinds that Anthropic does not know count with their neighbours. The
 * lifetimes stand in a stream's last report too: where a provider counts only at the end, the first one lacks them.
 */
export function writeMessagesUsage(usage: Usage): Record<string, unknown> {
  const { cacheWrite5m = 0, cacheWrite1h = 0 } = usage
  return {
    input_tokens: (usage.input ?? 0) + (usage.audioInput ?? 0) + (usage.imageInput ?? 0),
    cache_creation_input_tokens: cacheWrite5m + cacheWrite1h,
    cache_creation: { ephemeral_5m_input_tokens: cacheWrite5m, ephemeral_1h_input_tokens: cacheWrite1h },
    cache_read_input_tokens: (usage.cachedInput ?? 0) + (usage.cachedAudioInput ?? 0),
    output_tokens: totalOutput(usage),
    output_tokens_details: { thinking_tokens: usage.reasoning ?? 0 },
    server_tool_use: null,
  }
}

/** What stands in a whole answer and in `message_start`: with how the request was served. */
export function writeWholeUsage(usage: Usage, serviceTier: string | undefined): Record<string, unknown> {
  return {
    ...writeMessagesUsage(usage),
    service_tier: writeTier(serviceTier),
    inference_geo: null,
    speed: null,
  }
}

export function readTier(report: unknown): { serviceTier?: string } {
  const tier = isObject(report) ? report.service_tier : undefined
  if (typeof tier !== 'string') return {}
  return { serviceTier: tier === 'standard' ? 'default' : tier }
}

/**
 * How the request was served, as far as its price depends on it: the tier, the speed (`fast` has prices of its own),
 * and whether only the United States may serve it (`inference_geo`), which has a surcharge.
 */
export function readMessagesBill(report: unknown): Bill | undefined {
  if (!isObject(report)) return undefined
  const tier = report.speed === 'fast' ? 'fast' : readTier(report).serviceTier
  if (report.inference_geo !== 'us') return readBill(report, tier)
  return readBill(report, tier === undefined || tier === 'default' ? 'us' : `${tier}+us`)
}

function writeTier(tier: string | undefined): string | null {
  if (tier === 'default') return 'standard'
  return tier === 'priority' || tier === 'batch' ? tier : null
}
