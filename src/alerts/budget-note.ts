/** Where a budget stands for one subject, as often as it changes. */
export interface BudgetNote {
  /** Id of the rule; the same for as long as it is the same in its owner's eyes. */
  rule: string
  name: string
  /** Whose counter it is; empty or `all` where all are counted together. */
  subject: string
  /** Tells the windows of a rule apart; of a rolling one it may stay the same. */
  windowKey: string
  startMs: number
  /**
   * Infinite where the budget does not renew; of a rolling window `nowMs`. What is told of a window that was over
   * before that is passed over: it is no news.
   */
  endMs: number
  /** In the rule's unit. What is held is not in it. */
  spent: bigint
  /** What it allows, with what is added for a time. */
  most: bigint
  nowMs: number
  /** `usd` (amounts are pico-dollars) when absent. */
  unit?: string | undefined
  /** For filters of destinations. */
  organization?: string | undefined
  /** Amounts at which the owner wants to hear of it besides. */
  alertAt?: readonly bigint[] | undefined
  /** A call was refused for want of what is left: the budget counts as reached, though nothing fills the rest. */
  refused?: boolean | undefined
}
