import { type RuleSubject, targetName } from '#exchange'
import type { Rule } from '#limits'
import { counterOf } from '../src/limits/counter.ts'
import { subjectOf } from '../src/limits/limits.ts'
import { amountIn, isOfCall } from '../src/limits/needs.ts'
import type { RecordedCall } from './disk.ts'
import type { Evidence } from './judge.ts'
import { type BillLine, isMereError } from './judge-bill.ts'
import type { Opened } from './ledger.ts'
import { heldFor, spentOf } from './spent.ts'
import { rulesOf } from './till.ts'
import { tokenRates } from './token-rates.ts'

/** What a provider has billed for an attempt. */
export interface Billed extends Opened {
  line: BillLine
  /** Which share of what it wrote has come. */
  arrived: number
}

interface Amounts {
  picoUsd: bigint
  inputTokens: number
  outputTokens: number
}

/** One thing that a counter should have counted. */
interface Item {
  atMs: number
  amount: bigint
  /** Which of the processes: some counters do not outlive one. */
  process: number
}

const waitMs = { interactive: 10_000, batch: 60_000 }
const waitSlackMs = 50

/** Holds the providers' bills, and what is on record, against budgets and limits. */
export function judgeMoney(evidence: Evidence, billed: readonly Billed[]): void {
  judgeWaits(evidence)
  for (const one of billed) judgeCounts(one, evidence)
  if (!evidence.scenario.money) return
  const rules = hardRules(evidence)
  if (rules.all.length === 0) return
  const bills = new Map<string, { rule: Rule; items: Item[] }>()
  for (const { line, call, attempt } of billed) {
    const { hold } = attempt
    if (!hold || !call.asked.ok) continue
    const add = adderTo(bills, { rules, subject: subjectOf(call, call.asked.value) })
    add(targetName(attempt.target), { atMs: hold.atMs, process: 0 }, rule =>
      isOfCall(rule.unit) ? undefined : amountIn(rule.unit, amountsOf(line, hold.outputTokens)),
    )
  }
  judgeWindows(evidence, bills, 'the bill stays within the budget')
  judgeWindows(evidence, admitted(evidence, rules), 'no more calls in a window than a limit allows')
}

type Rules = {
  all: readonly Rule[]
  of: (subject: RuleSubject, target: string) => { rule: Rule; subject: string }[]
}

/** Of both forms of the configuration the one that allows more. */
function hardRules({ configs }: Evidence): Rules {
  const sets = configs.map(rulesOf)
  const most = (rule: Rule): bigint =>
    sets.map(set => set.find(rule.id)?.most ?? 0n).reduce((a, b) => (a > b ? a : b))
  const [set] = sets
  const widest = new Map(
    set?.rules.filter(({ hard }) => hard).map(rule => [rule.id, { ...rule, most: most(rule) }]),
  )
  return {
    all: [...widest.values()],
    of: (subject, target) => {
      const [provider = ''] = target.split('/', 1)
      const concerns = set?.of(subject, { provider, model: target.slice(provider.length + 1) }) ?? []
      return concerns.flatMap(({ rule, subject: whose }) => {
        const wide = widest.get(rule.id)
        return wide ? [{ rule: wide, subject: whose }] : []
      })
    },
  }
}

function adderTo(
  sums: Map<string, { rule: Rule; items: Item[] }>,
  { rules, subject }: { rules: Rules; subject: RuleSubject },
) {
  return (target: string, when: Omit<Item, 'amount'>, amountOf: (rule: Rule) => bigint | undefined): void => {
    for (const concern of rules.of(subject, target)) {
      const { rule } = concern
      const amount = amountOf(rule)
      if (amount === undefined) continue
      const key = `${when.process} ${counterOf(concern, when.atMs).key}`
      const known = sums.get(key) ?? { rule, items: [] }
      known.items.push({ ...when, amount })
      sums.set(key, known)
    }
  }
}

