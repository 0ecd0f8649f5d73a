import { type Attempt, targetName } from '#exchange'
import { isoTime } from '#platform'
import type { Alert } from './alert.ts'

/** As much of a call that has ended as is looked at. */
export interface EndedCall {
  readonly attempts: readonly Attempt[]
}

interface Tally {
  attempts: number
  estimates: number
  toldUnpriced: boolean
  toldEstimates: boolean
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** So many attempts without a report of their usage in an hour, and so large a share of all, are no accident. */
const leastEstimates = 20
const estimatesShare = 0.2
/** Names of models come from callers: past this many, further ones are not told apart. */
const mostTargets = 200
const others = { provider: 'other', model: '' }

const refusals: Readonly<Record<string, string>> = {
  provider_quota_exhausted: 'has no credit or quota left, or has reached its spend limit',
  provider_credential_rejected: 'does not accept the credential that is configured for it',
}

/** Sees in calls that ended what their owner should know: no price, no credit, no usage. Counts by hour and target. */
export class CallWatch {
  readonly #raise: (alert: Alert) => void
  readonly #tallies = new Map<string, Map<string, Tally>>()
  #targets = 0
  #hour = -1

  constructor(raise: (alert: Alert) => void) {
    this.#raise = raise
  }

  observe({ attempts }: EndedCall): void {
    for (const attempt of attempts) {
      const hour = Math.floor((attempt.endedAtMs ?? attempt.startedAtMs) / hourMs)
      // An attempt that was long under way counts in the hour that has begun since.
      if (hour > this.#hour) this.#turn(hour)
      this.#look(attempt, this.#tallyOf(attempt))
    }
  }

  #turn(hour: number): void {
    this.#hour = hour
    this.#tallies.clear()
    this.#targets = 0
  }

  #tallyOf({ target }: Attempt): Tally {
    const known = this.#tallies.get(target.provider)?.get(target.model)
    if (known) return known
    const { provider, model } = this.#targets < mostTargets ? target : others
    const ofProvider = this.#tallies.get(provider) ?? new Map<string, Tally>()
    this.#tallies.set(provider, ofProvider)
    const tally = ofProvider.get(model) ?? {
      attempts: 0,
      estimates: 0,
      toldUnpriced: false,
      toldEstimates: false,
    }
    if (!ofProvider.has(model)) this.#targets += 1
    ofProvider.set(model, tally)
    return tally
  }

  #look(attempt: Attempt, tally: Tally): void {
    tally.attempts += 1
    if (attempt.price === 'unpriced' && !tally.toldUnpriced) {
      tally.toldUnpriced = true
      this.#tellUnpriced(attempt)
    }
    if (attempt.usageSource === 'estimate' || attempt.usageSource === 'unknown') {
      tally.estimates += 1
      const isMany = tally.estimates >= Math.max(leastEstimates, estimatesShare * tally.attempts)
      if (isMany && !tally.toldEstimates) {
        tally.toldEstimates = true
        this.#tellEstimates(attempt, tally)
      }
    }
    if (attempt.failure === 'account') this.#tellRefusal(attempt)
  }

  /** Once a day for each target: a price that is missing is missing in the next hour as well. */
  #tellUnpriced({ target }: Attempt): void {
    const name = targetName(target)
    const day = this.#day()
    this.#raise({
      kind: 'unpriced_calls',
      key: `unpriced_calls/${name}/${day.name}`,
      severity: 'warning',
      title: `Calls to ${name} have no price: what they cost is not known and not counted. Add it under \`prices\`.`,
      detail: { target: name },
      endsAtMs: day.endMs,
    })
  }

  #tellEstimates({ target }: Attempt, { attempts, estimates }: Tally): void {
    const name = targetName(target)
    const day = this.#day()
    this.#raise({
      kind: 'estimates',
      key: `estimates/${name}/${day.name}`,
      severity: 'warning',
      title: `${estimates} of ${attempts} attempts at ${name} in this hour were settled by estimate: it does not say what they used.`,
      detail: { target: name, attempts, estimates },
      endsAtMs: day.endMs,
    })
  }

  /** Once an hour: it may have been mended since. */
  #tellRefusal({ target, code = 'account' }: Attempt): void {
    const hour = this.#hour
    const words = refusals[code] ?? 'refuses calls for reasons of its account'
    this.#raise({
      kind: 'provider_spend_limit',
      key: `provider_spend_limit/${target.provider}/${code}/${isoTime(hour * hourMs).slice(0, 13)}`,
      severity: 'critical',
      title: `Provider ${target.provider} ${words}.`,
      detail: { provider: target.provider, target: targetName(target), code },
      endsAtMs: (hour + 1) * hourMs,
    })
  }

  #day(): { name: string; endMs: number } {
    const startMs = Math.floor((this.#hour * hourMs) / dayMs) * dayMs
    return { name: isoTime(startMs).slice(0, 10), endMs: startMs + dayMs }
  }
}
