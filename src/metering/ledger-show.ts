import { type Static, Type } from 'typebox'
import { formatUsd } from '#exchange'
import { oneOf } from './cost-question.ts'
import type { LedgerRow, OpenHold } from './ledger-read.ts'

export const kinds = ['hold', 'post', 'void', 'adjust'] as const

const textOrNull = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description })
const countOrNull = (description: string) =>
  Type.Unsafe<number | null>({ type: ['number', 'null'], description })

export const entryShape = Type.Object({
  object: Type.Literal('ledger_entry'),
  seq: countOrNull('Order in which entries were written; null: an attempt under way.'),
  kind: oneOf(kinds, 'What was held, what it came to, that it came to nothing, or a correction.'),
  call: Type.String(),
  attempt: Type.Integer(),
  revision: Type.Integer({
    description: '0: first written; 1: set right by the true end; more: adjustments.',
  }),
  held_at: Type.String({ description: 'When it was held: it belongs to the windows of that moment.' }),
  event_at: textOrNull('When the provider was done.'),
  recorded_at: textOrNull('When the entry was written.'),
  organization: Type.String(),
  project: Type.String(),
  key: Type.Object({ id: Type.String(), name: Type.String() }),
  user: textOrNull('The end user.'),
  feature: textOrNull('The feature.'),
  model: textOrNull('The name that was asked for.'),
  target: Type.String(),
  role: textOrNull('`answer`, or why it is our cost alone: `retry`, `fail_over`, `hedge`.'),
  source: textOrNull('Who says so: `provider`, `estimate`, `unknown`, or `hold`: nobody knows its end.'),
  input_tokens: countOrNull('Input tokens; of a hold, at most.'),
  output_tokens: countOrNull('Output tokens; of a hold, at most.'),
  usage: Type.Unsafe<object | null>({ type: ['object', 'null'], description: 'Tokens by kind.' }),
  held_usd: textOrNull('Of a hold: what was held.'),
  cost_usd: textOrNull('What the provider bills. Null: not known.'),
  counted_usd: textOrNull('What budgets count.'),
  charge_usd: textOrNull('What the tenant is charged.'),
  cache_saved_usd: textOrNull(
    "What the provider's prompt cache spared of the cost; negative where writing to it cost more. Null: nothing was cached, or it is not known.",
  ),
  price: textOrNull('By which price.'),
  tier: textOrNull('In which tier of the provider.'),
  adjustment: textOrNull('Id of the adjustment.'),
  reason: textOrNull('Why it was adjusted.'),
  adjusted_by: textOrNull('The key that adjusted it.'),
})

export type Entry = Static<typeof entryShape>

/** What was held stands before what it came to: both are of one row. Newest first, so the other way round. */
export function showPair(row: LedgerRow): Entry[] {
  const entry = showEntry(row)
  if (row.held_pico_usd === null) return [entry]
  const none = {
    cost_usd: null,
    counted_usd: null,
    charge_usd: null,
    cache_saved_usd: null,
    usage: null,
    source: null,
  }
  const tokens = { input_tokens: null, output_tokens: null }
  const held = { ...entry, ...none, ...tokens, kind: 'hold' as const, held_usd: usdOf(row.held_pico_usd) }
  return [entry, held]
}

export function showEntry(row: LedgerRow): Entry {
  return {
    object: 'ledger_entry',
    seq: row.seq,
    kind: row.kind,
    call: showCall(row.call_id),
    attempt: row.attempt,
    revision: row.revision,
    held_at: row.held_at.toISOString(),
    event_at: row.event_at?.toISOString() ?? null,
    recorded_at: row.recorded_at.toISOString(),
    organization: row.organization,
    project: row.project,
    key: { id: row.key_id, name: row.key_name },
    user: row.user_id,
    feature: row.feature,
    model: row.model,
    target: row.target,
    role: row.role,
    source: row.source,
    input_tokens: row.input_tokens,
    output_tokens: row.output_tokens,
    usage: row.usage,
    held_usd: null,
    cost_usd: usdOf(row.cost_pico_usd),
    counted_usd: usdOf(row.counted_pico_usd),
    charge_usd: usdOf(row.charge_pico_usd),
    cache_saved_usd: usdOf(row.cache_saved_pico_usd),
    price: row.price,
    tier: row.tier,
    adjustment: row.adjustment_id,
    reason: row.reason,
    adjusted_by: row.adjusted_by,
  }
}

export function showOpen(hold: OpenHold): Entry {
  return {
    object: 'ledger_entry',
    seq: null,
    kind: 'hold',
    call: showCall(hold.call_id),
    attempt: hold.attempt,
    revision: 0,
    held_at: hold.held_at.toISOString(),
    event_at: null,
    recorded_at: null,
    organization: hold.organization,
    project: hold.project,
    key: { id: hold.key_id, name: hold.key_name },
    user: hold.user_id,
    feature: hold.feature,
    model: hold.model,
    target: hold.target,
    role: null,
    source: null,
    input_tokens: hold.input_tokens,
    output_tokens: hold.output_tokens,
    usage: null,
    held_usd: usdOf(hold.held_pico_usd),
    cost_usd: null,
    counted_usd: null,
    charge_usd: null,
    cache_saved_usd: null,
    price: null,
    tier: null,
    adjustment: null,
    reason: null,
    adjusted_by: null,
  }
}

export function showCall(uuid: string): string {
  return `call_${uuid.replaceAll('-', '')}`
}

function usdOf(picoUsd: string | null): string | null {
  return picoUsd === null ? null : formatUsd(BigInt(picoUsd))
}
