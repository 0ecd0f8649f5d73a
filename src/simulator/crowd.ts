/** How many requests are under way at once, for each name; those beyond the slots wait in line. */
export class Crowds {
  readonly #crowds = new Map<string, { inside: number; line: (() => void)[] }>()

  /** Counts one in, or says that there are already `most`. Who was let in must `leave`. */
  enter(name: string, most: number): boolean {
    const crowd = this.#find(name)
    if (crowd.inside >= most) return false
    crowd.inside += 1
    return true
  }

  /** Calls `enter` once there is a place, in the order of coming. The returned function leaves the line. */
  queue(name: string, enter: () => void): () => void {
    const crowd = this.#find(name)
    crowd.line.push(enter)
    return () => {
      const at = crowd.line.indexOf(enter)
      if (at >= 0) crowd.line.splice(at, 1)
    }
  }

  /** Gives the place to the first in line, or back. */
  leave(name: string): void {
    const crowd = this.#crowds.get(name)
    if (!crowd) return
    const next = crowd.line.shift()
    if (next) return next()
    crowd.inside -= 1
    if (crowd.inside === 0) this.#crowds.delete(name)
  }

  #find(name: string) {
    const known = this.#crowds.get(name)
    if (known) return known
    const crowd = { inside: 0, line: [] as (() => void)[] }
    this.#crowds.set(name, crowd)
    return crowd
  }
}
