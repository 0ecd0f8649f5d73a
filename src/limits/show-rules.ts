import { type Static, Type } from 'typebox'
import { formatUsd } from '#exchange'
import { isoTime } from '#platform'
import { mostOf, type Rule, type Unit } from './rule.ts'
import type { RuleEntry } from './rule-book.ts'
import type { Standing } from './rules.ts'
import type { IncreaseRow } from './store.rules.ts'

const amount = (description: string) =>
  Type.String({ description: `${description}, in \`unit\`, as an exact decimal.` })

const timeOrNull = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description: `${description}, in ISO 8601, UTC.` })

const textOrNull = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description })

const unit = Type.Unsafe<Unit>({
  type: 'string',
  enum: ['usd', 'tokens', 'input_tokens', 'output_tokens', 'requests', 'concurrent'],
  description: 'What is counted; `concurrent`: calls under way.',
})

/** What one counter stands at. */
export const counterShape = Type.Object({
  subject: Type.String({ description: 'Whose counter it is: the values of what the rule is `per`.' }),
  unit,
  most: amount('What is allowed, temporary increases included'),
  spent: amount('What calls that have ended have used'),
  held: amount('What calls under way may use at most; the rest comes back when they end'),
  left: amount('What there is room for'),
  begins_at: timeOrNull('Where the window begins; null: it has no beginning'),
  renews_at: timeOrNull('When it begins anew; null: never, or bit by bit'),
})

export const increaseShape = Type.Object({
  object: Type.Literal('increase'),
  id: Type.String(),
  rule: Type.String({ description: 'The id of the rule that allows more.' }),
  subject: textOrNull('Whose counter; null: all of the rule.'),
  amount: amount('How much more'),
  until: Type.String({ description: 'When it ends, in ISO 8601, UTC.' }),
  reason: Type.String(),
  created_at: Type.String(),
  created_by: Type.String(),
})

export type Increase = Static<typeof increaseShape>

const ruleShape = Type.Object({
  id: Type.String(),
  unit,
  most: amount('What it allows by itself'),
  window: Type.String({ description: 'Over which time it counts.' }),
  visible: Type.Boolean({
    description: 'Whether callers may hear of it: each of its counters is of one organization.',
  }),
})

export const countersShape = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(
    Type.Object({ rule: Type.String({ description: 'The id of its rule.' }), ...counterShape.properties }),
  ),
  has_more: Type.Boolean({ description: 'Whether there are counters after these.' }),
  next: Type.Optional(Type.String({ description: 'Send it as `after` to get the next page.' })),
})

export const entryShape = Type.Object({
  object: Type.Unsafe<'budget' | 'rate_limit'>({ type: 'string', enum: ['budget', 'rate_limit'] }),
  id: Type.String(),
  name: Type.String(),
  origin: Type.Unsafe<Rule['origin']>({
    type: 'string',
    enum: ['configuration', 'api'],
    description: 'Where it is changed: in the configuration file, or here.',
  }),
  version: Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    description: 'Grows with every change; send it as `if-match` to change just that one.',
  }),
  definition: Type.Unsafe<object>({ type: 'object', description: 'Its settings, as they were given.' }),
  rules: Type.Array(ruleShape),
  increases: Type.Array(increaseShape),
  created_at: timeOrNull('When it was made'),
  created_by: textOrNull('The id of the key that made it.'),
  changed_at: timeOrNull('When it was last changed'),
  changed_by: textOrNull('The id of the key that changed it last.'),
})

export type Shown = Static<typeof entryShape>

export function showEntry(entry: RuleEntry, nowMs: number): Shown {
  const { id, kind, name, origin, definition, rules, increases, row } = entry
  return {
    object: kind === 'budget' ? 'budget' : 'rate_limit',
    id,
    name,
    origin,
    version: row?.version ?? null,
    definition,
    rules: rules.map(rule => ({
      id: rule.id,
      unit: rule.unit,
      most: showAmount(rule.most, rule.unit),
      window: rule.window.name,
      visible: rule.visible,
    })),
    increases: increases
      .filter(({ until }) => until.getTime() > nowMs)
      .map(increase => showIncrease(increase, unitOf(entry, increase))),
    created_at: row?.createdAt.toISOString() ?? null,
    created_by: row?.createdBy ?? null,
    changed_at: row?.changedAt.toISOString() ?? null,
    changed_by: row?.changedBy ?? null,
  }
}

export function unitOf({ rules }: RuleEntry, { ruleId }: Pick<IncreaseRow, 'ruleId'>): Unit {
  return rules.find(({ id }) => id === ruleId)?.unit ?? 'usd'
}

export function showIncrease(row: IncreaseRow, unit: Unit): Increase {
  return {
    object: 'increase',
    id: row.id,
    rule: row.ruleId,
    subject: row.subject,
    amount: showAmount(BigInt(row.amount), unit),
    until: row.until.toISOString(),
    reason: row.reason,
    created_at: row.createdAt.toISOString(),
    created_by: row.createdBy,
  }
}

export function showCounter(
  rule: Rule,
  { subject, spent, held }: Standing,
  nowMs: number,
): Static<typeof counterShape> {
  const most = mostOf(rule, subject, nowMs)
  const left = most - spent - held
  const { startMs, endMs } = rule.window.at(nowMs)
  const isPeriod = rule.window.rolling === undefined && Number.isFinite(endMs) && endMs > nowMs
  return {
    subject,
    unit: rule.unit,
    most: showAmount(most, rule.unit),
    spent: showAmount(spent, rule.unit),
    held: showAmount(held, rule.unit),
    left: showAmount(left > 0n ? left : 0n, rule.unit),
    begins_at: isPeriod || rule.window.rolling ? isoTime(startMs) : null,
    renews_at: isPeriod ? isoTime(endMs) : null,
  }
}

/** Dollars, or how many. */
function showAmount(amount: bigint, unit: Unit): string {
  return unit === 'usd' ? formatUsd(amount) : String(amount)
}
