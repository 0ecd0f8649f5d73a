const minuteMs = 60_000
/** Of a minute's worth, as much may come at once: 5 seconds of it, since some judge a minute by its seconds. */
const burst = 1 / 12
/** Of the burst, as much is kept back from batch work. */
const batchLeaves = 0.5
/** Sums of fractions: what is missing by less than this is not missing. */
const dust = 1e-6

/**
 * So many a minute, evenly: a token bucket (the "generic cell rate algorithm" of ITU-T I.371 as a leaky bucket). Over
 * any time it lets through that time's share and one burst. What is larger than the burst is let through when the bucket
 * is full, and leaves a debt.
 */
export class Bucket {
  #perMs: number
  #capacity: number
  #level: number
  #atMs: number

  constructor(perMinute: number, { nowMs, isEmpty = false }: { nowMs: number; isEmpty?: boolean }) {
    this.#perMs = perMinute / minuteMs
    this.#capacity = Math.max(1, perMinute * burst)
    this.#level = isEmpty ? 0 : this.#capacity
    this.#atMs = nowMs
  }

  /** Until this amount may be taken, by work that leaves the rest of the burst to others or not; 0: now. */
  waitMs(amount: number, { nowMs, isYielding }: { nowMs: number; isYielding: boolean }): number {
    const left = isYielding ? this.#capacity * batchLeaves : 0
    return this.#untilMs(Math.min(amount + left, this.#capacity), nowMs)
  }

  /** Until those who stand before have taken theirs, and then this amount may be taken. */
  expectMs(before: number, amount: number, nowMs: number): number {
    return this.#untilMs(before + Math.min(amount, this.#capacity), nowMs)
  }

  take(amount: number, nowMs: number): void {
    this.#refill(nowMs)
    this.#level -= amount
  }

  /** What was taken and not used; what was used beyond it, if negative. */
  giveBack(amount: number): void {
    this.#level = Math.min(this.#capacity, this.#level + amount)
  }

  /** Whoever counts as well says that nothing is left. */
  empty(nowMs: number): void {
    this.#refill(nowMs)
    this.#level = Math.min(0, this.#level)
  }

  /** From now on. */
  setRate(perMinute: number, nowMs: number): void {
    this.#refill(nowMs)
    this.#perMs = perMinute / minuteMs
    this.#capacity = Math.max(1, perMinute * burst)
    this.#level = Math.min(this.#level, this.#capacity)
  }

  #untilMs(needed: number, nowMs: number): number {
    this.#refill(nowMs)
    const missing = needed - this.#level
    return missing <= dust ? 0 : missing / this.#perMs
  }

  #refill(nowMs: number): void {
    this.#level = Math.min(this.#capacity, this.#level + (nowMs - this.#atMs) * this.#perMs)
    this.#atMs = nowMs
  }
}
