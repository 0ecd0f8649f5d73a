/**
 * `node bench/batch-beside.ts`: the latency of interactive calls beside batch work that wants all a provider has,
 * against without it. Goal: p99 at most 1.2 times.
 */
import { parseArgs } from 'node:util'
import { type Callers, callFor, callMs, median, places, say, setStage } from './lane-stage.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '8' } },
})

const capacity = (places * 1000) / callMs
const interactive: Callers = { tenant: 0, class: 'interactive', perSecond: capacity * 0.3 }
const batch: Callers = { tenant: 1, class: 'batch', perSecond: capacity * 1.5 }

const stage = await setStage()
try {
  const ratios: number[] = []
  const seconds = Number(values.seconds)
  await callFor(stage, 3, [interactive])
  for (let round = 0; round < Number(values.rounds); round++) {
    const [alone] = await callFor(stage, seconds, [interactive])
    const [beside, work] = await callFor(stage, seconds, [interactive, batch])
    if (!alone || !beside || !work) throw new Error('nobody was heard')
    const { latencyMs: without } = alone
    const { latencyMs: within } = beside
    ratios.push(within.p99 / without.p99)
    say(
      `interactive p50 ${without.p50.toFixed(0)} → ${within.p50.toFixed(0)} ms, p99 ${without.p99.toFixed(0)} → ${within.p99.toFixed(0)} ms; batch served ${work.served}, refused ${work.refused}; attempts that the provider refused ${alone.again + beside.again + work.again}; interactive refused ${beside.refused}`,
    )
  }
  say(`p99 beside batch work: ${median(ratios).toFixed(2)} × (goal: 1.2 ×)`)
} finally {
  await stage.stop()
}
