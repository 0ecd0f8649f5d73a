import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Outcome } from './world.ts'

/** What the thread is asked for; `faulty`: which of the faulty parts is built in. */
export interface Wanted {
  seed: number
  faulty: number | undefined
}

/**
 * Worlds in a thread of their own, one after the other. The test runner follows each promise of the thread that tests
 * run in (an `async_hooks` of its own, with `init` and `destroy`), which takes more than a world itself does: 200 of them
 * were 49 s of CPU there, and are 26 s here.
 */
export class Aside {
  readonly #thread = new Worker(new URL('./aside-thread.ts', import.meta.url), {
    execArgv: [], // what the runner loads into each test file would begin to run tests there
  })

  /** Throws what the thread ended by. */
  async simulate(seed: number, faulty?: number): Promise<Outcome> {
    const answered = once(this.#thread, 'message')
    this.#thread.postMessage({ seed, faulty } satisfies Wanted)
    const [outcome] = (await answered) as [Outcome]
    return outcome
  }

  async close(): Promise<void> {
    await this.#thread.terminate()
  }
}
