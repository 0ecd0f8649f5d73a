import type { Clock } from '#platform'
import type { UnderWay } from './under-way.ts'

/** What a look at an answer under way needs to know. */
export interface Round {
  nowMs: number
  /** Until the next look. */
  nextMs: number
  /** Longest silence of a stream. */
  heartbeatMs: number
  /** Longest time in which a reader may take nothing. */
  stalledReaderMs: number
}

export type StreamLimits = Pick<Round, 'heartbeatMs' | 'stalledReaderMs'>

/** So often is an answer looked at within the shorter of its limits. */
const looks = 8

const shortestMs = 10

/**
 * Looks after all answers under way with one timer, which stands still when there are none: no answer, and no piece of
 * one, pays for it.
 */
export class Rounds {
  readonly #underWay: UnderWay
  readonly #clock: Clock
  readonly #limits: () => StreamLimits
  #stop: (() => void) | undefined

  constructor(underWay: UnderWay, clock: Clock, limits: () => StreamLimits) {
    this.#underWay = underWay
    this.#clock = clock
    this.#limits = limits
  }

  /** Something is under way. */
  begin(): void {
    if (this.#stop === undefined) this.#await()
  }

  stop(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  #await(): void {
    const limits = this.#limits()
    const nextMs = Math.max(Math.min(limits.heartbeatMs, limits.stalledReaderMs) / looks, shortestMs)
    this.#stop = this.#clock.after(nextMs, () => {
      this.#stop = undefined
      if (this.#underWay.count === 0) return
      this.#underWay.lookAt({ ...limits, nextMs, nowMs: this.#clock.monotonic() })
      this.#await()
    })
  }
}
