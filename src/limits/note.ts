import type { Take } from './reservation.ts'
import { mostOf, type Rule, thresholdOf } from './rule.ts'
import type { Counted } from './store.ts'

/** Where a budget stands for one subject. Made for each call and mostly passed over: what takes longer waits until it is asked for. */
class BudgetStanding {
  readonly #rule: Rule
  readonly #subject: string
  readonly windowKey: string
  readonly startMs: number
  readonly endMs: number
  readonly spent: bigint
  readonly most: bigint
  readonly nowMs: number
  /** A call was refused for want of what is left. */
  readonly refused: boolean

  constructor(
    { rule, subject }: Take,
    spent: bigint,
    { nowMs, isRefused }: { nowMs: number; isRefused: boolean },
  ) {
    this.#rule = rule
    this.#subject = subject
    const { key, startMs, endMs } = rule.window.at(nowMs)
    this.windowKey = key
    this.startMs = startMs
    this.endMs = endMs
    this.spent = spent
    this.most = mostOf(rule, subject, nowMs)
    this.nowMs = nowMs
    this.refused = isRefused
  }

  get rule(): string {
    return this.#rule.id
  }
  get name(): string {
    return this.#rule.name
  }
  get unit(): Rule['unit'] {
    return this.#rule.unit
  }
  get subject(): string {
    return this.#rule.per.length === 0 ? '' : this.#subject
  }
  get organization(): string | undefined {
    const { visible, per } = this.#rule
    return visible && per.length > 0 ? this.#subject.split('/', 1)[0] : undefined
  }
  /** Amounts at which its owner wants to hear of it. */
  get alertAt(): readonly bigint[] {
    return this.#rule.soft.map(step => thresholdOf(step, this.most))
  }
}

/** For those who watch budgets; undefined for a limit. */
export function noteOf(
  take: Take,
  { spent }: Counted,
  moment: { nowMs: number; isRefused: boolean },
): BudgetStanding | undefined {
  return take.rule.kind === 'budget' ? new BudgetStanding(take, spent, moment) : undefined
}
