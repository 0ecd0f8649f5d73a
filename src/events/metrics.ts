import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { targetName, type UsageKind, usageKinds } from '#exchange'
import type { Exchange } from './exchange.ts'

/** Names of models come from callers: past this many, further ones are counted together. */
const mostTargets = 200
const other = 'other'

const durationBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320]
const firstTokenBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40]

export interface Metrics {
  observe(exchange: Exchange): void
  contentType: string
  render(): Promise<string>
}

/** Counters and histograms of calls, for Prometheus. Label values are bounded: targets, outcomes, codes of our own. */
export function createMetrics(gauges: { underWay(): number; pendingRecords(): number }): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const calls = new Counter({
    name: 'sluice_calls_total',
    help: 'Calls that have ended, by target, outcome and fault code.',
    labelNames: ['target', 'status', 'code'],
    registers,
  })
  const attempts = new Counter({
    name: 'sluice_attempts_total',
    help: 'Requests to providers that have ended, by target and outcome.',
    labelNames: ['target', 'status'],
    registers,
  })
  const tokens = new Counter({
    name: 'sluice_tokens_total',
    help: 'Tokens used, by target and kind; the kinds are disjoint.',
    labelNames: ['target', 'kind'],
    registers,
  })
  const cost = new Counter({
    name: 'sluice_cost_usd_total',
    help: 'What priced calls cost, in US dollars; for graphs. The call log has the exact amounts.',
    labelNames: ['target'],
    registers,
  })
  const unpriced = new Counter({
    name: 'sluice_unpriced_calls_total',
    help: 'Calls whose cost is not known, for want of a price or of a usage report.',
    labelNames: ['target'],
    registers,
  })
  const duration = new Histogram({
    name: 'sluice_call_duration_seconds',
    help: 'From the request to the end of the answer.',
    labelNames: ['target'],
    buckets: durationBuckets,
    registers,
  })
  const firstToken = new Histogram({
    name: 'sluice_first_token_seconds',
    help: 'From the attempt to the first content of a stream.',
    labelNames: ['target'],
    buckets: firstTokenBuckets,
    registers,
  })
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

  const known = new Set<string>()
  const bounded = (name: string): string => {
    if (known.has(name)) return name
    if (known.size >= mostTargets) return other
    known.add(name)
    return name
  }

  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    observe(exchange) {
      const last = exchange.attempts.at(-1)
      const target = last ? bounded(targetName(last.target)) : 'none'
      calls.inc({ target, status: exchange.status, code: exchange.fault?.code ?? 'none' })
      for (const attempt of exchange.attempts) {
        attempts.inc({ target: bounded(targetName(attempt.target)), status: attempt.status })
      }
      if (!last) return
      duration.observe({ target }, exchange.durationMs / 1000)
      if (last.firstTokenMs !== undefined) firstToken.observe({ target }, last.firstTokenMs / 1000)
      observeSettlement(exchange, target)
    },
  }

  function observeSettlement({ settlement }: Exchange, target: string): void {
    if (!settlement) return
    for (const kind of usageKinds satisfies readonly UsageKind[]) {
      const count = settlement.usage[kind]
      if (count) tokens.inc({ target, kind }, count)
    }
    if (settlement.priced === 'unpriced') unpriced.inc({ target })
    if (settlement.costPicoUsd) cost.inc({ target }, Number(settlement.costPicoUsd) / 1e12)
  }
}
