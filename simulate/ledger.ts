import { type Attempt, type Call, type Plan, type Trip, targetName } from '#exchange'
import type { Gateway } from '#gateway'
import type { HttpRequest } from '#platform'
import type { LawBook } from './laws.ts'

/** An attempt as Sluice opened it, with the call that it was made for. */
export interface Opened {
  tag: string
  call: Call
  plan: Plan
  attempt: Attempt
}

/** What is configured of providers, by name. */
export interface Places {
  originOf(provider: string): string
  /** Attempts at once; undefined: no limit. */
  concurrencyOf(provider: string): number | undefined
}

/** What a prompt says of itself, so that it is known again in any dialect. */
const marker = /\bcall number (\d+)\b/

/**
 * Watches from inside which attempts are opened, and ties each request that leaves to the one it is made for: by the
 * number in its prompt, and by where it goes.
 */
export class Ledger {
  readonly #book: LawBook
  readonly #waiting: Opened[] = []
  readonly #places: Places
  readonly #underWay = new Map<string, Set<Attempt>>()
  readonly opened = new Map<string, Opened>()
  #strangers = 0

  constructor(book: LawBook, places: Places) {
    this.#book = book
    this.#places = places
  }

  watch(gateway: Gateway): Gateway {
    const attempt = (trip: Trip): ReturnType<Gateway['providers']['attempt']> =>
      gateway.providers.attempt({
        ...trip,
        open: async (target, hold) => {
          const opened = await trip.open(target, hold)
          this.#enter(trip, opened)
          return opened
        },
      })
    return { ...gateway, providers: { ...gateway.providers, attempt } }
  }

  /** A request leaves. Gives the name that it goes by on the provider's bill. */
  depart(request: HttpRequest): string {
    const number = marker.exec(request.body?.toString() ?? '')?.[1]
    const at = this.#waiting.findIndex(
      ({ tag, attempt }) =>
        tag.startsWith(`${number}.`) && this.#places.originOf(attempt.target.provider) === request.origin,
    )
    const [found] = at < 0 ? [] : this.#waiting.splice(at, 1)
    this.#book.check(
      found !== undefined,
      'an attempt is on record before it is made',
      () => `a request of call ${number} went to ${request.origin} without an attempt`,
    )
    if (found) return found.tag
    this.#strangers += 1
    return `stranger.${this.#strangers}`
  }

  #enter({ call, plan }: Trip, attempt: Attempt): void {
    const number = marker.exec(call.body.toString())?.[1]
    const opened = { tag: `${number}.${attempt.n}`, call, plan, attempt }
    this.#book.check(
      !this.opened.has(opened.tag),
      'an attempt is on record before it is made',
      () => `attempt ${opened.tag} to ${targetName(attempt.target)} was opened twice`,
    )
    this.opened.set(opened.tag, opened)
    this.#waiting.push(opened)
    this.#count(attempt)
  }

  #count(attempt: Attempt): void {
    const { provider } = attempt.target
    const most = this.#places.concurrencyOf(provider)
    if (most === undefined) return
    const underWay = this.#underWay.get(provider) ?? new Set()
    for (const one of underWay) if (one.status !== 'running') underWay.delete(one)
    underWay.add(attempt)
    this.#underWay.set(provider, underWay)
    this.#book.check(
      underWay.size <= most,
      'under way within limits',
      () => `${underWay.size} attempts at ${provider}, which takes ${most}`,
    )
  }
}
