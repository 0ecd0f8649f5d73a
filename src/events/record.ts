import {
  type Attempt,
  type Bill,
  boundedName,
  type Call,
  type CallStatus,
  type Counts,
  targetName,
  totalInput,
  totalOutput,
} from '#exchange'
import { isoTime } from '#platform'
import type { Exchange } from './exchange.ts'

/** A call as the `calls` table keeps it; names are its columns. Absent is null. */
export interface CallRow {
  id: string
  started_at: string
  ended_at?: string
  status: CallStatus
  code?: string
  organization: string
  project: string
  key_id: string
  key_name: string
  user_id?: string
  feature?: string
  tags?: readonly string[]
  environment?: string
  class: string
  dialect: string
  operation?: string
  path?: string
  model?: string
  target?: string
  stream: boolean
  total_ms?: number
  first_token_ms?: number
  input_tokens?: number
  cached_input_tokens?: number
  cache_write_tokens?: number
  output_tokens?: number
  reasoning_tokens?: number
  usage?: Record<string, number>
  usage_source?: string
  cost_pico_usd?: string
  price_state?: string
  skips?: SkipRow[]
  degraded?: string
  /** The call whose answer was given again. */
  repeats?: string
  attempts: AttemptRow[]
}

/** A target that was passed over, as it stands in `calls.skips`, and in the API. */
export interface SkipRow {
  target: string
  reason: string
}

/** An attempt as it stands in `calls.attempts`, and in the API. */
export interface AttemptRow {
  n: number
  target: string
  started_at: string
  ended_at?: string
  status: string
  http_status?: number
  code?: string
  reason?: string
  failure?: string
  lost_race?: boolean
  provider_request_id?: string
  first_token_ms?: number
  skipped_events?: number
  usage?: Record<string, number>
  usage_source?: string
  usage_doubt?: string
  cost_pico_usd?: string
  /** What the provider's prompt cache spared. */
  cache_saved_pico_usd?: string
  price?: string
  tier?: string
  /** What the provider itself says. */
  provider_cost_pico_usd?: string
  /** What was held for it, and what budgets count of it. */
  hold?: AmountsRow & { at: string }
  counts?: AmountsRow
}

/** Absent cost: nothing that applies is counted in money. */
export interface AmountsRow {
  cost_pico_usd?: string
  input_tokens: number
  output_tokens: number
}

export type CallDescription = Omit<CallRow, 'status' | 'attempts'>

/** What is known of a call from its beginning: the part that its intents and its end have in common. */
function describeCall(call: Call): CallDescription {
  const { caller } = call
  const asked = call.asked.ok ? call.asked.value : undefined
  return {
    id: uuidOf(call.id),
    started_at: isoTime(call.startedAtMs),
    organization: caller.organization,
    project: caller.project,
    key_id: caller.keyId,
    key_name: caller.keyName,
    class: call.class,
    dialect: call.dialect,
    stream: asked?.stream ?? false,
    // By the names that budgets count them by.
    ...(call.user !== undefined && { user_id: boundedName(call.user) }),
    ...(call.feature !== undefined && { feature: boundedName(call.feature) }),
    ...(call.tags.length > 0 && { tags: call.tags }),
    ...(call.environment !== undefined && { environment: call.environment }),
    ...(asked && { operation: asked.operation }),
    ...(asked?.passthrough && { path: clean(`${asked.passthrough.method} ${asked.passthrough.path}`) }),
    ...(asked && asked.model !== '' && { model: boundedName(asked.model) }),
  }
}

/** What is counted of an attempt that is over, as its call's next one goes on record. */
export interface EarlierRow extends AmountsRow {
  n: number
}

/**
 * A call on its way, as one attempt of it goes on record: JSON of a `CallRow`, and of what is known of `earlier` ones.
 * Should the process die, no more is counted of those than was held.
 */
export function renderIntent(exchange: Exchange, attempt: Attempt): string {
  exchange.description ??= describeCall(exchange.call)
  const row: CallRow & { earlier?: EarlierRow[] } = {
    ...exchange.description,
    status: 'running',
    attempts: [describeAttempt(attempt)],
  }
  if (attempt.n > 1) row.earlier = exchange.attempts.flatMap(describeEarlier)
  return JSON.stringify(row)
}

function describeEarlier({ n, endedAtMs, counts }: Attempt): EarlierRow[] {
  return endedAtMs === undefined || !counts ? [] : [{ n, ...describeAmounts(counts) }]
}

