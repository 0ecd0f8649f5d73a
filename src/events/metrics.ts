import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import {
  type Attempt,
  type Bill,
  boundedName,
  type FailureClass,
  type SkipReason,
  targetName,
  type UsageKind,
  usageKinds,
} from '#exchange'
import type { Exchange } from './exchange.ts'
import { type LedgerGauges, registerTotals } from './metrics.ledger.ts'
import { type LaneGauge, registerLanes, registerStandings, type TargetGauge } from './metrics.standings.ts'

/** Names of models come from callers: past this many, further ones are counted together. */
const mostTargets = 200
const longestTarget = 256

const durationBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320]
const firstTokenBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40]

export interface Metrics {
  observe(exchange: Exchange): void
  contentType: string
  render(): Promise<string>
}

/** What others count, and tell when they are asked. */
export interface Gauges extends LedgerGauges {
  underWay(): number
  pendingRecords(): number
  /** Calls that wait for what others hold of a budget. */
  waitingForBudgets(): number
  stalledReaders(): number
  /** How targets do that were called. */
  standings(): Iterable<TargetGauge>
  /** Who waits for providers that were called; those of a single model are named beside the provider's whole. */
  lanes(): Iterable<LaneGauge>
  /** Calls that were refused for want of room: how many of a class, and what there was too little of. */
  shed(): Iterable<{ class: string; reason: string; count: number }>
}

/** Counters and histograms of calls, for Prometheus. Label values are bounded: targets, outcomes, codes of our own. */
export function createMetrics(gauges: Gauges): Metrics {
  const registry = new Registry()
  // The delay is told on top of the interval it is looked at: 10 ms by default, which would hide what matters here.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 2 })
  const tallies = new Map<string, Tally>()
  const left: LeftOut = { attribution: 0, targets: 0 }
  const tallyOf = (target: string): Tally => {
    const name = target.length > longestTarget ? boundedName(target) : target
    const known = tallies.get(name)
    if (known) return known
    if (tallies.size >= mostTargets && name !== 'other') {
      left.targets += 1
      return tallyOf('other')
    }
    const tally = new Tally(name)
    tallies.set(name, tally)
    return tally
  }
  registerCounters(registry, tallies)
  registerLeftOut(registry, left)
  const { duration, firstToken } = registerHistograms(registry)
  registerGauges(registry, gauges)
  registerTotals(registry, gauges)
  registerStandings(registry, { standings: gauges.standings, nameOf: name => tallyOf(name).target })
  registerLanes(registry, () => gauges.lanes())

  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    observe(exchange) {
      const last = exchange.decisive
      const target = last ? targetName(last.target) : 'none'
      const tally = tallyOf(target)
      left.attribution += exchange.call.attributionDropped
      tally.countCall(exchange)
      for (const attempt of exchange.attempts) {
        const of = attempt === last ? tally : tallyOf(targetName(attempt.target))
        of.countAttempt(attempt)
      }
      for (const { target, reason } of exchange.skips) add(tallyOf(targetName(target)).skips, reason, 1)
      if (!last) return
      duration.observe(exchange.durationMs / 1000)
      if (last.firstTokenMs !== undefined) firstToken.observe(last.firstTokenMs / 1000)
    },
  }
}

/** What callers named and is not kept apart. */
interface LeftOut {
  attribution: number
  targets: number
}

function registerLeftOut(registry: Registry, left: LeftOut): void {
  const registers = [registry]
  new Counter({
    name: 'sluice_attribution_dropped_total',
    help: 'Tags and environments of calls that were not kept, because they were too many, too long or not plain.',
    registers,
    collect() {
      this.reset()
      this.inc(left.attribution)
    },
  })
  new Counter({
    name: 'sluice_targets_folded_total',
    help: 'Times that something was counted under the target `other`, because there are too many targets to count each.',
    registers,
    collect() {
      this.reset()
      this.inc(left.targets)
    },
  })
}

