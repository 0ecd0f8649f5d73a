import { formatUsd } from '#exchange'
import { isoTime } from '#platform'
import type { Alert, Severity } from './alert.ts'
import { percent, shown } from './amount.ts'
import type { BudgetNote } from './budget-note.ts'
import { BurnRate, lookAgainMs } from './burn-rate.ts'

export interface BudgetWatchOptions {
  raise(alert: Alert): void
  /** Percents, in any order. */
  shares(): readonly number[]
  watchesBurn(): boolean
  mostPerHour(): number
}

/** What is remembered of one counter: from where on somebody has to look. */
interface Counter {
  windowKey: string
  /** The window, or the tile of a rolling one, is over then. */
  untilMs: number
  startMs: number
  most: bigint
  /** The next amount at which there is something to tell. */
  nextAt: bigint
  /** When to look at the rate again. */
  lookAtMs: number
  burn: BurnRate | undefined
  isRefused: boolean
}

const hourMs = 3_600_000
/** Nobody can do anything about what will happen within minutes. */
const shortestForBurnMs = hourMs
/** An alert of a budget that does not renew is over after that. */
const openEndedMs = 30 * 24 * hourMs
/** More than any budget is. */
const never = 1n << 200n
/** Counters forgotten begin anew; their alerts are on record, and not raised twice. */
const mostCounters = 100_000

/**
 * Sees budgets pass their shares, and those that will not last. It is told of every call that ends, so where nothing
 * is passed it takes two look-ups and a few comparisons.
 */
export class BudgetWatch {
  readonly #options: BudgetWatchOptions
  #counters = new Map<string, Map<string, Counter>>()
  #size = 0
  /** Subjects named in this hour, by rule. */
  readonly #named = new Map<string, Set<string>>()
  #hour = -1

  constructor(options: BudgetWatchOptions) {
    this.#options = options
  }

  note(note: BudgetNote): void {
    const counter = this.#counters.get(note.rule)?.get(note.subject)
    if (
      counter !== undefined &&
      note.spent < counter.nextAt &&
      note.nowMs < counter.lookAtMs &&
      note.nowMs < counter.untilMs &&
      note.most === counter.most &&
      note.windowKey === counter.windowKey &&
      (note.refused !== true || counter.isRefused)
    )
      return
    this.#look(note, counter)
  }

  /** From the configuration: all is looked at anew. */
  reset(): void {
    this.#counters = new Map()
    this.#size = 0
  }

