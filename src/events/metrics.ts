import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { targetName, type UsageKind, usageKinds } from '#exchange'
import type { Exchange } from './exchange.ts'

/** Names of models come from callers: past this many, further ones are counted together. */
const mostTargets = 200

const durationBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320]
const firstTokenBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40]

export interface Metrics {
  observe(exchange: Exchange): void
  contentType: string
  render(): Promise<string>
}

/** What others count, and tell when they are asked. */
export interface Gauges {
  underWay(): number
  pendingRecords(): number
  stalledReaders(): number
  /** Calls that were refused for want of room: how many of a class, and what there was too little of. */
  shed(): Iterable<{ class: string; reason: string; count: number }>
}

/** Counters and histograms of calls, for Prometheus. Label values are bounded: targets, outcomes, codes of our own. */
export function createMetrics(gauges: Gauges): Metrics {
  const registry = new Registry()
  // The delay is told on top of the interval it is looked at: 10 ms by default, which would hide what matters here.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 2 })
  const tallies = new Map<string, Tally>()
  const tallyOf = (name: string): Tally => {
    const known = tallies.get(name)
    if (known) return known
    if (tallies.size >= mostTargets && name !== 'other') return tallyOf('other')
    const tally = new Tally()
    tallies.set(name, tally)
    return tally
  }
  registerCounters(registry, tallies)
  const { duration, firstToken } = registerHistograms(registry)
  registerGauges(registry, gauges)

  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    observe(exchange) {
      const last = exchange.attempts.at(-1)
      const target = last ? targetName(last.target) : 'none'
      const tally = tallyOf(target)
      tally.countCall(exchange)
      for (const attempt of exchange.attempts) {
        const of = attempt === last ? tally : tallyOf(targetName(attempt.target))
        add(of.attempts, attempt.status, 1)
        of.skippedEvents += attempt.skippedEvents ?? 0
      }
      if (!last) return
      duration.observe(exchange.durationMs / 1000)
      if (last.firstTokenMs !== undefined) firstToken.observe(last.firstTokenMs / 1000)
    },
  }
}

/** What is counted of one target. Every call adds to it, so it is plain numbers; the registry reads them when scraped. */
class Tally {
  /** By outcome and fault code, joined with a space. */
  readonly calls = new Map<string, number>()
  readonly attempts = new Map<string, number>()
  readonly tokens = new Map<UsageKind, number>()
  costUsd = 0
  unpriced = 0
  skippedEvents = 0

  countCall({ status, fault, settlement }: Exchange): void {
    add(this.calls, `${status} ${fault?.code ?? 'none'}`, 1)
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
