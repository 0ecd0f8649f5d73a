import type { BudgetNote } from './budget-note.ts'

const hourMs = 3_600_000
/** Of a window, or of what it allows: before that, its rate says nothing. */
const leastElapsed = 0.05
const leastSpent = 0.2

interface Sample {
  atMs: number
  spent: bigint
}

/** How fast a budget has been used of late: a few samples of the last hour, or of the last tenth of a shorter window. */
export class BurnRate {
  readonly #samples: Sample[] = []

  /**
   * When it will be used up, by the rate over the window so far or by that of late, whichever is sooner; undefined
   * when that is not before the window's end, or when too little is known.
   */
  look(note: BudgetNote): number | undefined {
    const { startMs, endMs, nowMs, spent, most } = note
    const recent = this.#recentRate(note)
    const elapsedMs = nowMs - startMs
    const isTelling =
      elapsedMs >= leastElapsed * (endMs - startMs) || Number(spent) >= leastSpent * Number(most)
    if (!isTelling || elapsedMs <= 0 || spent <= 0n || spent >= most) return undefined
    const rate = Math.max(Number(spent) / elapsedMs, recent)
    const atMs = nowMs + Number(most - spent) / rate
    return atMs < endMs ? atMs : undefined
  }

  /** Per millisecond; 0 while the samples cover less than half of the time they are for. */
  #recentRate(note: BudgetNote): number {
    const { nowMs, spent } = note
    const recentMs = recentOf(note)
    while ((this.#samples[0]?.atMs ?? nowMs) < nowMs - recentMs) this.#samples.shift()
    const [first] = this.#samples
    this.#samples.push({ atMs: nowMs, spent })
    if (!first || nowMs - first.atMs < recentMs / 2 || spent <= first.spent) return 0
    return Number(spent - first.spent) / (nowMs - first.atMs)
  }
}

/** How long to wait before looking again: a quarter of the time that counts as of late. */
export function lookAgainMs(note: BudgetNote): number {
  return recentOf(note) / 4
}

function recentOf({ startMs, endMs }: BudgetNote): number {
  return Math.min(hourMs, (endMs - startMs) / 10)
}
