import type { Socket } from 'node:net'
import type { Clock } from './clock.ts'

/** How long what is in no hurry waits for company. */
const companyMs = 2

/**
 * Gathers what is written to a socket, since a write to the kernel takes longer than all else of a small message. What
 * is in a hurry leaves at the end of this turn of the event loop, and takes everything along.
 */
export class Outbox {
  readonly #clock: Clock
  #socket: Socket | undefined
  #isLeaving = false
  #stopTimer: () => void = () => undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Before each message to that socket. */
  open(socket: Socket, { hurried }: { hurried: boolean }): void {
    if (socket !== this.#socket) {
      this.flush()
      this.#socket = socket
      socket.cork()
      if (!hurried) this.#stopTimer = this.#clock.after(companyMs, () => this.flush())
    }
    if (!hurried || this.#isLeaving) return
    this.#isLeaving = true
    setImmediate(() => this.flush())
  }

  flush(): void {
    this.#stopTimer()
    this.#socket?.uncork()
    this.#socket = undefined
    this.#isLeaving = false
  }
}
