import type { Duplex } from 'node:stream'
import type { Clock } from '#platform'

/** After the answer, the other side has this long to read it and to close its end too. */
const farewellMs = 1_000

/**
 * Ends a connection on which no request can be read any more: what came is not HTTP, or did not come in time. Node keeps
 * a socket for as long as the other side leaves its end open. An answer that is on its way is broken off: whatever is
 * written behind it would be taken for a part of it, and its call would go on for nobody.
 */
export function refuseConnection(error: { code?: string }, socket: Duplex, clock: Clock): void {
  if (!socket.writable || isAnswering(socket)) {
    socket.destroy()
    return
  }
  socket.end(answerTo(error.code))
  const stop = clock.after(farewellMs, () => socket.destroy())
  socket.once('close', stop)
}

/** As Node tells it by itself before it writes its own answer to such an error (lib/_http_server.js). */
function isAnswering(socket: Duplex): boolean {
  const { _httpMessage: response } = socket as { _httpMessage?: { headersSent?: boolean } | null }
  return response?.headersSent === true
}

function answerTo(code: string | undefined): string {
  const late = code === 'ERR_HTTP_REQUEST_TIMEOUT'
  const tooBig = code === 'HPE_HEADER_OVERFLOW'
  const status = late
    ? '408 Request Timeout'
    : tooBig
      ? '431 Request Header Fields Too Large'
      : '400 Bad Request'
  const message = late
    ? 'The request did not arrive in time.'
    : tooBig
      ? 'The headers are too large.'
      : 'This is not a valid HTTP request.'
  const body = JSON.stringify({
    error: {
      message,
      type: 'invalid_request_error',
      param: null,
      code: late ? 'request_timeout' : 'invalid_request',
    },
  })
  return `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
}
