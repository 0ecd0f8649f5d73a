/**
 * `node bench/noisy-tenant.ts`: the latency of seven tenants while the eighth asks for its share, and for ten times
 * that. Goal: everyone else's p99 changes by at most 10 %.
 */
import { parseArgs } from 'node:util'
import { type Callers, callFor, callMs, median, places, say, setStage } from './lane-stage.ts'
import type { Samples } from './tally.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '8' } },
})

const share = (places * 1000) / callMs / 8
const asks = (tenant: number, times: number): Callers => ({
  tenant,
  class: 'interactive',
  perSecond: share * times,
})
const others = Array.from({ length: 7 }, (_, n) => asks(n + 1, 0.5))

const stage = await setStage()
try {
  const changes: number[] = []
  const seconds = Number(values.seconds)
  await callFor(stage, 3, others)
  for (let round = 0; round < Number(values.rounds); round++) {
    const before = await callFor(stage, seconds, [...others, asks(0, 1)])
    const beside = await callFor(stage, seconds, [...others, asks(0, 10)])
    const [p99Before, p99Beside] = [before, beside].map(all => median(all.slice(0, 7).map(p99)))
    if (p99Before === undefined || p99Beside === undefined) throw new Error('nobody was heard')
    changes.push(p99Beside / p99Before - 1)
    const noisy = beside[7]
    const refused = beside.slice(0, 7).reduce((sum, one) => sum + one.refused, 0)
    say(
      `others' p99 ${p99Before.toFixed(0)} → ${p99Beside.toFixed(0)} ms, refused ${refused}; the noisy one: served ${noisy?.served}, refused ${noisy?.refused}`,
    )
  }
  say(`p99 of everyone else: ${(median(changes) * 100).toFixed(0)} % (goal: at most 10 %)`)
} finally {
  await stage.stop()
}

function p99({ latencyMs }: { latencyMs: ReturnType<Samples['quantiles']> }): number {
  return latencyMs.p99
}
