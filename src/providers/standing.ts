import { type FailureClass, targetName } from '#exchange'
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
  lastFailure: LastFailure | undefined
  #ended = 0
  readonly #firstTokensMs = new Float64Array(mostTimes)
  #times = 0

  constructor(limits: BreakerLimits) {
    this.breaker = new Breaker(limits)
  }

  /** Routing asks how a target does before it was ever called. */
  get wasCalled(): boolean {
    return this.underWay > 0 || this.#ended > 0
  }

  /** `wasMade`: it came to an attempt. */
  left(wasMade: boolean): void {
    this.underWay -= 1
    if (wasMade) this.#ended += 1
  }

  /** By the wall clock. What is wrong with a request says nothing about the target. */
  failed(failure: FailureClass, atMs: number): void {
    if (!failuresOfRequests.has(failure)) this.lastFailure = { failure, atMs }
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

export interface LastFailure {
  failure: FailureClass
  atMs: number
}

const failuresOfRequests: ReadonlySet<FailureClass> = new Set([
  'bad_request',
  'context_too_long',
  'content_blocked',
])

export interface BreakerStanding {
  state: BreakerState
  /** Until an open breaker lets a probe through. */
  opensInMs: number
}

/** How a target does, or (with nothing under way of its own) the credential of a provider. */
export interface NamedStanding extends BreakerStanding {
  /** `provider/model`, or the name of the provider. */
  target: string
  underWay: number | undefined
}

export interface TargetStanding extends BreakerStanding {
  model: string
  underWay: number
  firstTokenP50Ms: number | undefined
  firstTokenP95Ms: number | undefined
  lastFailure: LastFailure | undefined
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
    // Few are enough: a wrong key or an empty account does not mend itself within a call or two.
    const breaker = new Breaker({ ...provider.breaker, failures: 3, ...accountCooldown })
    this.#credentials.set(provider.identity, breaker)
    return breaker
  }

  /** Of these providers: their credentials, and the targets that were ever called. */
  list(providers: readonly Provider[]): NamedStanding[] {
    const known = new Set(providers.map(({ identity }) => identity))
    const nowMs = this.#clock.monotonic()
    const targets = [...this.#targets.values()].filter(
      ({ provider, standing }) => known.has(provider.identity) && standing.wasCalled,
    )
    return [
      ...providers.map(provider => ({
        target: provider.name,
        underWay: undefined,
        ...this.credentialStanding(provider),
      })),
      ...targets.map(({ provider, model, standing }) => ({
        target: targetName({ provider: provider.name, model }),
        underWay: standing.underWay,
        ...standingOf(standing.breaker, nowMs),
      })),
    ]
  }

  credentialStanding(provider: Provider): BreakerStanding {
    const breaker = this.#credentials.get(provider.identity)
    return breaker ? standingOf(breaker, this.#clock.monotonic()) : { state: 'closed', opensInMs: 0 }
  }

  /** The targets of a provider that were ever called, by name. */
  targetsOf({ identity }: Provider): TargetStanding[] {
    const nowMs = this.#clock.monotonic()
    return [...this.#targets.values()]
      .filter(({ provider, standing }) => provider.identity === identity && standing.wasCalled)
      .map(({ model, standing }) => ({
        model,
        ...standingOf(standing.breaker, nowMs),
        underWay: standing.underWay,
        firstTokenP50Ms: standing.firstTokenMs(0.5),
        firstTokenP95Ms: standing.firstTokenMs(0.95),
        lastFailure: standing.lastFailure,
      }))
      .sort((a, b) => (a.model < b.model ? -1 : 1))
  }

  /** Closes the breakers of a provider: whoever has mended something need not wait. */
  reset({ identity }: Provider): void {
    this.#credentials.get(identity)?.reset()
    for (const { provider, standing } of this.#targets.values()) {
      if (provider.identity === identity) standing.breaker.reset()
    }
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

function standingOf(breaker: Breaker, nowMs: number): BreakerStanding {
  return { state: breaker.state(nowMs), opensInMs: breaker.opensInMs(nowMs) }
}