/** What is counted of one target. Every call adds to it, so it is plain numbers; the registry reads them when scraped. */
class Tally {
  readonly target: string
  /** By outcome and fault code, joined with a space. */
  readonly calls = new Map<string, number>()
  readonly attempts = new Map<string, number>()
  readonly failures = new Map<FailureClass, number>()
  readonly skips = new Map<SkipReason, number>()
  readonly tokens = new Map<UsageKind, number>()
  retries = 0
  hedges = 0
  hedgeCostUsd = 0
  degraded = 0
  costUsd = 0
  unpriced = 0
  skippedEvents = 0
  /** What providers themselves say that they charge, and by how much our cost is more or less than that. */
  providerCostUsd = 0
  readonly costDifferencesUsd = new Map<'more' | 'less', number>()
  readonly doubts = new Map<string, number>()

  constructor(target: string) {
    this.target = target
  }

  countAttempt(attempt: Attempt): void {
    add(this.attempts, attempt.status, 1)
    this.skippedEvents += attempt.skippedEvents ?? 0
    if (attempt.bill) this.#countBill(attempt.bill, attempt.costPicoUsd)
    if (attempt.failure) add(this.failures, attempt.failure, 1)
    if (attempt.reason === 'retry') this.retries += 1
    if (attempt.reason === 'hedge') this.hedges += 1
    if (attempt.lostRace && attempt.costPicoUsd) this.hedgeCostUsd += Number(attempt.costPicoUsd) / 1e12
  }

  #countBill({ picoUsd: theirs, doubt }: Bill, ours: bigint | undefined): void {
    if (doubt !== undefined) add(this.doubts, doubt, 1)
    if (theirs === undefined) return
    this.providerCostUsd += Number(theirs) / 1e12
    if (ours === undefined || ours === theirs) return
    const side = ours > theirs ? 'more' : 'less'
    add(this.costDifferencesUsd, side, Math.abs(Number(ours - theirs)) / 1e12)
  }

  countCall({ status, fault, settlement, degraded }: Exchange): void {
    add(this.calls, `${status} ${fault?.code ?? 'none'}`, 1)
    if (degraded !== undefined) this.degraded += 1
    if (!settlement) return
    for (const kind of usageKinds) {
      const count = settlement.usage[kind]
      if (count) add(this.tokens, kind, count)
    }
    if (settlement.priced === 'unpriced') this.unpriced += 1
    if (settlement.costPicoUsd) this.costUsd += Number(settlement.costPicoUsd) / 1e12
  }
}

function add<Key>(counts: Map<Key, number>, key: Key, amount: number): void {
  counts.set(key, (counts.get(key) ?? 0) + amount)
}

interface CounterRecord {
  name: string
  help: string
  labels: readonly string[]
  read(tally: Tally): Iterable<readonly [values: readonly string[], count: number]>
}

