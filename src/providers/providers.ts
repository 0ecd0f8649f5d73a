import { type Answer, assert, type Trip } from '#exchange'
import { type AttemptDeps, attemptTarget } from './attempt.ts'
import type { Provider } from './provider.ts'

/** Makes calls. One for each configuration; sockets are shared between configurations through the HTTP client. */
export interface Providers {
  /** Goes to the plan's first target. Fails with a `Fault` that says what the provider did. */
  attempt(trip: Trip): Promise<Answer>
  /** Whose price list applies to a provider. */
  vendorOf(provider: string): string
}

export function createProviders(deps: AttemptDeps, providers: readonly Provider[]): Providers {
  const byName = new Map(providers.map(provider => [provider.name, provider]))
  return {
    async attempt(trip) {
      const target = trip.plan.targets[0]
      assert(target, 'a plan has at least one target')
      const provider = byName.get(target.provider)
      assert(provider, `routing knows only configured providers, and not ${target.provider}`)
      return await attemptTarget(deps, provider, target, trip)
    },
    vendorOf: name => byName.get(name)?.vendor ?? name,
  }
}
