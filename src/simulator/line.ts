import type { ServerResponse } from 'node:http'
import type { Clock } from '#platform'

/**
 * The way of one answer to its client, at the client's pace. States: quiet → open (headers sent) → closed; the
 * response's `close` event is the one terminal event, whoever caused it.
 */
export class Line {
  readonly #response: ServerResponse
  readonly #clock: Clock
  /** Wakes whoever waits for time, or for the client to read on; `false`: the client has gone. */
  #wake: ((here: boolean) => void) | undefined
  #gone = false

  constructor(response: ServerResponse, clock: Clock, closed: (finished: boolean, status: number) => void) {
    this.#response = response
    this.#clock = clock
    const close = (): void => {
      this.#gone = true
      this.#wake?.(false)
      closed(response.writableFinished, this.#status)
    }
    if (response.closed)
      close() // the client left between its last byte and this moment
    else response.once('close', close)
  }

  /** HTTP status; 0 while nothing has been sent. */
  get #status(): number {
    return this.#response.headersSent ? this.#response.statusCode : 0
  }

  /** Lets time pass; without a time, until the client has gone. Says whether the client is still there. */
  async wait(ms?: number): Promise<boolean> {
    if (this.#gone || ms === 0) return !this.#gone
    return await new Promise<boolean>(resolve => {
      const cancel = ms === undefined ? undefined : this.#clock.after(ms, () => this.#wake?.(true))
      this.#wake = here => {
        this.#wake = undefined
        cancel?.()
        resolve(here)
      }
    })
  }

  open(status: number, headers: string[]): void {
    if (!this.#gone) this.#response.writeHead(status, headers)
  }

  /** Writes, and waits while the client does not read. Says whether the client is still there. */
  async write(text: string): Promise<boolean> {
    if (this.#gone) return false
    if (this.#response.write(text)) return true
    return await new Promise<boolean>(resolve => {
      const drained = (): void => this.#wake?.(true)
      this.#response.once('drain', drained)
      this.#wake = here => {
        this.#wake = undefined
        this.#response.off('drain', drained)
        resolve(here)
      }
    })
  }

  end(text = ''): void {
    if (!this.#gone) this.#response.end(text)
  }

  /** Drops the connection with a reset. What the client has not read yet may be lost, as in life. */
  reset(): void {
    this.#response.socket?.resetAndDestroy()
  }

  /** Closes the connection after what has been written, although the answer is not complete. */
  hangUp(): void {
    this.#response.socket?.destroySoon()
  }
}
