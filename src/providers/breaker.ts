/** When a breaker opens, and for how long. */
export interface BreakerLimits {
  /** Failures in a row. */
  failures: number
  /** Share of failures, 0 to 1, among at least `leastAttempts` within `windowMs`. */
  ratio: number
  leastAttempts: number
  windowMs: number
  /** The first time; each time in a row doubles it, up to `longestCooldownMs`. */
  cooldownMs: number
  longestCooldownMs: number
}

export type BreakerState = 'closed' | 'open' | 'half_open'

/** Failures in a row, as a multiple of `failures`, after which a target is down whatever it did before. */
const downFactor = 4
/** The window in so many parts: it moves on by one of them. */
const parts = 6

/**
 * Keeps attempts away from what fails. States: closed → (failures in a row, or too large a share of them) open →
 * (after the cool-down) half-open, where exactly one attempt goes as a probe → closed by its success, open again by
 * its failure, half-open still when it is given up. A process that ends takes the state with it.
 *
 * An open breaker says whether its target is *down* (nothing succeeded of late, or nothing was even connected), or in
 * trouble: who has no other target left may still try one that is in trouble, so that flapping alone never leaves a
 * model without a target.
 */
export class Breaker {
  readonly #limits: BreakerLimits
  #opened = false
  #isDown = false
  #row = 0
  #unsentRow = 0
  #openUntilMs = 0
  #timesOpened = 0
  #probing = false
  /** Attempts and failures of each part of the window, and the number of the part that is current. */
  readonly #attempts = new Uint32Array(parts)
  readonly #failures = new Uint32Array(parts)
  #part = 0

  constructor(limits: BreakerLimits) {
    this.#limits = limits
  }

  state(nowMs: number): BreakerState {
    if (!this.#opened) return 'closed'
    return nowMs < this.#openUntilMs ? 'open' : 'half_open'
  }

  /** Whether an attempt may go now. */
  admits(nowMs: number): boolean {
    return !this.#opened || (nowMs >= this.#openUntilMs && !this.#probing)
  }

  /** Open, but not without hope. */
  get isInTrouble(): boolean {
    return this.#opened && !this.#isDown
  }

  /** Until it admits a probe, in milliseconds. */
  opensInMs(nowMs: number): number {
    return this.#opened ? Math.max(0, this.#openUntilMs - nowMs) : 0
  }

  /** An attempt goes. True: it is the probe, and its end must be told. */
  enter(nowMs: number): boolean {
    if (this.state(nowMs) !== 'half_open' || this.#probing) return false
    this.#probing = true
    return true
  }

  succeeded(nowMs: number, isProbe: boolean): void {
    this.#row = 0
    this.#unsentRow = 0
    if (isProbe) this.#probing = false // also where another one has closed it meanwhile
    if (this.#opened) this.#close()
    this.#count(nowMs, false)
  }

  /** `wasSent`: something was heard of the provider, or could have been. */
  failed(nowMs: number, { isProbe, wasSent }: { isProbe: boolean; wasSent: boolean }): void {
    this.#count(nowMs, true)
    this.#row += 1
    this.#unsentRow = wasSent ? 0 : this.#unsentRow + 1
    const { failures } = this.#limits
    const { attempts, failed } = this.#sum()
    if (this.#row >= failures && (failed === attempts || this.#unsentRow >= failures)) this.#isDown = true
    if (this.#row >= failures * downFactor) this.#isDown = true
    if (isProbe) this.#probing = false
    const isRefuted = isProbe && this.#opened
    if (isRefuted || (!this.#opened && (this.#row >= failures || this.#fails()))) this.#open(nowMs)
  }

  /** The end of an attempt that says nothing about the target. */
  abandoned(isProbe: boolean): void {
    if (isProbe) this.#probing = false
  }

  /** Somebody says that all is well again. A probe under way stays the only one until it ends. */
  reset(): void {
    this.#row = 0
    this.#unsentRow = 0
    this.#close()
  }

  #close(): void {
    this.#opened = false
    this.#isDown = false
    this.#timesOpened = 0
    this.#attempts.fill(0) // what was before the recovery says nothing about after it
    this.#failures.fill(0)
  }

  #open(nowMs: number): void {
    const { cooldownMs, longestCooldownMs } = this.#limits
    this.#opened = true
    this.#openUntilMs = nowMs + Math.min(longestCooldownMs, cooldownMs * 2 ** Math.min(this.#timesOpened, 16))
    this.#timesOpened += 1
  }

  #fails(): boolean {
    const { ratio, leastAttempts } = this.#limits
    const { attempts, failed } = this.#sum()
    return attempts >= leastAttempts && failed >= attempts * ratio
  }

  #sum(): { attempts: number; failed: number } {
    let attempts = 0
    let failed = 0
    for (let part = 0; part < parts; part++) {
      attempts += this.#attempts[part] ?? 0
      failed += this.#failures[part] ?? 0
    }
    return { attempts, failed }
  }

  #count(nowMs: number, failed: boolean): void {
    const now = Math.floor(nowMs / (this.#limits.windowMs / parts))
    for (let behind = Math.min(now - this.#part, parts); behind > 0; behind--) {
      const emptied = (now - behind + 1) % parts
      this.#attempts[emptied] = 0
      this.#failures[emptied] = 0
    }
    this.#part = now
    const part = now % parts
    this.#attempts[part] = (this.#attempts[part] ?? 0) + 1
    if (failed) this.#failures[part] = (this.#failures[part] ?? 0) + 1
  }
}
