import type { Clock } from '#platform'
import { counterOf } from './counter.ts'
import { amountIn, isOfCall } from './needs.ts'
import { entriesOf, longestCallMs, type Spent, type SpentSince, targetOf } from './rebuild.ts'
import type { RuleSet } from './rule-set.ts'
import type { LimitStore, Line, Taken } from './store.ts'
import type { ExpiredHold, LedgerView, OpenHold } from './valkey-holds.ts'

/** What the database knows of calls, and which rules they concern. */
export interface Books {
  rules(): RuleSet
  spentSince: SpentSince
  /** What is counted of these calls; those that the ledger does not tell of are missing. */
  spentOf(calls: readonly string[]): Promise<ReadonlyMap<string, readonly Spent[]>>
  clock: Clock
}

const hourMs = 3_600_000
const tries = 5
/**
 * A call that has no attempt on record and whose process is gone never made one: it would have been on record within
 * seconds.
 */
const unrecordedMs = 40_000

/**
 * What an empty store is filled with. It takes several questions; a call that ends between them would be there twice,
 * so they are asked again then. Nobody reserves meanwhile, so that ever fewer calls are under way. Where calls end all
 * the same, each is counted twice rather than not at all.
 */
export async function viewLedger(books: Books, calls: readonly string[]): Promise<LedgerView> {
  for (let left = tries; ; left -= 1) {
    const { rules } = books.rules()
    const nowMs = books.clock.now()
    const before = await books.spentOf(calls)
    const holds = await openHolds(books)
    const entries = await entriesOf(rules, books.spentSince, { nowMs })
    const after = await books.spentOf([...calls, ...holds.map(({ id }) => id)])
    if (after.size > before.size && left > 1) continue
    return { entries, holds, ended: [...before.keys()], rules: rules.map(({ counterId }) => counterId) }
  }
}

/** Ends holds whose process is gone, as far as it is known what came of their calls. */
export async function settleExpired(
  books: Books,
  store: LimitStore,
  holds: readonly ExpiredHold[],
): Promise<void> {
  const open = new Set((await openHolds(books)).map(({ id }) => id))
  const told = await books.spentOf(holds.map(({ id }) => id))
  const nowMs = books.clock.now()
  for (const { id, settledBy, atMs } of holds) {
    const spent = told.get(id)
    if (open.has(id) || (!spent && nowMs - atMs < unrecordedMs)) continue
    await store.settle(settledBy, spent ? takenBy(books.rules(), spent) : [], nowMs)
  }
}

/** Of calls that have attempts on record of which the ledger does not tell. */
async function openHolds({ rules, spentSince, clock }: Books): Promise<OpenHold[]> {
  const holds = new Map<string, { id: string; atMs: number; spent: Spent[] }>()
  for await (const spent of spentSince({ fromMs: clock.now() - longestCallMs, bucketMs: hourMs })) {
    if (!spent.open) break // those under way come first
    const { callId } = spent.open
    const hold = holds.get(callId)
    if (hold) hold.spent.push(spent)
    else holds.set(callId, { id: callId, atMs: spent.atMs, spent: [spent] })
  }
  const set = rules()
  return [...holds.values()].map(({ id, atMs, spent }) => ({ id, atMs, lines: linesOf(set, spent) }))
}

/** What these attempts of one call take of counters. Places are not held any more. */
function linesOf(set: RuleSet, attempts: readonly Spent[]): Omit<Line, 'most'>[] {
  const lines = new Map<string, Omit<Line, 'most'>>()
  for (const spent of attempts) {
    for (const { rule, subject } of set.of(spent.subject, targetOf(spent))) {
      if (rule.unit === 'concurrent') continue
      const counter = counterOf({ rule, subject }, spent.atMs)
      const line = lines.get(counter.key)
      const amount = amountIn(rule.unit, spent)
      if (!line) lines.set(counter.key, { ...counter, amount })
      else if (!isOfCall(rule.unit)) line.amount += amount
    }
  }
  return [...lines.values()]
}

function takenBy(set: RuleSet, attempts: readonly Spent[]): Taken[] {
  return linesOf(set, attempts).map(({ key, amount }) => ({ key, amount }))
}
