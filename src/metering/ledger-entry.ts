import { totalInput, totalOutput, type Usage, unitKinds, usageKinds } from '#exchange'

/** A call as the call log keeps it, as far as money is concerned. */
export interface LedgerCall {
  id: string
  organization: string
  project: string
  tags?: readonly string[]
  attempts: readonly LedgerAttempt[]
}

/** One request to a provider, likewise. Amounts are pico-dollars, as decimal text. */
export interface LedgerAttempt {
  n: number
  target: string
  started_at: string
  ended_at?: string
  status: string
  reason?: string
  lost_race?: boolean
  usage?: Record<string, number>
  usage_source?: string
  cost_pico_usd?: string
  price?: string
  tier?: string
  provider_cost_pico_usd?: string
  cache_saved_pico_usd?: string
  /** What was held for it before it was made. */
  hold?: Amounts & { at?: string }
  /** What budgets count of it. */
  counts?: Amounts
}

interface Amounts {
  cost_pico_usd?: string
  input_tokens: number
  output_tokens: number
}

export type EntryKind = 'post' | 'void' | 'adjust'
export type EntryRole = 'answer' | 'retry' | 'fail_over' | 'hedge'
export type EntrySource = 'provider' | 'estimate' | 'unknown' | 'hold'

/** What one attempt came to; names are columns of `ledger`. Undefined is null: not known. */
export interface Entry {
  attempt: number
  kind: EntryKind
  held_at: string
  event_at: string | undefined
  target: string
  role: EntryRole
  source: EntrySource
  usage: Record<string, number> | undefined
  input_tokens: number | undefined
  output_tokens: number | undefined
  held_pico_usd: string | undefined
  cost_pico_usd: string | undefined
  counted_pico_usd: string | undefined
  counted_input_tokens: number | undefined
  counted_output_tokens: number | undefined
  charge_pico_usd: string | undefined
  price: string | undefined
  tier: string | undefined
  provider_cost_pico_usd: string | undefined
  cache_saved_pico_usd: string | undefined
}

/** What a tenant is charged for what a provider bills us; pico-dollars. */
export type ChargeOf = (costPicoUsd: bigint, organization: string, project: string) => bigint

/** One entry for each attempt of a call that has ended. The outcome depends on the call alone. */
export function entriesOf(call: LedgerCall, chargeOf: ChargeOf): Entry[] {
  if (call.attempts.length === 0) return []
  const answering = decisive(call.attempts)
  return call.attempts.map((attempt, at) => {
    const role = attempt === answering ? 'answer' : roleOf(attempt, call.attempts.slice(at + 1))
    return entryOf(call, attempt, { role, chargeOf })
  })
}

function entryOf(
  call: LedgerCall,
  attempt: LedgerAttempt,
  { role, chargeOf }: { role: EntryRole; chargeOf: ChargeOf },
): Entry {
  const { usage, hold, cost_pico_usd: known } = attempt
  const isVoid = usedNothing(attempt)
  const cost = isVoid ? '0' : known
  const counted = isVoid ? (attempt.counts ?? nothing) : countsOf(attempt)
  return {
    attempt: attempt.n,
    kind: isVoid ? 'void' : 'post',
    held_at: hold?.at ?? attempt.started_at,
    event_at: attempt.ended_at,
    target: attempt.target,
    role,
    source: sourceOf(attempt, isVoid),
    usage,
    input_tokens: isVoid ? 0 : usage && totalInput(usage as Usage),
    output_tokens: isVoid ? 0 : usage && totalOutput(usage as Usage),
    held_pico_usd: hold?.cost_pico_usd,
    cost_pico_usd: cost,
    counted_pico_usd: counted.cost_pico_usd,
    counted_input_tokens: counted.input_tokens,
    counted_output_tokens: counted.output_tokens,
    charge_pico_usd:
      role === 'answer' ? cost && chargeOf(BigInt(cost), call.organization, call.project).toString() : '0',
    price: attempt.price,
    tier: attempt.tier,
    provider_cost_pico_usd: attempt.provider_cost_pico_usd,
    cache_saved_pico_usd: attempt.cache_saved_pico_usd,
  }
}

const nothing: Partial<Amounts> = { cost_pico_usd: '0', input_tokens: 0, output_tokens: 0 }

/** What it came to, where that is known; else what was held, so that a budget is never given back what may be owed. */
function countsOf({ usage, hold, counts, cost_pico_usd }: LedgerAttempt): Partial<Amounts> {
  const picoUsd = counts?.cost_pico_usd ?? cost_pico_usd ?? hold?.cost_pico_usd
  const used = usage && {
    input_tokens: totalInput(usage as Usage),
    output_tokens: totalOutput(usage as Usage),
  }
  return { ...(hold ?? {}), ...used, ...counts, ...(picoUsd !== undefined && { cost_pico_usd: picoUsd }) }
}

/**
 * A provider that failed and reported nothing is not paid, as in `settle`. Whatever has a cost was used, by whatever
 * it is measured.
 */
function usedNothing({ usage, status, usage_source, cost_pico_usd = '0' }: LedgerAttempt): boolean {
  if (cost_pico_usd !== '0') return false
  if (usage) return [...usageKinds, ...unitKinds].every(kind => !usage[kind])
  return status === 'failed' && usage_source !== 'unknown'
}

function sourceOf({ usage, usage_source }: LedgerAttempt, isVoid: boolean): EntrySource {
  if (isVoid) return 'provider'
  return usage && (usage_source === 'provider' || usage_source === 'estimate') ? usage_source : 'unknown'
}

/** The attempt that the outcome comes from, and that the tenant is charged: as `Exchange.decisive` has it. */
function decisive(attempts: readonly LedgerAttempt[]): LedgerAttempt | undefined {
  if (attempts.length === 1) return attempts[0]
  const inRace = attempts.filter(({ lost_race }) => !lost_race)
  const answering = inRace.findLast(({ status }) => status === 'running' || status === 'succeeded')
  return answering ?? inRace.reduce<LedgerAttempt | undefined>(lastToEnd, undefined)
}

function lastToEnd(last: LedgerAttempt | undefined, attempt: LedgerAttempt): LedgerAttempt {
  return last && (last.ended_at ?? '') > (attempt.ended_at ?? '') ? last : attempt
}

/** Why an attempt that does not answer is ours to pay: it lost a race, or another one had to be made after it. */
function roleOf(attempt: LedgerAttempt, later: readonly LedgerAttempt[]): EntryRole {
  if (attempt.lost_race || attempt.reason === 'hedge') return 'hedge'
  const instead = [...later, attempt].find(({ reason }) => reason === 'retry' || reason === 'fail_over')
  return instead?.reason === 'retry' ? 'retry' : 'fail_over'
}
