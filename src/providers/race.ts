import type { Answer, Attempt, Presence } from '#exchange'
import type { Clock } from '#platform'
import type { Entry } from './candidate.ts'

export interface RaceOptions {
  clock: Clock
  /** The caller's. */
  presence: Presence
  first: Entry
  /** How long the first may take before the second is asked beside it. */
  afterMs: number
  /** The way in for the second; undefined: there is none, and the first goes on alone. */
  second(): Entry | undefined
  /** One attempt, to the beginning of its answer. Must not fail in any other way than by its promise. */
  go(entry: Entry, lap: Lap): Promise<Answer>
  won(entry: Entry): void
}

/**
 * Two attempts, the second some time after the first, where that has not begun its answer by then. Who begins first has
 * won, and the other is given up in the same moment. One that fails leaves it to the other; the race fails with the last
 * of them, with its cause.
 */
export function race(options: RaceOptions): Promise<Answer> {
  return new Promise((resolve, reject) => new Race(options, resolve, reject).run())
}

class Race {
  readonly #options: RaceOptions
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (cause: unknown) => void
  readonly #laps: Lap[] = []
  #underWay = 0
  #stopWaiting: () => void = () => undefined

  constructor(options: RaceOptions, resolve: (answer: Answer) => void, reject: (cause: unknown) => void) {
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
  }

  run(): void {
    const { clock, afterMs, first } = this.#options
    this.#stopWaiting = clock.after(afterMs, () => this.#goBeside())
    this.#go(first)
  }

  #goBeside(): void {
    const { presence, second } = this.#options
    if (presence.gone) return
    const entry = second()
    if (entry) this.#go(entry)
  }

  #go(entry: Entry): void {
    const lap = new Lap(this.#options.presence, this.#laps.length === 0)
    this.#laps.push(lap)
    this.#underWay += 1
    this.#options.go(entry, lap).then(
      answer => this.#won(answer, { entry, lap }),
      cause => this.#failed(cause),
    )
  }

  #won(answer: Answer, { entry, lap }: { entry: Entry; lap: Lap }): void {
    // The other one began in the same moment, and was heard first.
    if (lap.isLost) return answer.kind === 'stream' ? answer.stream.cancel() : undefined
    this.#stopWaiting()
    for (const other of this.#laps) if (other !== lap) other.lose()
    this.#options.won(entry)
    this.#resolve(answer)
  }

  /** What has lost fails too, when nobody waits for it any more. */
  #failed(cause: unknown): void {
    this.#underWay -= 1
    if (this.#underWay > 0) return
    this.#stopWaiting()
    this.#reject(cause)
  }
}

/** One of two attempts that race: to its provider's connection, having lost looks like a caller that has left. */
export class Lap implements Presence {
  readonly #caller: Presence
  readonly #isFirst: boolean
  #onLost: (() => void)[] = []
  #attempt: Attempt | undefined
  isLost = false

  constructor(caller: Presence, isFirst: boolean) {
    this.#caller = caller
    this.#isFirst = isFirst
  }

  get gone(): boolean {
    return this.isLost || this.#caller.gone
  }

  onGone(work: () => void): void {
    if (this.isLost) return work()
    this.#onLost.push(work)
    this.#caller.onGone(work) // whose work is done, or lost, does nothing
  }

  lose(): void {
    this.isLost = true
    // So short an answer that it was there whole in the moment in which the other one began.
    if (this.#attempt?.status === 'succeeded') this.#attempt.lostRace = true
    for (const work of this.#onLost.splice(0)) work()
  }

  /**
   * Its attempt has ended: puts on record whether it has lost. How long the one that was waited for had taken by then is noted as if it
   * had begun there: it would have taken longer, and were it left out, its target would look quicker with each hedge,
   * and so be hedged sooner and sooner.
   */
  note(attempt: Attempt, heardFirstToken: (ms: number) => void): void {
    this.#attempt = attempt
    if (!this.isLost) return
    attempt.lostRace = true
    delete attempt.code // nobody hung up
    const wasSent = attempt.usageSource !== undefined
    if (!this.#isFirst || !wasSent || attempt.firstTokenMs !== undefined) return
    heardFirstToken((attempt.endedAtMs ?? attempt.startedAtMs) - attempt.startedAtMs)
  }
}
