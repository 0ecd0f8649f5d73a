import { type Answer, assert, type Dialect, type Target, type Trip } from '#exchange'
import type { LaneStanding } from './lane.ts'
import type { Provider } from './provider.ts'
import { Pursuit, type PursuitDeps } from './pursue.ts'
import type { BreakerStanding, NamedStanding, TargetStanding } from './standing.ts'

/** Makes calls. One for each configuration; sockets are shared between configurations through the HTTP client. */
export interface Providers {
  /** Pursues an answer over the plan's targets. Fails with a `Fault` that says what the last provider did. */
  attempt(trip: Trip): Promise<Answer>
  /** Whose price list applies to a provider. */
  vendorOf(provider: string): string
  loadOf(target: Target): { underWay: number; firstTokenMs: number | undefined }
  /** How the targets do that were ever called, and the credentials; enough for gauges. */
  standings(): NamedStanding[]
  /** Who waits for them. */
  lanes(): LaneStanding[]
  /** All that is known of each provider, in the order of the configuration. */
  describe(): ProviderDescription[]
  /** Closes the breakers of a provider. */
  reset(provider: string): void
}

/** A provider as operators see it. */
export interface ProviderDescription {
  name: string
  /** Whose price list applies; undefined: nobody's that is known. */
  vendor: string | undefined
  /** What it speaks in general, and for the models that were called. */
  dialects: Dialect[]
  origin: string
  credential: BreakerStanding
  targets: TargetStanding[]
  /** Of the provider as a whole, then of its models; empty before the first call. */
  lane: LaneStanding[]
}

export function createProviders(
  deps: Omit<PursuitDeps, 'providerOf'>,
  providers: readonly Provider[],
): Providers {
  const byName = new Map(providers.map(provider => [provider.name, provider]))
  const pursuitDeps: PursuitDeps = {
    ...deps,
    providerOf(name) {
      const provider = byName.get(name)
      assert(provider, `routing knows only configured providers, and not ${name}`)
      return provider
    },
  }
  return {
    attempt: trip => new Pursuit(pursuitDeps, trip).run(),
    vendorOf: name => byName.get(name)?.vendor ?? name,
    loadOf({ provider, model }) {
      const standing = deps.standings.of(pursuitDeps.providerOf(provider), model)
      return { underWay: standing.underWay, firstTokenMs: standing.firstTokenMs(0.5) }
    },
    standings: () => deps.standings.list(providers),
    lanes: () => deps.lanes.describe(providers),
    describe: () => providers.map(provider => describeProvider(provider, deps)),
    reset: name => deps.standings.reset(pursuitDeps.providerOf(name)),
  }
}

function describeProvider(
  provider: Provider,
  { standings, lanes }: Pick<PursuitDeps, 'standings' | 'lanes'>,
): ProviderDescription {
  const { name, vendor, origin } = provider
  const targets = standings.targetsOf(provider)
  const models = ['', ...targets.map(({ model }) => model)]
  return {
    name,
    vendor: vendor.startsWith('house:') ? undefined : vendor,
    dialects: [...new Set(models.flatMap(model => provider.speaks(model)))],
    origin,
    credential: standings.credentialStanding(provider),
    targets,
    lane: lanes.describe([provider]),
  }
}
