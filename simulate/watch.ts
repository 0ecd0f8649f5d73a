import type { Gateway } from '#gateway'
import type { LimitStore } from '#limits'
import type { Clock } from '#platform'
import { RetryBudgets, Standings } from '#providers'
import type { Fixtures } from '../src/roles/snapshot.ts'
import type { LawBook } from './laws.ts'

type Breaker = ReturnType<Standings['credentialOf']>

/** Makes a part of Sluice faulty, to show that a law sees it. */
export interface Sabotage {
  breaker?(breaker: Breaker): void
  retryBudgets?(budgets: RetryBudgets): void
  gateway?(gateway: Gateway): Gateway
  fixtures?(fixtures: Fixtures): Fixtures
  limitStore?(store: LimitStore): LimitStore
  /** Instead of the time that a drain gives to what is under way. */
  drainMs?: number
}

interface Watch {
  book: LawBook
  clock: Clock
  sabotage: Sabotage
}

/** Standings whose breakers are watched: what goes past them is counted by somebody else than themselves. */
export class WatchedStandings extends Standings {
  readonly #watched = new WeakSet<Breaker>()
  readonly #watch: Watch

  constructor(watch: Watch) {
    super({ clock: watch.clock })
    this.#watch = watch
  }

  override of(...which: Parameters<Standings['of']>): ReturnType<Standings['of']> {
    const standing = super.of(...which)
    this.#look(standing.breaker, `${which[0].name}/${which[1]}`)
    return standing
  }

  override credentialOf(...which: Parameters<Standings['credentialOf']>): Breaker {
    const breaker = super.credentialOf(...which)
    this.#look(breaker, `the credential of ${which[0].name}`)
    return breaker
  }

  #look(breaker: Breaker, name: string): void {
    if (this.#watched.has(breaker)) return
    this.#watched.add(breaker)
    this.#watch.sabotage.breaker?.(breaker)
    watchBreaker(breaker, name, this.#watch.book)
  }
}

/** Counts probes from outside. Who has no other target may go past a breaker that is open but not down. */
function watchBreaker(breaker: Breaker, name: string, book: LawBook): void {
  const [enter, succeeded, failed, abandoned] = [
    breaker.enter.bind(breaker),
    breaker.succeeded.bind(breaker),
    breaker.failed.bind(breaker),
    breaker.abandoned.bind(breaker),
  ]
  let probes = 0
  breaker.enter = nowMs => {
    const [state, isInTrouble] = [breaker.state(nowMs), breaker.isInTrouble]
    const isProbe = enter(nowMs)
    if (isProbe) probes += 1
    if (state === 'closed') return isProbe
    book.check(probes <= 1, 'one probe', () => `${name} has ${probes} probes under way`)
    const mayPass = isInTrouble || (isProbe && state === 'half_open')
    book.check(mayPass, 'one probe', () => `an attempt went past the breaker of ${name}, which is ${state}`)
    return isProbe
  }
  breaker.succeeded = (nowMs, isProbe) => {
    if (isProbe) probes -= 1
    succeeded(nowMs, isProbe)
  }
  breaker.failed = (nowMs, end) => {
    if (end.isProbe) probes -= 1
    failed(nowMs, end)
  }
  breaker.abandoned = isProbe => {
    if (isProbe) probes -= 1
    abandoned(isProbe)
  }
}

/** As in `roles/serve.ts`. */
const bounds = { share: 0.1, floorPerSecond: 1 }
const windowSeconds = 10

/** Retry budgets whose grants are counted by somebody else. */
export class WatchedRetryBudgets extends RetryBudgets {
  readonly #watch: Watch
  /** Seconds in which there were requests, and grants, by pool. */
  readonly #requests = new Map<string, number[]>()
  readonly #grants = new Map<string, number[]>()
  granted = 0

  constructor(watch: Watch) {
    super({ clock: watch.clock, ...bounds })
    this.#watch = watch
    watch.sabotage.retryBudgets?.(this)
    const take = this.take.bind(this)
    this.take = (organization, provider, ...rest) => {
      const isGranted = take(organization, provider, ...rest)
      if (isGranted) this.#check(`${organization} at ${provider}`)
      return isGranted
    }
  }

  override request(organization: string, provider: string): void {
    this.#note(this.#requests, `${organization} at ${provider}`)
    super.request(organization, provider)
  }

  #check(pool: string): void {
    this.granted += 1
    const retries = this.#note(this.#grants, pool)
    const second = this.#second
    const recent = (this.#requests.get(pool) ?? []).filter(one => one > second - windowSeconds).length
    const most = Math.max(bounds.floorPerSecond * windowSeconds, bounds.share * recent)
    this.#watch.book.check(
      retries <= most,
      'retries stay in their budget',
      () => `${retries} retries of ${pool} within ${windowSeconds} s, after ${recent} requests`,
    )
  }

  get #second(): number {
    return Math.floor(this.#watch.clock.monotonic() / 1_000)
  }

  #note(seconds: Map<string, number[]>, pool: string): number {
    const recent = (seconds.get(pool) ?? []).filter(one => one > this.#second - windowSeconds)
    recent.push(this.#second)
    seconds.set(pool, recent)
    return recent.length
  }
}
