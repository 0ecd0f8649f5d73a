import { Fault } from '#exchange'
import { counterOf } from './counter.ts'
import { type SpentSince, subjectsOf } from './rebuild.ts'
import type { Rule } from './rule.ts'
import type { Counters, Standing } from './rules.ts'
import { type Counted, type CounterRef, type LimitStore, LimitStoreAway } from './store.ts'

export interface StandingsOptions {
  store: LimitStore
  spentSince: SpentSince
  nowMs: number
}

/** What the counters of a rule stand at: of one subject, or of those that spent or hold anything in this window. */
export async function readStandings(
  { store, spentSince, nowMs }: StandingsOptions,
  rule: Rule,
  which: Counters,
): Promise<Standing[]> {
  const subjects = 'subject' in which ? [which.subject] : await pageOf(rule, { spentSince, nowMs }, which)
  const counters: CounterRef[] = subjects.map(subject => counterOf({ rule, subject }, nowMs))
  const counted = await readOrFault(store, counters, nowMs)
  return subjects.map((subject, n) => ({ subject, ...(counted[n] ?? { spent: 0n, held: 0n }) }))
}

async function readOrFault(
  store: LimitStore,
  counters: readonly CounterRef[],
  nowMs: number,
): Promise<readonly Counted[]> {
  try {
    return await store.read(counters, nowMs)
  } catch (cause) {
    if (!(cause instanceof LimitStoreAway)) throw cause
    throw new Fault(
      'store_unavailable',
      'The store that counts budgets and limits cannot be reached just now: try again in a moment.',
      { retryAfterMs: 1_000, internal: String(cause.cause ?? cause), cause },
    )
  }
}

async function pageOf(
  rule: Rule,
  { spentSince, nowMs }: { spentSince: SpentSince; nowMs: number },
  { after, limit }: { after: string | undefined; limit: number },
): Promise<string[]> {
  if (rule.per.length === 0) return after === undefined ? ['all'] : []
  const sorted = [...(await subjectsOf(rule, spentSince, nowMs))].sort()
  return sorted.filter(subject => after === undefined || subject > after).slice(0, limit)
}
