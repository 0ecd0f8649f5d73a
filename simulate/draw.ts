import type { Chance } from '#platform'

/** Chance from a seed ("mulberry32"), and what is drawn by it. */
export class Draw implements Chance {
  #state: number

  constructor(seed: number) {
    this.#state = spread(seed)
  }

  /** At least 0, less than 1. */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count)
    for (let at = 0; at < count; at += 1) bytes[at] = this.below(256)
    return bytes
  }

  below(count: number): number {
    return Math.floor(this.random() * count)
  }

  /** A whole number, both ends among them. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  happens(probability: number): boolean {
    return this.random() < probability
  }

  pick<const T>(list: readonly [T, ...T[]]): T {
    return list[this.below(list.length)] ?? list[0]
  }

  /** A chance of its own: what is drawn there changes nothing here. */
  fork(): Draw {
    return new Draw(this.below(2 ** 32))
  }
}

/** Neighbouring seeds must not begin alike (the finalizer of MurmurHash3). */
function spread(seed: number): number {
  let mixed = seed | 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
