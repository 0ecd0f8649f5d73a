import { type Attempt, assert, type CallClass, type Fault, totalInput, totalOutput } from '#exchange'
import type { Clock } from '#platform'
import type { Slot } from './lane.ts'
import type { Gate } from './lane-gate.ts'
import { type UsedUp, usedUp } from './lane-headers.ts'
import type { Party } from './lane-line.ts'
import type { ModelLane } from './lane-model.ts'

/** The lane that a place is in. */
export interface Stay {
  left(place: Place, leaving: Parameters<Gate['left']>[0], nowMs: number): void
}

interface PlaceOptions {
  class: CallClass
  model: ModelLane
  party: Party
  /** That were taken for it. */
  tokens: number
  enteredMs: number
}

/** One that was let in, and has not left: listens to what the provider says, for all who come after it. */
export class Place implements Slot {
  readonly class: CallClass
  readonly model: ModelLane
  readonly party: Party
  readonly #clock: Clock
  readonly #stay: Stay
  readonly #tokens: number
  readonly #enteredMs: number
  #usedUp: UsedUp | undefined
  #left = false
  #attempt: Attempt | undefined
  #fault: Fault | undefined

  constructor(clock: Clock, stay: Stay, options: PlaceOptions) {
    this.#clock = clock
    this.#stay = stay
    this.class = options.class
    this.model = options.model
    this.party = options.party
    this.#tokens = options.tokens
    this.#enteredMs = options.enteredMs
  }

  heard(status: number, headers: Parameters<Slot['heard']>[1]): void {
    const isRefused = status === 429
    const found = usedUp(headers, { tokens: isRefused ? this.#tokens : 1 }, this.#clock.now())
    if (found === undefined) return
    if (isRefused) this.#usedUp = found
    else this.model.told(found, this.#clock.monotonic())
  }

  leave(attempt: Attempt | undefined, fault?: Fault): void {
    assert(!this.#left, 'a place in a lane is left once')
    this.#left = true
    this.#attempt = attempt
    this.#fault = fault
    const nowMs = this.#clock.monotonic()
    this.#stay.left(this, { heldMs: nowMs - this.#enteredMs, unused: this.#unused() }, nowMs)
  }

  /** What its end says about the model. */
  learn(nowMs: number): void {
    if (this.#attempt === undefined) return
    const { status, usage } = this.#attempt
    if (this.#fault?.code === 'rate_limited') {
      const { retryAfterMs } = this.#fault.detail
      this.model.refused({ enteredMs: this.#enteredMs, nowMs, retryAfterMs, usedUp: this.#usedUp })
    } else if (status === 'succeeded') this.model.answered(usage && totalOutput(usage))
  }

  /** Of what was taken for it; negative: it used more. */
  #unused(): { requests: number; tokens: number } {
    const attempt = this.#attempt
    if (attempt === undefined || attempt.failure === 'not_sent') return { requests: 1, tokens: this.#tokens }
    // A provider that refuses for a rate counts the request, and none of its tokens.
    if (this.#fault?.code === 'rate_limited') return { requests: 0, tokens: this.#tokens }
    const { usage } = attempt
    return { requests: 0, tokens: usage ? this.#tokens - totalInput(usage) - totalOutput(usage) : 0 }
  }
}
