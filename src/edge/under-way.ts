/** Calls that have not ended, so that a drain can wait for them and, at its end, cut them off. */
export class UnderWay {
  readonly #calls = new Set<() => void>()
  #whenEmpty: (() => void) | undefined

  enter(cut: () => void): () => void {
    this.#calls.add(cut)
    return () => {
      this.#calls.delete(cut)
      if (this.#calls.size === 0) this.#whenEmpty?.()
    }
  }

  get count(): number {
    return this.#calls.size
  }

  empty(): Promise<void> {
    return new Promise(resolve => {
      this.#whenEmpty = resolve
      if (this.#calls.size === 0) resolve()
    })
  }

  cutAll(): void {
    for (const cut of this.#calls) cut()
  }
}
