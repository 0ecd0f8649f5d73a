import type { CallClass } from '#exchange'
import { Fault } from '#exchange'
import type { Chance, Clock, Pressure } from '#platform'
import { ShedShare } from './shed-share.ts'

/** What there is too little of. */
export type ShedReason = 'calls' | 'memory' | 'delay'

export interface ShedLimits {
  /** Calls under way at once. */
  mostUnderWay: number
  /** The event loop's standing delay, in milliseconds. */
  mostDelayMs: number
}

export interface ShedderOptions {
  /** Of the newest configuration. */
  limits(): ShedLimits
  underWay(): number
  pressure: Pressure
  clock: Clock
  chance: Chance
}

export interface ShedCount {
  class: CallClass
  reason: ShedReason
  count: number
}

/** What a class may use of each limit: batch work yields first. */
const parts: Readonly<
  Record<CallClass, { calls: number; delay: number; memory: readonly [number, number] }>
> = {
  interactive: { calls: 1, delay: 1, memory: [0.92, 0.97] },
  batch: { calls: 0.8, delay: 0.4, memory: [0.85, 0.92] },
}

const lookMs = 100
/** A turn of the event loop that has gone on for so many bounds takes no more in, once there is pressure. */
const longestTurn = 4
/** To come back after: from the first with hardly any pressure to the second with all of it, half more or less. */
const [shortestWaitMs, longestWaitMs] = [1_000, 10_000]

/**
 * Refuses calls when this process has more to do than it can: by the delay of its event loop, by memory, and by the
 * number of calls under way. It looks ten times a second while calls come, and not at all when none do.
 */
export class Shedder {
  readonly #options: ShedderOptions
  readonly #shares: Readonly<Record<CallClass, ShedShare>> = {
    interactive: new ShedShare(),
    batch: new ShedShare(),
  }
  readonly #counts = new Map<string, ShedCount>()
  #memory = 0
  #lookedAtMs = 0
  #asked = false
  #stop: (() => void) | undefined

  constructor(options: ShedderOptions) {
    this.#options = options
  }

  get counts(): Iterable<ShedCount> {
    return this.#counts.values()
  }

  /** A call wants to come in: undefined when it may, else what it is told. */
  admit(of: CallClass): Fault | undefined {
    this.#asked = true
    if (this.#stop === undefined) this.#look()
    const reason = this.#whyNot(of)
    return reason && this.#refuse(of, reason)
  }

  stop(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  #whyNot(of: CallClass): ShedReason | undefined {
    const { limits, underWay, chance, clock } = this.#options
    const { mostUnderWay, mostDelayMs } = limits()
    const part = parts[of]
    if (underWay() >= mostUnderWay * part.calls) return 'calls'
    const memory = this.#memoryShare(of)
    if (memory > 0 && chance.random() < memory) return 'memory'
    const share = this.#shares[of].value
    if (share === 0) return undefined
    const lateMs = clock.monotonic() - this.#lookedAtMs - lookMs
    if (lateMs > mostDelayMs * part.delay * longestTurn) return 'delay'
    return chance.random() < share ? 'delay' : undefined
  }

  #memoryShare(of: CallClass): number {
    const [from, to] = parts[of].memory
    return (this.#memory - from) / (to - from)
  }

  #refuse(of: CallClass, reason: ShedReason): Fault {
    const key = `${of} ${reason}`
    const known = this.#counts.get(key)
    if (known) known.count += 1
    else this.#counts.set(key, { class: of, reason, count: 1 })
    const pressure = reason === 'delay' ? this.#shares[of].value : 0.5
    const waitMs = shortestWaitMs + (longestWaitMs - shortestWaitMs) * pressure
    // Half more or less, or all who are refused now would come back at once.
    const retryAfterMs = Math.round(waitMs * (0.5 + this.#options.chance.random()))
    return new Fault(
      'overloaded',
      'This server has more to do than it can now. Come back after `retry-after`.',
      { retryAfterMs },
    )
  }

  #look(): void {
    const { clock, pressure, limits } = this.#options
    this.#lookedAtMs = clock.monotonic()
    this.#memory = pressure.memoryShare()
    pressure.takeLoopDelayMs() // what was before the first call is nobody's
    const again = (): void => {
      this.#stop = clock.after(lookMs, () => {
        this.#lookedAtMs = clock.monotonic()
        this.#memory = pressure.memoryShare()
        const delayMs = pressure.takeLoopDelayMs()
        const { mostDelayMs } = limits()
        const { interactive, batch } = this.#shares
        interactive.update(delayMs, mostDelayMs * parts.interactive.delay)
        batch.update(delayMs, mostDelayMs * parts.batch.delay)
        const isOver = !this.#asked && interactive.isAtRest && batch.isAtRest
        this.#asked = false
        if (isOver) this.#stop = undefined
        else again()
      })
    }
    again()
  }
}
