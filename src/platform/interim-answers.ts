import type { Socket } from 'node:net'

const none: Buffer = Buffer.alloc(0)
const begins = Buffer.from('HTTP/1.1 1')
/** Of a head that nobody needs, no more is waited for. */
const longestBytes = 16 * 1024

/**
 * Takes interim answers (1xx, but not 101, which ends HTTP) out of what a socket reads before an answer. undici (8.12)
 * closes the connection on a `100 Continue` that it has not asked for; a client has to bear it (RFC 9110, 15.2), and
 * some servers send it to every POST. An answer begins with the first bytes that are read after something was written:
 * undici writes a request in one go, and none before the answer to the last one has ended.
 */
export function dropInterimAnswers(socket: Socket): void {
  const read = socket.read.bind(socket)
  let written = -1
  let awaits = false
  let held = none

  const strip = (chunk: Buffer): Buffer | undefined => {
    let bytes = held.length > 0 ? Buffer.concat([held, chunk]) : chunk
    held = none
    while (mayBeInterim(bytes)) {
      const end = bytes.indexOf('\r\n\r\n')
      if (end < 0 && bytes.length < longestBytes) {
        held = bytes
        return undefined
      }
      if (end < 0) break
      bytes = bytes.subarray(end + 4)
    }
    awaits = bytes.length === 0
    return awaits ? undefined : bytes
  }

  socket.read = (size?: number): Buffer | null => {
    for (;;) {
      const chunk: Buffer | null = read(size)
      if (chunk === null) return null
      const { bytesWritten } = socket
      if (bytesWritten !== written) {
        written = bytesWritten
        awaits = true
      }
      const rest = awaits ? strip(chunk) : chunk
      if (rest) return rest
    }
  }
}

/** As far as it has come. */
function mayBeInterim(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, begins.length)
  if (length === 0 || bytes.compare(begins, 0, length, 0, length) !== 0) return false
  return bytes.toString('latin1', begins.length, begins.length + 2) !== '01'
}
