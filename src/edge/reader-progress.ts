import type { Socket } from 'node:net'

/**
 * Whether a reader takes anything of what waits for it. Looked at from time to time, so that nothing is counted as
 * bytes pass; kept only while something waits.
 */
export class ReaderProgress {
  #written = -1
  #left = -1
  #sinceMs = 0

  /** For how long, up to now, it has taken nothing. */
  stuckMs(socket: Socket, nowMs: number): number {
    const written = socket.bytesWritten - socket.writableLength
    const left = leftWithSystem(socket)
    if (written !== this.#written || left !== this.#left) this.#sinceMs = nowMs
    this.#written = written
    this.#left = left
    return nowMs - this.#sinceMs
  }
}

/**
 * What is left of the write under way. Node's own timeout of a socket tells progress by it (lib/net.js), and only it
 * shows that a large body goes out piece by piece: `bytesWritten` counts a write at once. A socket without it (TLS ends
 * before us, so there is none) is judged by whole writes.
 */
function leftWithSystem(socket: Socket): number {
  const { _handle: handle } = socket as { _handle?: { writeQueueSize?: number } | null }
  return handle?.writeQueueSize ?? 0
}
