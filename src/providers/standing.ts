import type { Clock } from '#platform'
import { Breaker, type BreakerLimits, type BreakerState } from './breaker.ts'
import type { Provider } from './provider.ts'

/** First-token times that are looked at. */
const mostTimes = 64
/** Callers may name any model of a provider: past this many, those that nothing is under way to are forgotten. */
const mostTargets = 2_000

/** How a target does, as far as this process has seen. */
export class Standing {
  readonly breaker: Breaker
  /** Attempts that have not ended. */
  underWay = 0
  readonly #firstTokensMs = new Float64Array(mostTimes)
  #times = 0

  constructor(limits: BreakerLimits) {
    this.breaker = new Breaker(limits)
  }

  heardFirstToken(ms: number): void {
    this.#firstTokensMs[this.#times % mostTimes] = ms
    this.#times += 1
  }

  /** Of the last 64 streams, the time to the first content that this share of them did not exceed. */
  firstTokenMs(share: number): number | undefined {
    const known = Math.min(this.#times, mostTimes)
    if (known === 0) return undefined
    const sorted = this.#firstTokensMs.slice(0, known).sort()
    return sorted[Math.min(known - 1, Math.floor(share * known))]
  }
}

export interface TargetStanding {
  provider: string
  model: string
  state: BreakerState
  underWay: number
  firstTokenP50Ms: number | undefined
  firstTokenP95Ms: number | undefined
  /** Until an open breaker lets a probe through. */
  opensInMs: number
}

/** Standings of all targets; they outlive a configuration, as far as their provider stays as it was. */
export class Standings {
  readonly #clock: Clock
  readonly #targets = new Map<string, { provider: Provider; model: string; standing: Standing }>()
  readonly #credentials = new Map<string, Breaker>()

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
  }

  of(provider: Provider, model: string): Standing {
    const key = `${provider.identity}/${model}`
    const known = this.#targets.get(key)
    if (known) return known.standing
    if (this.#targets.size >= mostTargets) this.#forgetIdle()
    const standing = new Standing(provider.breaker)
    this.#targets.set(key, { provider, model, standing })
    return standing
  }

  /** The breaker of all that a provider's credential opens. */
  credentialOf(provider: Provider): Breaker {
    const known = this.#credentials.get(provider.identity)
    if (known) return known
    // One failure is enough: a wrong key or an empty account does not mend itself within a call or two.
    const breaker = new Breaker({ ...provider.breaker, failures: 1, ...accountCooldown })
    this.#credentials.set(provider.identity, breaker)
    return breaker
  }

  /** Of the targets of these providers that were ever called. */
  list(providers: readonly Provider[]): TargetStanding[] {
    const nowMs = this.#clock.monotonic()
    return [...this.#targets.values()]
      .filter(({ provider }) => providers.some(({ identity }) => identity === provider.identity))
      .map(({ provider, model, standing }) => ({
        provider: provider.name,
        model,
        state: standing.breaker.state(nowMs),
        underWay: standing.underWay,
        firstTokenP50Ms: standing.firstTokenMs(0.5),
        firstTokenP95Ms: standing.firstTokenMs(0.95),
        opensInMs: standing.breaker.opensInMs(nowMs),
      }))
  }

  #forgetIdle(): void {
    for (const [key, { standing }] of this.#targets) {
      if (standing.underWay === 0) this.#targets.delete(key)
      if (this.#targets.size < mostTargets / 2) return
    }
  }
}

/** An owner who has paid, or mended the key, should not have to wait long. */
const accountCooldown = { cooldownMs: 30_000, longestCooldownMs: 300_000 }
