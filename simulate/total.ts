import { type Law, laws } from './laws.ts'
import type { Outcome } from './world.ts'

/** Over all seeds. */
export class Total {
  readonly #checks = new Map<Law, number>()
  #seeds = 0
  #users = 0
  #calls = 0
  #attempts = 0
  #served = 0
  #virtualMs = 0
  broken = 0

  add(outcome: Outcome): void {
    this.#seeds += 1
    this.#users += outcome.users
    this.#calls += outcome.calls
    this.#attempts += outcome.attempts
    this.#served += outcome.served
    this.#virtualMs += outcome.virtualMs
    if (outcome.breaches.length > 0) this.broken += 1
    for (const [law, count] of outcome.checks) this.#checks.set(law, (this.#checks.get(law) ?? 0) + count)
  }

  tell(seconds: number): string {
    const hours = (this.#virtualMs / 3_600_000).toFixed(1)
    const share = ((100 * this.#served) / Math.max(1, this.#users)).toFixed(1)
    const checks = (Object.keys(laws) as Law[]).map(law => `  ${law}: ${this.#checks.get(law) ?? 0}`)
    return [
      `${this.#seeds} seeds, ${hours} virtual hours in ${seconds.toFixed(1)} s: ${this.#users} users (${share} % served), ${this.#calls} calls, ${this.#attempts} attempts`,
      'laws, and how often each was put to the test:',
      ...checks,
      this.broken === 0 ? 'all laws hold' : `${this.broken} seeds break a law`,
      '',
    ].join('\n')
  }
}
