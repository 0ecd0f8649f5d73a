import type { RuleSubject, Target } from '#exchange'
import { counterOf } from './counter.ts'
import { amountIn, isOfCall } from './needs.ts'
import type { Rule } from './rule.ts'
import { type RuleSet, ruleSet } from './rule-set.ts'
import type { Entry } from './store.ts'

/** What the ledger has counted of attempts that are alike, in one stretch of time. */
export interface Spent {
  subject: RuleSubject
  provider: string
  /** `provider/model`. */
  target: string
  /** Where the stretch begins, in milliseconds since the epoch. */
  atMs: number
  picoUsd: bigint
  inputTokens: number
  outputTokens: number
  /** Calls that ended there; one that was attempted several times is with the attempt that answered. */
  calls?: number
  /** An attempt under way: what is held for it. */
  open?: { callId: string; attempt: number }
}

/** What was held from a time on, in stretches of so long that begin at the epoch. */
export type SpentSince = (question: { fromMs: number; bucketMs: number }) => AsyncIterable<Spent>

const hourMs = 3_600_000
/** No call lasts longer. */
export const longestCallMs = 24 * hourMs

/**
 * What the counters of these rules have counted in their windows of this moment, by the ledger: of calls that have
 * ended, and were held before `beforeMs`. `withOpen`: attempts under way count as what is held for them; those of a
 * process that has just died will be posted as that.
 */
export async function entriesOf(
  rules: readonly Rule[],
  spentSince: SpentSince,
  {
    nowMs,
    beforeMs = Number.POSITIVE_INFINITY,
    withOpen = false,
  }: { nowMs: number; beforeMs?: number; withOpen?: boolean },
): Promise<Entry[]> {
  const sums = new Map<string, Entry>()
  for (const [bucketMs, alike] of byBucket(rules, nowMs)) {
    const set = ruleSet(alike)
    const fromMs = Math.min(...alike.map(rule => startOf(rule, nowMs)))
    for await (const spent of spentSince({ fromMs, bucketMs })) {
      if ((spent.open && !withOpen) || spent.atMs >= beforeMs) continue
      for (const { rule, subject } of set.of(spent.subject, targetOf(spent))) {
        if (spent.atMs < startOf(rule, nowMs)) continue
        addTo(sums, {
          ...counterOf({ rule, subject }, nowMs),
          amount: rule.unit === 'requests' ? BigInt(spent.calls ?? 0) : amountIn(rule.unit, spent),
          atMs: atOf(rule, spent, bucketMs),
        })
      }
    }
  }
  return [...sums.values()]
}

/** Whose counters of a rule count or hold anything in its window of this moment, by the ledger. */
export async function subjectsOf(rule: Rule, spentSince: SpentSince, nowMs: number): Promise<Set<string>> {
  const set = ruleSet([rule])
  const isOfPlaces = rule.unit === 'concurrent' // they end with their calls
  const fromMs = isOfPlaces ? nowMs - longestCallMs : startOf(rule, nowMs)
  const found = new Set<string>()
  for await (const spent of spentSince({ fromMs, bucketMs: bucketOf(rule, nowMs) })) {
    if (isOfPlaces && !spent.open) break // those under way come first
    if (spent.atMs < fromMs) continue
    for (const { subject } of set.of(spent.subject, targetOf(spent))) found.add(subject)
  }
  return found
}

/** What corrections in the ledger change of counters in their windows of this moment. */
export function correctionsOf(rules: RuleSet, corrections: readonly Spent[], nowMs: number): Entry[] {
  return corrections.flatMap(spent =>
    rules
      .of(spent.subject, targetOf(spent))
      .filter(({ rule }) => !isOfCall(rule.unit) && spent.atMs >= startOf(rule, nowMs))
      .map(concern => ({
        ...counterOf(concern, nowMs),
        amount: amountIn(concern.rule.unit, spent),
        atMs: spent.atMs,
      })),
  )
}

/** Rules by the longest stretches that fit into their windows, since long ones are cheaper to read. */
function byBucket(rules: readonly Rule[], nowMs: number): Map<number, Rule[]> {
  const groups = new Map<number, Rule[]>()
  for (const rule of rules) {
    if (rule.unit === 'concurrent') continue // places end with their calls
    const bucketMs = bucketOf(rule, nowMs)
    const group = groups.get(bucketMs)
    if (group) group.push(rule)
    else groups.set(bucketMs, [rule])
  }
  return groups
}

const stretches = [hourMs, hourMs / 4, 60_000, 1_000]

function bucketOf(rule: Rule, nowMs: number): number {
  const { rolling } = rule.window
  if (rolling) return stretches.find(ms => ms <= rolling.bucketMs) ?? rolling.bucketMs
  const { startMs } = rule.window.at(nowMs)
  return stretches.find(ms => startMs % ms === 0) ?? 1
}

function startOf({ window }: Rule, nowMs: number): number {
  return Math.max(0, window.at(nowMs).startMs)
}

/** In a rolling window a stretch counts for as long as its last moment does. */
function atOf({ window }: Rule, { atMs }: Spent, bucketMs: number): number {
  return window.rolling ? atMs + bucketMs - 1 : atMs
}

export function targetOf({ provider, target }: Spent): Target {
  return { provider, model: target.slice(provider.length + 1) }
}

function addTo(sums: Map<string, Entry>, entry: Entry): void {
  const id = entry.rolling ? `${entry.atMs} ${entry.key}` : entry.key
  const known = sums.get(id)
  if (known) known.amount += entry.amount
  else sums.set(id, entry)
}