  #look(note: BudgetNote, known: Counter | undefined): void {
    if (note.endMs < note.nowMs) return
    const isSame = known?.windowKey === note.windowKey && note.nowMs < known.untilMs
    const counter = isSame ? known : this.#begin(note)
    if (counter.most !== note.most) {
      counter.most = note.most
      counter.nextAt = -1n // what is passed is told of the new amount
      counter.isRefused = false
    }
    if (note.refused && !counter.isRefused) {
      counter.isRefused = true
      this.#tellShare(note, counter, 100)
    }
    if (note.spent >= counter.nextAt) this.#passShares(note, counter)
    if (note.nowMs >= counter.lookAtMs) this.#lookAtRate(note, counter)
  }

  #begin(note: BudgetNote): Counter {
    const spanMs = note.endMs - note.startMs
    const isRolling = note.endMs === note.nowMs
    const startMs = isRolling ? Math.floor(note.nowMs / spanMs) * spanMs : note.startMs
    const canBurn = !isRolling && Number.isFinite(spanMs) && spanMs >= shortestForBurnMs
    const counter: Counter = {
      windowKey: note.windowKey,
      startMs,
      untilMs: startMs + spanMs,
      most: note.most,
      nextAt: -1n,
      lookAtMs: canBurn && this.#options.watchesBurn() ? note.nowMs : Number.POSITIVE_INFINITY,
      burn: undefined,
      isRefused: false,
    }
    this.#keep(note, counter)
    return counter
  }

  #keep({ rule, subject }: BudgetNote, counter: Counter): void {
    if (this.#size >= mostCounters) this.reset()
    const bySubject = this.#counters.get(rule) ?? new Map<string, Counter>()
    this.#counters.set(rule, bySubject)
    if (!bySubject.has(subject)) this.#size += 1
    bySubject.set(subject, counter)
  }

  /** Tells of the highest that is passed, and waits for the next. */
  #passShares(note: BudgetNote, counter: Counter): void {
    const { spent, most } = note
    counter.nextAt = never
    let passed: { amount: bigint; share: number } | undefined
    for (const share of this.#options.shares()) {
      const amount = ceilShare(most, share)
      if (spent < amount) counter.nextAt = amount < counter.nextAt ? amount : counter.nextAt
      else if (!passed || amount > passed.amount) passed = { amount, share }
    }
    for (const amount of note.alertAt ?? []) {
      if (spent < amount) counter.nextAt = amount < counter.nextAt ? amount : counter.nextAt
      else if (!passed || amount > passed.amount) passed = { amount, share: percent(amount, most) }
    }
    if (!passed || (passed.share === 100 && counter.isRefused)) return
    if (passed.share >= 100) counter.isRefused = true // of which there is no more to tell
    this.#tellShare(note, counter, passed.share)
  }

  #tellShare(note: BudgetNote, counter: Counter, share: number): void {
    const key = `${keyOf('budget_share', note, counter)}/${share}%/${note.most}`
    const unit = note.unit ?? 'usd'
    const has = `${shown(note.spent, unit)} of ${shown(note.most, unit)} spent`
    const title = note.refused
      ? `Budget "${note.name}"${whose(note)} is used up: ${has}, and a call was refused.`
      : `Budget "${note.name}"${whose(note)} has reached ${share} %: ${has}.`
    this.#raise(note, counter, { kind: 'budget_share', key, severity: severityOf(share), title, share })
  }

  #lookAtRate(note: BudgetNote, counter: Counter): void {
    counter.lookAtMs = note.nowMs + lookAgainMs(note)
    counter.burn ??= new BurnRate()
    const atMs = counter.burn.look(note)
    if (atMs === undefined) return
    counter.lookAtMs = Number.POSITIVE_INFINITY
    const key = `${keyOf('budget_burn', note, counter)}/${note.most}`
    const [at, end] = [minute(atMs), minute(note.endMs)]
    const has = `${shown(note.spent, note.unit ?? 'usd')} of ${shown(note.most, note.unit ?? 'usd')} spent`
    const title = `Budget "${note.name}"${whose(note)} will be used up at ${at}, before it renews at ${end}: ${has}.`
    this.#raise(note, counter, {
      kind: 'budget_burn',
      key,
      severity: 'warning',
      title,
      used_up_at: isoTime(atMs),
    })
  }

  #raise(note: BudgetNote, counter: Counter, { kind, key, severity, title, ...rest }: Finding): void {
    if (!this.#mayName(note)) return this.#raiseOthers(note)
    const unit = note.unit ?? 'usd'
    const amount = (value: bigint): string => (unit === 'usd' ? formatUsd(value) : value.toString())
    const renews = Number.isFinite(counter.untilMs)
    const detail = {
      budget: note.name,
      rule: note.rule,
      subject: note.subject,
      spent: amount(note.spent),
      limit: amount(note.most),
      unit,
      ...rest,
      window_starts_at: isoTime(counter.startMs),
      ...(renews && { window_ends_at: isoTime(counter.untilMs) }),
    }
    const endsAtMs = renews ? counter.untilMs : note.nowMs + openEndedMs
    this.#options.raise({ kind, key, severity, title, detail, endsAtMs, organization: note.organization })
  }

  #raiseOthers({ name, rule, nowMs }: BudgetNote): void {
    const hour = Math.floor(nowMs / hourMs)
    const named = this.#options.mostPerHour()
    this.#options.raise({
      kind: 'budget_share',
      key: `budget_share/${rule}/others/${hour}`,
      severity: 'warning',
      title: `Budget "${name}" has news of more than ${named} subjects in this hour; the others are not named one by one.`,
      detail: { budget: name, rule },
      endsAtMs: (hour + 1) * hourMs,
    })
  }

  /** A budget for each user has as many subjects as there are users: nobody reads a message for each. */
  #mayName({ rule, subject, nowMs }: BudgetNote): boolean {
    const hour = Math.floor(nowMs / hourMs)
    if (hour !== this.#hour) {
      this.#named.clear()
      this.#hour = hour
    }
    const named = this.#named.get(rule) ?? new Set<string>()
    this.#named.set(rule, named)
    if (named.has(subject)) return true
    if (named.size >= this.#options.mostPerHour()) return false
    named.add(subject)
    return true
  }
}

interface Finding {
  kind: 'budget_share' | 'budget_burn'
  key: string
  severity: Severity
  title: string
  share?: number
  used_up_at?: string
}

/** At a rolling window the tile, so that it can be told again when the window has passed once. */
function keyOf(kind: string, { rule, subject, windowKey }: BudgetNote, { startMs }: Counter): string {
  return `${kind}/${rule}/${subject}/${windowKey}@${startMs}`
}

function ceilShare(most: bigint, share: number): bigint {
  return (most * BigInt(share) + 99n) / 100n
}

function severityOf(share: number): Severity {
  if (share >= 100) return 'critical'
  return share >= 80 ? 'warning' : 'info'
}

function whose({ subject }: BudgetNote): string {
  return subject === '' || subject === 'all' ? '' : ` of ${subject}`
}

/** `2026-11-21 15:04 UTC`. */
function minute(ms: number): string {
  return `${isoTime(ms).slice(0, 16).replace('T', ' ')} UTC`
}
