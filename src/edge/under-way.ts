import { Fault } from '#exchange'
import type { Clock } from '#platform'

/** What has not ended, so that a drain can wait for it and, at its end, cut it off. */
export class UnderWay {
  readonly #cuts = new Set<() => void>()
  #whenEmpty: (() => void)[] = []

  /** The returned function says that it has ended. */
  enter(cut: () => void): () => void {
    this.#cuts.add(cut)
    return () => {
      this.#cuts.delete(cut)
      if (this.#cuts.size > 0) return
      for (const tell of this.#whenEmpty.splice(0)) tell()
    }
  }

  get count(): number {
    return this.#cuts.size
  }

  async empty(): Promise<void> {
    if (this.#cuts.size === 0) return
    await new Promise<void>(resolve => this.#whenEmpty.push(resolve))
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
    for (const cut of this.#cuts) cut()
  }
}

export function shuttingDown(): Fault {
  return new Fault('shutting_down', 'This server is shutting down; try another one, or again in a moment.')
}
