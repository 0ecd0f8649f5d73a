/** Milliseconds: percentiles of a set of samples. */
export interface Quantiles {
  count: number
  p50: number
  p90: number
  p99: number
  max: number
}

/** Samples kept whole (8 bytes each), so that a percentile is a measured value and not a bucket's edge. */
export class Samples {
  #values = new Float64Array(4096)
  #count = 0

  add(value: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(this.#count * 2)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.#count] = value
    this.#count += 1
  }

  quantiles(): Quantiles {
    const sorted = this.#values.slice(0, this.#count).sort()
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
    return { count: this.#count, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted.at(-1) ?? 0 }
  }
}

/** Counts a mark in a text that arrives in parts, also where a part ends within the mark. */
export class MarkCounter {
  readonly #mark: string
  #tail = ''

  constructor(mark: string) {
    this.#mark = mark
  }

  feed(part: string): number {
    const text = this.#tail + part
    let count = 0
    let from = 0
    for (let at = text.indexOf(this.#mark); at >= 0; at = text.indexOf(this.#mark, from)) {
      count += 1
      from = at + this.#mark.length
    }
    this.#tail = text.slice(Math.max(from, text.length - this.#mark.length + 1))
    return count
  }
}
