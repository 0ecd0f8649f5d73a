import { Fault } from '#exchange'
import type { Clock } from '#platform'
import type { Round } from './rounds.ts'

/** What can be under way. */
export interface Traveller {
  cut(): void
  /** Looked at from time to time. */
  look?(round: Round): void
}

interface Entry {
  traveller: Traveller
  at: number
}

/** What has not ended, so that a drain can wait for it and, at its end, cut it off. */
export class UnderWay {
  /**
   * An array that entries leave by changing places with the last one. A Set would do, but V8 makes it a new table
   * every hundred calls or so, and a dead table in the old generation keeps what it last held, and the table after
   * it, through every minor collection: a sixth of the processor time went there (Node 24.21).
   */
  readonly #entries: Entry[] = []
  #whenEmpty: (() => void)[] = []

  /** The returned function says that it has ended. */
  enter(traveller: Traveller): () => void {
    const entry: Entry = { traveller, at: this.#entries.length }
    this.#entries.push(entry)
    return () => {
      this.#remove(entry)
      if (this.#entries.length > 0) return
      for (const tell of this.#whenEmpty.splice(0)) tell()
    }
  }

  get count(): number {
    return this.#entries.length
  }

  async empty(): Promise<void> {
    if (this.#entries.length === 0) return
    await new Promise<void>(resolve => this.#whenEmpty.push(resolve))
  }

  #remove(entry: Entry): void {
    const last = this.#entries.pop()
    if (!last || last === entry) return
    last.at = entry.at
    this.#entries[last.at] = last
  }

  /** Resolves after this time in any case. */
  async emptyWithin(ms: number, clock: Clock): Promise<void> {
    let stop: () => void = () => undefined
    const late = new Promise<void>(resolve => {
      stop = clock.after(ms, resolve)
    })
    await Promise.race([this.empty(), late])
    stop()
  }

  cutAll(): void {
    for (const { traveller } of [...this.#entries]) traveller.cut()
  }

  lookAt(round: Round): void {
    for (const { traveller } of [...this.#entries]) traveller.look?.(round)
  }
}

export function shuttingDown(): Fault {
  return new Fault('shutting_down', 'This server is shutting down; try another one, or again in a moment.')
}
