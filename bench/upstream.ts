/**
 * The canned OpenAI upstream: `node bench/upstream.ts --port N`. Raw sockets and ready-made bytes, because it
 * shares the machine with what is measured: an answer costs it about ten microseconds.
 *
 * `POST` anything: a chat completion; with `"stream": true` in the body, 64 content chunks, at once or, with
 * `pace=4ms` in the prompt, one every four milliseconds. `GET /count`: `{ "requests": … }` so far.
 */
import { createServer, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { plainAnswer, streamedAnswer, streamPieces } from './answers.ts'

const { values } = parseArgs({ options: { port: { type: 'string', default: '18080' } } })

const events = streamedAnswer()
const body = plainAnswer()
const plain = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
)
const streamHead = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
const opening = Buffer.from(streamHead + framed(events.role) + framed(events.piece))
const piece = Buffer.from(framed(events.piece))
const closing = Buffer.from(`${framed(events.finish)}${framed(events.done)}0\r\n\r\n`)
const closingWithUsage = Buffer.from(
  `${framed(events.finish)}${framed(events.usage)}${framed(events.done)}0\r\n\r\n`,
)
const restAtOnce = Buffer.concat(Array.from({ length: streamPieces - 1 }, () => piece))

let requests = 0

createServer(socket => {
  socket.setNoDelay(true)
  let pending = ''
  socket.on('data', bytes => {
    pending += bytes.toString('latin1')
    for (let end = requestEnd(pending); end > 0; end = requestEnd(pending)) {
      answer(socket, pending.slice(0, end))
      pending = pending.slice(end)
    }
  })
  socket.on('error', () => socket.destroy())
}).listen(Number(values.port), '127.0.0.1')

function answer(socket: Socket, request: string): void {
  if (request.startsWith('GET /count')) {
    const count = JSON.stringify({ requests })
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${count.length}\r\n\r\n${count}`)
    return
  }
  requests += 1
  if (!/"stream":\s*true/.test(request)) {
    socket.write(plain)
    return
  }
  const end = /"include_usage":\s*true/.test(request) ? closingWithUsage : closing
  const paceMs = Number(/pace=(\d+)ms/.exec(request)?.[1] ?? 0)
  if (paceMs === 0) socket.write(Buffer.concat([opening, restAtOnce, end]))
  else stream(socket, paceMs, end)
}

function stream(socket: Socket, paceMs: number, end: Buffer): void {
  let sent = 1
  socket.write(opening)
  const timer = setInterval(() => {
    if (socket.destroyed) return clearInterval(timer)
    if (sent < streamPieces) {
      sent += 1
      socket.write(piece)
      return
    }
    clearInterval(timer)
    socket.write(end)
  }, paceMs)
}

/** Where the first request in `text` ends, or 0 when it has not arrived whole. */
function requestEnd(text: string): number {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd < 0) return 0
  const bodyStart = headEnd + 4
  const head = text.slice(0, bodyStart)
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
    const last = text.indexOf('0\r\n\r\n', bodyStart)
    return last < 0 ? 0 : last + 5
  }
  const end = bodyStart + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  return text.length < end ? 0 : end
}

function framed(event: string): string {
  return `${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n`
}
