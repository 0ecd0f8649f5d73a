import type { Asked, Attempt, Call, Decision, Target, Usage } from '#exchange'
import { VirtualClock } from '../../test/support/virtual-clock.ts'
import { LimitKeeper, type Limits } from './limits.ts'
import { MemoryLimitStore } from './memory-store.ts'
import type { Spent } from './rebuild.ts'
import type { Reservation } from './reservation.ts'
import type { Rule } from './rule.ts'
import { ruleSet } from './rule-set.ts'
import { calendarWindow } from './window.ts'

/** A dollar a token in this world, and the same for input and output. */
export const usd = 1_000_000_000_000n

/** What the ledger tells of an attempt that was held then. */
export function spentAt(atMs: number, picoUsd: bigint, more: Partial<Spent> = {}): Spent {
  return {
    subject: {
      organization: 'acme',
      project: 'shop',
      keyId: 'k',
      keyName: 'web',
      user: undefined,
      feature: undefined,
      model: 'smart',
      class: 'interactive',
      tags: [],
      environment: undefined,
    },
    provider: 'p',
    target: 'p/m',
    atMs,
    picoUsd,
    inputTokens: 1,
    outputTokens: 1,
    ...more,
  }
}

export function rule(given: Partial<Rule>): Rule {
  const id = given.id ?? 'budget'
  return {
    id,
    counterId: id,
    entryId: id,
    name: id,
    kind: 'budget',
    unit: 'usd',
    most: 100n * usd,
    increases: [],
    per: [],
    match: {},
    window: calendarWindow('day', 'UTC'),
    hard: true,
    soft: [],
    unpriced: 'refuse',
    whenStoreIsAway: 'closed',
    requiresUser: false,
    visible: true,
    dependsOnTarget: false,
    origin: 'configuration',
    ...given,
  }
}

export interface Wish {
  input?: number
  /** What a closer look at the input finds. */
  closer?: number
  cap?: number | undefined
  user?: string
  targets?: readonly Target[]
  boundless?: string
  class?: 'interactive' | 'batch'
}

/** A call that was let in, and how it goes on. */
export interface Guest {
  reservation: Reservation
  degraded: string[]
  /** Makes one attempt at a target, and gives the cap that the provider is told. */
  attempt(target?: Target): Promise<{ attempt: Attempt; cap: number | undefined }>
  /** Ends an attempt. */
  end(attempt: Attempt, how: Partial<Attempt>): void
}

export const target: Target = { provider: 'p', model: 'm' }

/** Limits over a store in memory, on a clock that is turned by hand. */
export class Stage {
  readonly clock = new VirtualClock()
  readonly store = new MemoryLimitStore()
  readonly limits: Limits
  readonly #rules: readonly Rule[]
  #calls = 0

  constructor(rules: readonly Rule[], priced = true) {
    this.#rules = rules
    const set = ruleSet(rules)
    const keeper = new LimitKeeper({
      store: this.store,
      isShared: false,
      rules: () => set,
      clock: this.clock,
      log: { warn: () => undefined } as never,
      note: () => undefined,
    })
    this.limits = keeper.view({
      mostOutput: () => undefined,
      pricing: {
        bound: (_, { inputTokens, outputTokens }) =>
          priced ? BigInt(inputTokens + outputTokens) * usd : undefined,
        price(attempt) {
          const tokens = Object.values(attempt.usage ?? {}).reduce((sum, count) => sum + count, 0)
          attempt.costPicoUsd = BigInt(tokens) * usd
        },
      },
    })
  }

  /** Asks for a place; `leave` hangs up. */
  ask(wish: Wish = {}): { answer: Promise<Decision<Guest>>; leave(): void } {
    const asked = askedFor(wish)
    const onGone: (() => void)[] = []
    const presence = { gone: false, onGone: (work: () => void) => void onGone.push(work) }
    const degraded: string[] = []
    const answer = this.#reserve(wish, asked, { presence, degraded })
    return { answer, leave: () => void onGone.map(work => work()) }
  }

  /** What the first rule's only counter stands at. */
  counted(n = 0, subject = 'all'): { spent: bigint; held: bigint } {
    const one = this.#rules[n]
    if (!one) throw new Error('no such rule')
    const nowMs = this.clock.now()
    const key = `${one.counterId}:${one.window.at(nowMs).key}:${subject}`
    const [counted] = this.store.read([{ key, rolling: one.window.rolling, endsAtMs: 0 }], nowMs)
    return counted ?? { spent: 0n, held: 0n }
  }

  async #reserve(
    { targets = [target], user, class: of = 'interactive' }: Wish,
    asked: Asked,
    {
      presence,
      degraded,
    }: { presence: { gone: boolean; onGone(work: () => void): void }; degraded: string[] },
  ): Promise<Decision<Guest>> {
    this.#calls += 1
    const call = { ...callOf(this.#calls, this.clock.now()), user, class: of }
    const timeouts = { connectMs: 1, firstTokenMs: 1, idleMs: 1, totalMs: 600_000 }
    const plan = { targets, timeouts, retries: 0 }
    const degrade = (why: string): void => void degraded.push(why)
    const held = await this.limits.reserve({ call, asked, plan, presence, degrade, tell: () => undefined })
    if (!held.ok) return held
    const reservation = held.value
    if (!reservation) throw new Error('no rule concerns the call')
    return { ok: true, value: this.#guest(reservation, degraded) }
  }

  #guest(reservation: Reservation, degraded: string[]): Guest {
    let n = 0
    return {
      reservation,
      degraded,
      attempt: async (to = target) => {
        const { asked, hold } = await reservation.cover(to)
        const attempt: Attempt = { n: ++n, target: to, startedAtMs: this.clock.now(), status: 'running' }
        reservation.opened(hold, attempt)
        return { attempt, cap: asked.output?.cap }
      },
      end: (attempt, how) => Object.assign(attempt, { endedAtMs: this.clock.now(), ...how }),
    }
  }
}

/** An end of which the provider says what was used. */
export function used(usage: Usage): Partial<Attempt> {
  return { status: 'succeeded', usage, usageSource: 'provider' }
}

function callOf(n: number, nowMs: number): Call {
  return {
    id: `call_${n}`,
    startedAtMs: nowMs,
    caller: { organization: 'acme', project: 'shop', keyId: 'key_1', keyName: 'web', role: 'key' },
    patienceMs: undefined,
    tags: [],
    environment: undefined,
    feature: undefined,
    headers: {},
  } as unknown as Call
}

function askedFor(wish: Wish): Asked {
  const { input = 10, closer = input, boundless } = wish
  const cap = 'cap' in wish ? wish.cap : 10
  return {
    operation: 'chat',
    model: 'm',
    inputBound: input,
    countInputBound: () => closer,
    output: { cap, choices: 1, thinking: undefined },
    boundless,
    withOutputCap: (tokens: number) => askedFor({ ...wish, cap: tokens }),
  } as unknown as Asked
}
