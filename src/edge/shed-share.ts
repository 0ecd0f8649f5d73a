/** By what part of itself a delay that is twice its bound moves the share, in each look. */
const gain = 0.1
/** How far beyond its bound a delay counts, in bounds. */
const farthest = 3
/** What a burst may use up before the first call is refused: a second at twice the bound. */
const allowance = 1

/**
 * The share of calls to refuse, so that the delay settles at its bound: the integral of how far it is off, after PIE
 * (RFC 8033), which bounds the delay of a queue by dropping a share of what comes. Refusing grows and fades with the
 * pressure, and a short burst, such as a collection of garbage, is let pass.
 */
export class ShedShare {
  #sum = -allowance

  /** Looked at in even steps of a tenth of a second. */
  update(delayMs: number, boundMs: number): void {
    const off = Math.min(delayMs / boundMs - 1, farthest)
    this.#sum = Math.min(Math.max(this.#sum + gain * off, -allowance), 1)
  }

  /** From 0, none, to 1, all. */
  get value(): number {
    return Math.max(this.#sum, 0)
  }

  get isAtRest(): boolean {
    return this.#sum === -allowance
  }
}
