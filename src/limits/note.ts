import type { Take } from './reservation.ts'
import { mostOf, type Rule, thresholdOf } from './rule.ts'
import type { Counted } from './store.ts'

/** Where a budget stands for one subject. */
export interface BudgetStanding {
  rule: string
  name: string
  subject: string
  windowKey: string
  startMs: number
  endMs: number
  spent: bigint
  most: bigint
  nowMs: number
  unit: Rule['unit']
  organization: string | undefined
  /** Amounts at which its owner wants to hear of it. */
  alertAt: readonly bigint[]
  /** A call was refused for want of what is left. */
  refused: boolean
}

/** For those who watch budgets; undefined for a limit. */
export function noteOf(
  { rule, subject }: Take,
  { spent }: Counted,
  { nowMs, isRefused }: { nowMs: number; isRefused: boolean },
): BudgetStanding | undefined {
  if (rule.kind !== 'budget') return undefined
  const { key, startMs, endMs } = rule.window.at(nowMs)
  const most = mostOf(rule, subject, nowMs)
  return {
    rule: rule.id,
    name: rule.name,
    subject: rule.per.length === 0 ? '' : subject,
    windowKey: key,
    startMs,
    endMs,
    spent,
    most,
    nowMs,
    unit: rule.unit,
    organization: rule.visible && rule.per.length > 0 ? subject.split('/', 1)[0] : undefined,
    alertAt: rule.soft.map(step => thresholdOf(step, most)),
    refused: isRefused,
  }
}
