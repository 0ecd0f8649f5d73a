import { type Answer, assert, type Target, type Trip } from '#exchange'
import type { Provider } from './provider.ts'
import { Pursuit, type PursuitDeps } from './pursue.ts'
import type { TargetStanding } from './standing.ts'

/** Makes calls. One for each configuration; sockets are shared between configurations through the HTTP client. */
export interface Providers {
  /** Pursues an answer over the plan's targets. Fails with a `Fault` that says what the last provider did. */
  attempt(trip: Trip): Promise<Answer>
  /** Whose price list applies to a provider. */
  vendorOf(provider: string): string
  loadOf(target: Target): { underWay: number; firstTokenMs: number | undefined }
  /** How each target that was ever called does. */
  standings(): TargetStanding[]
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
  }
}