/** Calls that were let in, by the times on record. How many there were is not remembered over a restart. */
function admitted(
  { trials, disk, processes }: Evidence,
  rules: Rules,
): Map<string, { rule: Rule; items: Item[] }> {
  const sums = new Map<string, { rule: Rule; items: Item[] }>()
  for (const { call, process } of trials) {
    const row = disk.calls.get(call.id.slice('call_'.length))
    const seen = new Set<string>()
    for (const { target, hold } of row?.attempts ?? []) {
      if (!row || hold?.at === undefined) continue
      const when = { atMs: Date.parse(hold.at), process: processes.indexOf(process) }
      const add = adderTo(sums, { rules, subject: row.subject })
      add(target, when, ({ unit, id }) => {
        if (unit !== 'requests' || seen.has(id)) return undefined
        seen.add(id)
        return 1n
      })
    }
  }
  return sums
}

/** Of a rolling window, in each of that length that ends with one of the items. */
function judgeWindows(
  { book }: Evidence,
  sums: ReadonlyMap<string, { rule: Rule; items: Item[] }>,
  law: 'the bill stays within the budget' | 'no more calls in a window than a limit allows',
): void {
  for (const [key, { rule, items }] of sums) {
    const { rolling } = rule.window
    for (const { atMs } of rolling ? items : items.slice(0, 1)) {
      const within = rolling
        ? items.filter(one => one.atMs <= atMs && one.atMs > atMs - rolling.windowMs)
        : items
      const sum = within.reduce((total, { amount }) => total + amount, 0n)
      book.check(
        sum <= rule.most,
        law,
        () => `${sum} ${rule.unit} of \`${rule.name}\` (${key}), which allows ${rule.most}`,
      )
    }
  }
}

/** What budgets count of an attempt is at least what is billed, and exactly that where the provider said it. */
function judgeCounts({ line, tag, call, attempt, arrived }: Billed, { book, disk }: Evidence): void {
  const row = disk.calls.get(call.id.slice('call_'.length))
  const recorded = row?.attempts.find(({ n }) => n === attempt.n)
  if (!row || !recorded?.hold || isMereError(line)) return
  const counted = countedOf(row, attempt.n)
  const most = recorded.hold.output_tokens
  const isTold = recorded.status === 'succeeded' && recorded.usage_source === 'provider'
  // What had not come when it was cut is beyond anybody's count, but for the margin.
  const billed = amountsOf(line, isTold ? most : Math.min(most, Math.ceil(line.output_tokens * arrived)))
  book.check(
    counted.picoUsd >= billed.picoUsd &&
      counted.inputTokens >= billed.inputTokens &&
      counted.outputTokens >= billed.outputTokens &&
      (!isTold || counted.picoUsd === billed.picoUsd),
    'what is billed is counted',
    () =>
      `attempt ${tag} (${line.outcome}, ${line.failure}): ${tell(counted)} counted by ${recorded.usage_source} (${recorded.status}, ${recorded.code}), ${tell(billed)} billed, ${tell(heldFor(recorded))} held`,
  )
}

function countedOf(row: RecordedCall, n: number): Amounts {
  const at = row.attempts.findIndex(attempt => attempt.n === n)
  return spentOf(row)[at] ?? { picoUsd: 0n, inputTokens: 0, outputTokens: 0 }
}

/** Some broken answers go on past the cap that was asked for, which nobody can hold for. */
function amountsOf(line: BillLine, mostOutput: number): Amounts {
  if (isMereError(line)) return { picoUsd: 0n, inputTokens: 0, outputTokens: 0 }
  const { input_tokens: input, cached_input_tokens: cached } = line
  const output = Math.min(line.output_tokens, mostOutput)
  const { input: inputRate, cachedInput: cachedRate, output: outputRate } = tokenRates
  return {
    picoUsd: inputRate * BigInt(input - cached) + cachedRate * BigInt(cached) + outputRate * BigInt(output),
    inputTokens: input,
    outputTokens: output,
  }
}

/** Nobody waits longer for what others hold than is said. */
function judgeWaits({ book, processes }: Evidence): void {
  for (const { till, isDead } of processes) {
    for (const { call, startedMs, doneMs } of till.waits) {
      if (doneMs === undefined && isDead) continue
      const tookMs = (doneMs ?? Number.POSITIVE_INFINITY) - startedMs
      book.check(
        tookMs <= waitMs[call.class] + waitSlackMs,
        'a wait for room ends',
        () => `${call.id} waited ${tookMs} ms for what others held`,
      )
    }
  }
}

function tell({ picoUsd, inputTokens, outputTokens }: Amounts): string {
  return `${picoUsd} for ${inputTokens} + ${outputTokens}`
}