/** A call that has ended. */
export function describeEnd(exchange: Exchange, endedAtMs: number): CallRow {
  const end: CallRow = {
    ...(exchange.description ?? describeCall(exchange.call)),
    status: exchange.status,
    ended_at: isoTime(endedAtMs),
    total_ms: Math.max(0, Math.round(endedAtMs - exchange.call.startedAtMs)),
    attempts: exchange.attempts.map(describeAttempt),
  }
  if (exchange.fault) end.code = exchange.fault.code
  const last = exchange.decisive
  if (last) end.target = clean(targetName(last.target))
  if (last?.firstTokenMs !== undefined) end.first_token_ms = last.firstTokenMs
  if (exchange.skips.length > 0) {
    end.skips = exchange.skips.map(({ target, reason }) => ({ target: clean(targetName(target)), reason }))
  }
  if (exchange.degraded !== undefined) end.degraded = clean(exchange.degraded)
  if (exchange.repeats !== undefined) end.repeats = uuidOf(exchange.repeats)
  if (exchange.settlement) describeSettlement(end, exchange.settlement)
  return end
}

function describeSettlement(
  row: CallRow,
  { usage, usageSource, costPicoUsd, priced }: NonNullable<Exchange['settlement']>,
): void {
  if (usageSource !== undefined) {
    row.usage_source = usageSource
    row.usage = usage
    row.input_tokens = totalInput(usage)
    row.output_tokens = totalOutput(usage)
    row.cached_input_tokens = (usage.cachedInput ?? 0) + (usage.cachedAudioInput ?? 0)
    row.cache_write_tokens = (usage.cacheWrite5m ?? 0) + (usage.cacheWrite1h ?? 0)
    row.reasoning_tokens = usage.reasoning ?? 0
  }
  row.price_state = priced
  if (costPicoUsd !== undefined) row.cost_pico_usd = costPicoUsd.toString()
}

function describeAttempt(attempt: Attempt): AttemptRow {
  const row: AttemptRow = {
    n: attempt.n,
    target: clean(targetName(attempt.target)),
    started_at: isoTime(attempt.startedAtMs),
    status: attempt.status,
  }
  if (attempt.endedAtMs !== undefined) row.ended_at = isoTime(attempt.endedAtMs)
  if (attempt.httpStatus !== undefined) row.http_status = attempt.httpStatus
  if (attempt.code !== undefined) row.code = attempt.code
  if (attempt.reason !== undefined) row.reason = attempt.reason
  if (attempt.failure !== undefined) row.failure = attempt.failure
  if (attempt.lostRace) row.lost_race = true
  if (attempt.providerRequestId !== undefined) row.provider_request_id = clean(attempt.providerRequestId)
  if (attempt.firstTokenMs !== undefined) row.first_token_ms = attempt.firstTokenMs
  if (attempt.skippedEvents !== undefined) row.skipped_events = attempt.skippedEvents
  if (attempt.usage !== undefined) row.usage = attempt.usage
  if (attempt.usageSource !== undefined) row.usage_source = attempt.usageSource
  if (attempt.costPicoUsd !== undefined) row.cost_pico_usd = attempt.costPicoUsd.toString()
  if (attempt.cacheSavedPicoUsd !== undefined) row.cache_saved_pico_usd = attempt.cacheSavedPicoUsd.toString()
  if (attempt.price !== undefined) row.price = attempt.price
  if (attempt.bill) describeBill(row, attempt.bill)
  if (attempt.hold) row.hold = { at: isoTime(attempt.hold.atMs), ...describeAmounts(attempt.hold) }
  if (attempt.counts) row.counts = describeAmounts(attempt.counts)
  return row
}

function describeAmounts({ inputTokens, outputTokens, picoUsd }: Counts): AmountsRow {
  return {
    ...(picoUsd !== undefined && { cost_pico_usd: picoUsd.toString() }),
    input_tokens: inputTokens,
    output_tokens: outputTokens,
  }
}

function describeBill(row: AttemptRow, { tier, picoUsd, doubt }: Bill): void {
  if (tier !== undefined) row.tier = tier
  if (picoUsd !== undefined) row.provider_cost_pico_usd = picoUsd.toString()
  if (doubt !== undefined) row.usage_doubt = doubt
}

/** `call_` and 32 hex digits → the UUID they are; Postgres needs no dashes. */
export function uuidOf(callId: string): string {
  return callId.slice('call_'.length)
}

export function callIdOf(uuid: string): string {
  return `call_${uuid.replaceAll('-', '')}`
}

const longest = 256

/**
 * Text from outside, as it can stand in a column and a log line: Postgres has no NUL and no lone surrogates, and
 * nobody needs control characters or ten kilobytes of a name.
 */
function clean(text: string): string {
  const plain = /[\p{Cc}\p{Cs}]/u.test(text) ? text.replace(/[\p{Cc}\p{Cs}]/gu, '\ufffd') : text
  return plain.length > longest ? `${plain.slice(0, longest - 1).toWellFormed()}…` : plain
}
