import { Gauge, type Registry } from 'prom-client'
import type { CallClass } from '#exchange'

/** How a target does just now; or the credential of a provider, by the provider's name and with no number of its own. */
export interface TargetGauge {
  target: string
  state: 'closed' | 'half_open' | 'open'
  underWay: number | undefined
}

const stateValues = { closed: 0, half_open: 1, open: 2 } as const

/** Gauges of how targets do, read when they are scraped. `nameOf` bounds how many names there are. */
export function registerStandings(
  registry: Registry,
  { standings, nameOf }: { standings(): Iterable<TargetGauge>; nameOf(target: string): string },
): void {
  const registers = [registry]
  new Gauge({
    name: 'sluice_breaker_state',
    help: 'Breaker of a target: 0 closed, 1 half-open, 2 open; of targets that are counted together, the worst. Under the name of a provider alone: the breaker of its credential.',
    labelNames: ['target'],
    registers,
    collect() {
      this.reset()
      const worst = new Map<string, number>()
      for (const { target, state } of standings()) {
        const name = nameOf(target)
        worst.set(name, Math.max(worst.get(name) ?? 0, stateValues[state]))
      }
      for (const [name, value] of worst) this.labels(name).set(value)
    },
  })
  new Gauge({
    name: 'sluice_target_under_way',
    help: 'Requests to providers that have not ended, by target.',
    labelNames: ['target'],
    registers,
    collect() {
      this.reset()
      for (const { target, underWay } of standings()) {
        if (underWay !== undefined) this.labels(nameOf(target)).inc(underWay)
      }
    },
  })
}

/** How many wait for a provider, or for one of its models. */
export interface LaneGauge {
  provider: string
  model?: string
  waiting: Readonly<Record<CallClass, number>>
}

/** Who waits for providers, of which there are as many as the configuration has. */
export function registerLanes(registry: Registry, lanes: () => Iterable<LaneGauge>): void {
  new Gauge({
    name: 'sluice_lane_waiting',
    help: 'Calls that wait until a provider may be asked, by provider and class.',
    labelNames: ['provider', 'class'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { provider, model, waiting } of lanes()) {
        if (model !== undefined) continue
        for (const [of, count] of Object.entries(waiting)) this.labels(provider, of).set(count)
      }
    },
  })
}
