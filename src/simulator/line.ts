import type { ServerResponse } from 'node:http'
import type { Clock } from '#platform'
import type { Script } from './script.ts'

/** What a script makes of an answer's bytes on their way; all else about the answer stays as it is. */
type Shape = Pick<Script, 'eol' | 'bom' | 'splitBytes' | 'dripMs' | 'trailers'>

/** Whether anything is to be done to the bytes; then an answer's length is not known beforehand. */
export function isShaped({ eol, bom, splitBytes, dripMs, trailers }: Shape): boolean {
  return bom || trailers || (eol ?? splitBytes ?? dripMs) !== undefined
}

const trailerName = 'x-sim-trailer'

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
  #shape: Shape | undefined
  #hasEvents = false
  #wrote = false

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

  get gone(): boolean {
    return this.#gone
  }

  /** Lets time pass; without a time, until the client has gone. Says whether the client is still there. */
  async wait(ms?: number): Promise<boolean> {
    if (this.#gone || ms === 0) return !this.#gone
    return await this.until(go => (ms === undefined ? undefined : this.#clock.after(ms, go)))
  }

  /**
   * Waits until `go` is called, or the client has gone; says whether it is still there. `begin` returns how to stop
   * waiting, if there is a way.
   */
  async until(begin: (go: () => void) => (() => void) | undefined): Promise<boolean> {
    if (this.#gone) return false
    return await new Promise<boolean>(resolve => {
      const cancel = begin(() => this.#wake?.(true))
      this.#wake = here => {
        this.#wake = undefined
        cancel?.()
        resolve(here)
      }
    })
  }

  /** Before the answer is opened. */
  take(shape: Shape): void {
    if (isShaped(shape)) this.#shape = shape
  }

  /** Statuses before the answer's own: 100, 102 or 103. */
  forewarn(statuses: readonly number[]): void {
    if (this.#gone) return
    for (const status of statuses) {
      if (status === 100) this.#response.writeContinue()
      else if (status === 102) this.#response.writeProcessing()
      else this.#response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
    }
  }

  open(status: number, headers: string[]): void {
    if (this.#gone) return
    this.#hasEvents = headers[headers.indexOf('content-type') + 1]?.startsWith('text/event-stream') ?? false
    this.#response.writeHead(status, this.#shape?.trailers ? [...headers, 'trailer', trailerName] : headers)
  }

  /** Sends what has been opened, although there is nothing to say yet. */
  flush(): void {
    if (!this.#gone) this.#response.flushHeaders()
  }

  /** Writes, and waits while the client does not read. Says whether the client is still there. */
  async write(text: string): Promise<boolean> {
    if (this.#gone) return false
    if (this.#shape) return await this.#writeShaped(text, this.#shape)
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

  async end(text: string | Buffer = ''): Promise<void> {
    if (this.#gone) return
    if (!this.#shape || typeof text !== 'string') {
      this.#response.end(text)
    } else if (await this.#writeShaped(text, this.#shape)) {
      if (this.#shape.trailers) this.#response.addTrailers({ [trailerName]: 'the end' })
      this.#response.end()
    }
  }

  /** Puts bytes on the connection that HTTP knows nothing of, and closes it. */
  spoil(text: string): void {
    const { socket } = this.#response
    if (this.#response.headersSent) this.#response.flushHeaders()
    socket?.write(text)
    socket?.destroySoon()
  }

  /** Each piece is handed to the system before the next, so that it travels alone. */
  async #writeShaped(text: string, { eol, bom, splitBytes, dripMs = 0 }: Shape): Promise<boolean> {
    const lines = eol !== undefined && this.#hasEvents ? text.replace(/\r?\n/g, eol) : text
    const bytes = Buffer.from(bom && !this.#wrote && lines !== '' ? `\uFEFF${lines}` : lines)
    const step = splitBytes ?? (dripMs > 0 ? 1 : bytes.length)
    for (let at = 0; at < bytes.length; at += step) {
      if (this.#wrote && dripMs > 0 && !(await this.wait(dripMs))) return false
      this.#wrote = true
      if (!(await this.#hand(bytes.subarray(at, at + step)))) return false
    }
    return !this.#gone
  }

  async #hand(piece: Buffer): Promise<boolean> {
    if (this.#gone) return false
    return await new Promise<boolean>(resolve => {
      this.#wake = here => {
        this.#wake = undefined
        resolve(here)
      }
      this.#response.write(piece, () => this.#wake?.(!this.#gone))
    })
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
