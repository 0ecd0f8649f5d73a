import type { Lanes } from './lane.ts'
import { Lane, type LaneDeps } from './lane-of-provider.ts'

/** Lanes outlive a configuration, as far as their provider stays as it was. */
export function createLanes(deps: LaneDeps): Lanes {
  const lanes = new Map<string, { name: string; lane: Lane }>()
  return {
    enter(provider, ask) {
      const known = lanes.get(provider.identity)
      if (known) return known.lane.enter(ask)
      const { name, limits, connections } = provider
      // Of a configuration that holds no longer.
      for (const [identity, other] of lanes)
        if (other.name === name && other.lane.isIdle) lanes.delete(identity)
      const lane = new Lane(deps, { provider: name, limits, connections })
      lanes.set(provider.identity, { name, lane })
      return lane.enter(ask)
    },
    describe: providers => providers.flatMap(({ identity }) => lanes.get(identity)?.lane.describe() ?? []),
  }
}
