/**
 * What is there for a short time, by its id. As a `Map`, but what it names is in a list beside it: a map in which
 * entries come and go is made anew every hundred or so, and its old tables, which live until the next full collection,
 * would keep alive all that they once named.
 */
export class Registry<T extends object> {
  readonly #places = new Map<string, number>()
  readonly #list: (T | undefined)[] = []
  readonly #free: number[] = []

  get size(): number {
    return this.#places.size
  }

  has(id: string): boolean {
    return this.#places.has(id)
  }

  get(id: string): T | undefined {
    const place = this.#places.get(id)
    return place === undefined ? undefined : this.#list[place]
  }

  set(id: string, one: T): void {
    const place = this.#places.get(id) ?? this.#free.pop() ?? this.#list.length
    this.#places.set(id, place)
    this.#list[place] = one
  }

  delete(id: string): void {
    const place = this.#places.get(id)
    if (place === undefined) return
    this.#places.delete(id)
    this.#list[place] = undefined
    this.#free.push(place)
  }

  *values(): Iterable<T> {
    for (const one of this.#list) if (one) yield one
  }
}
