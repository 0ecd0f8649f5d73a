import { counterOf } from './counter.ts'
import { amountIn } from './needs.ts'
import { entriesOf, type Spent, type SpentSince, targetOf } from './rebuild.ts'
import type { RuleSet } from './rule-set.ts'
import type { LimitStore, Line, Taken } from './store.ts'
import type { ExpiredHold, LedgerView, OpenHold } from './valkey-holds.ts'

/** The ledger as counters that many processes share look at it. */
export interface LedgerOfCounters {
  spentSince: SpentSince
  calls(
    ids: readonly string[],
  ): Promise<{ spent: ReadonlyMap<string, readonly Spent[]>; open: ReadonlySet<string> }>
}

interface ViewOptions {
  ledger: LedgerOfCounters
  rules: RuleSet
  nowMs: number
}

/**
 * All that counters are made from. Which calls have ended is asked first: one that ends meanwhile is counted as ended
 * and as under way, rather too much than not at all.
 */
export async function viewLedger(
  { ledger, rules, nowMs }: ViewOptions,
  calls: readonly string[],
): Promise<LedgerView> {
  const { spent, open } = await ledger.calls(calls)
  const ended = calls.filter(id => spent.has(id) && !open.has(id))
  return {
    ended,
    entries: await entriesOf(rules.rules, ledger.spentSince, { nowMs }),
    holds: await openHolds({ ledger, rules, nowMs }),
    rules: rules.rules.map(({ counterId }) => counterId),
  }
}

/** Settles the holds of a process that is gone, as the ledger says; of a call that it does not know nothing was sent. */
export async function settleExpired(
  { ledger, rules, nowMs, store }: ViewOptions & { store: LimitStore },
  holds: readonly ExpiredHold[],
): Promise<void> {
  const { spent, open } = await ledger.calls(holds.map(({ id }) => id))
  for (const { id, atMs } of holds) {
    if (open.has(id)) continue // its end is not known yet
    await store.settle(id, takenOf(spent.get(id) ?? [], { rules, atMs }), nowMs)
  }
}

function takenOf(spent: readonly Spent[], { rules, atMs }: { rules: RuleSet; atMs: number }): Taken[] {
  const sums = new Map<string, bigint>()
  for (const one of spent) {
    for (const { rule, subject } of rules.of(one.subject, targetOf(one))) {
      if (rule.unit === 'concurrent') continue
      const { key } = counterOf({ rule, subject }, atMs)
      const amount = rule.unit === 'requests' ? 1n : (sums.get(key) ?? 0n) + amountIn(rule.unit, one)
      sums.set(key, amount)
    }
  }
  return [...sums].map(([key, amount]) => ({ key, amount }))
}

/** Attempts under way, of whatever process. */
async function openHolds({ ledger, rules, nowMs }: ViewOptions): Promise<OpenHold[]> {
  const holds = new Map<string, { atMs: number; lines: Map<string, Omit<Line, 'most'>> }>()
  const attempts = ledger.spentSince({ fromMs: nowMs - longestCallMs, bucketMs: 1_000 })
  for await (const spent of attempts) {
    if (!spent.open) continue
    const { callId } = spent.open
    const hold = holds.get(callId) ?? { atMs: spent.atMs, lines: new Map() }
    holds.set(callId, hold)
    for (const { rule, subject } of rules.of(spent.subject, targetOf(spent))) {
      const counter = counterOf({ rule, subject }, spent.atMs)
      const more = amountIn(rule.unit, spent)
      const isOnce = rule.unit === 'requests' || rule.unit === 'concurrent'
      const amount = isOnce ? more : (hold.lines.get(counter.key)?.amount ?? 0n) + more
      hold.lines.set(counter.key, { ...counter, amount, isLease: rule.unit === 'concurrent' })
    }
  }
  return [...holds].map(([id, { atMs, lines }]) => ({ id, atMs, lines: [...lines.values()] }))
}

/** No call is under way for longer. */
const longestCallMs = 24 * 3_600_000