const counters: readonly CounterRecord[] = [
  {
    name: 'sluice_calls_total',
    help: 'Calls that have ended, by target, outcome and fault code.',
    labels: ['status', 'code'],
    read: tally => [...tally.calls].map(([key, count]) => [key.split(' '), count]),
  },
  {
    name: 'sluice_attempts_total',
    help: 'Requests to providers that have ended, by target and outcome.',
    labels: ['status'],
    read: tally => [...tally.attempts].map(([status, count]) => [[status], count]),
  },
  {
    name: 'sluice_attempt_failures_total',
    help: 'Requests to providers that failed, by target and by what the failure means.',
    labels: ['failure'],
    read: tally => [...tally.failures].map(([failure, count]) => [[failure], count]),
  },
  {
    name: 'sluice_retries_total',
    help: 'Requests to a target that had failed the same call before, by target.',
    labels: [],
    read: tally => [[[], tally.retries]],
  },
  {
    name: 'sluice_hedges_total',
    help: 'Requests that were made beside one that was slow to begin its answer, by target.',
    labels: [],
    read: tally => [[[], tally.hedges]],
  },
  {
    name: 'sluice_hedge_cost_usd_total',
    help: 'What priced requests cost that were given up because another one began its answer sooner, in US dollars; sluice_cost_usd_total has it too.',
    labels: [],
    read: tally => [[[], tally.hedgeCostUsd]],
  },
  {
    name: 'sluice_skips_total',
    help: 'Times that a target was passed over, by target and reason.',
    labels: ['reason'],
    read: tally => [...tally.skips].map(([reason, count]) => [[reason], count]),
  },
  {
    name: 'sluice_degraded_calls_total',
    help: 'Calls whose answer was less than what was asked for, by the target that gave it.',
    labels: [],
    read: tally => [[[], tally.degraded]],
  },
  {
    name: 'sluice_tokens_total',
    help: 'Tokens used, by target and kind; the kinds are disjoint.',
    labels: ['kind'],
    read: tally => [...tally.tokens].map(([kind, count]) => [[kind], count]),
  },
  {
    name: 'sluice_cost_usd_total',
    help: 'What priced calls cost, in US dollars; for graphs. The call log has the exact amounts.',
    labels: [],
    read: tally => [[[], tally.costUsd]],
  },
  {
    name: 'sluice_provider_cost_usd_total',
    help: 'What providers themselves say that requests cost, where they say so, in US dollars.',
    labels: [],
    read: tally => [[[], tally.providerCostUsd]],
  },
  {
    name: 'sluice_cost_difference_usd_total',
    help: 'By how much our cost of a request is more or less than what its provider says, added up, in US dollars.',
    labels: ['ours'],
    read: tally => [...tally.costDifferencesUsd].map(([side, usd]) => [[side], usd]),
  },
  {
    name: 'sluice_doubtful_usage_total',
    help: 'Usage reports of providers that were refused, because they count what is no number, or that contradict themselves.',
    labels: ['doubt'],
    read: tally => [...tally.doubts].map(([doubt, count]) => [[doubt], count]),
  },
  {
    name: 'sluice_unpriced_calls_total',
    help: 'Calls whose cost is not known, for want of a price or of a usage report.',
    labels: [],
    read: tally => [[[], tally.unpriced]],
  },
  {
    name: 'sluice_skipped_events_total',
    help: 'Events and parts of streams that nobody here knows, passed over in translation.',
    labels: [],
    read: tally => [[[], tally.skippedEvents]],
  },
]

function registerCounters(registry: Registry, tallies: ReadonlyMap<string, Tally>): void {
  for (const { name, help, labels, read } of counters) {
    new Counter({
      name,
      help,
      labelNames: ['target', ...labels],
      registers: [registry],
      collect() {
        this.reset()
        for (const [target, tally] of tallies) {
          for (const [values, count] of read(tally)) this.labels(target, ...values).inc(count)
        }
      },
    })
  }
}

function registerHistograms(registry: Registry): { duration: Histogram; firstToken: Histogram } {
  const registers = [registry]
  return {
    duration: new Histogram({
      name: 'sluice_call_duration_seconds',
      help: 'From the request to the end of the answer, for calls that reached a provider.',
      buckets: durationBuckets,
      registers,
    }),
    firstToken: new Histogram({
      name: 'sluice_first_token_seconds',
      help: 'From the attempt to the first content of a stream.',
      buckets: firstTokenBuckets,
      registers,
    }),
  }
}

function registerGauges(registry: Registry, gauges: Gauges): void {
  const registers = [registry]
  new Gauge({
    name: 'sluice_calls_under_way',
    help: 'Calls that have not ended.',
    registers,
    collect() {
      this.set(gauges.underWay())
    },
  })
  new Gauge({
    name: 'sluice_records_pending',
    help: 'Records of calls that are not committed to the database yet.',
    registers,
    collect() {
      this.set(gauges.pendingRecords())
    },
  })
  new Gauge({
    name: 'sluice_calls_waiting_for_budgets',
    help: 'Calls that wait until others let go of what they hold of a budget.',
    registers,
    collect() {
      this.set(gauges.waitingForBudgets())
    },
  })
  new Counter({
    name: 'sluice_stalled_readers_total',
    help: 'Readers that were dropped because they took nothing of their answer for too long.',
    registers,
    collect() {
      this.reset()
      this.inc(gauges.stalledReaders())
    },
  })
  new Counter({
    name: 'sluice_shed_total',
    help: 'Calls that were refused because this process had too much to do, by class and by what was short; they are not in the call log.',
    labelNames: ['class', 'reason'],
    registers,
    collect() {
      this.reset()
      for (const { class: of, reason, count } of gauges.shed()) this.labels(of, reason).inc(count)
    },
  })
}
