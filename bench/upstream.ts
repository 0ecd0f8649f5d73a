/**
 * The canned upstream: `node bench/upstream.ts --port N`. Raw sockets and ready-made bytes, because it
 * shares the machine with what is measured: an answer costs it about ten microseconds.
 *
 * `POST` anything: a chat completion, or under `/v1/messages` a message of Anthropic's; with `"stream": true` in the body, 64 content chunks, at once or, with
 * `pace=4ms` in the prompt, one every four milliseconds. `GET /count`: `{ "requests": … }` so far.
 */
import { createServer, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import {
  plainAnswer,
  plainMessage,
  type StreamedAnswer,
  streamedAnswer,
  streamedMessage,
  streamPieces,
} from './answers.ts'

const { values } = parseArgs({ options: { port: { type: 'string', default: '18080' } } })

const streamHead = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'

/** Every byte of an upstream's answers, ready to be written. */
interface Canned {
  plain: Buffer
  opening: Buffer
  piece: Buffer
  restAtOnce: Buffer
  closing: Buffer
  closingWithUsage: Buffer
}

const chat = can(plainAnswer(), streamedAnswer())
const messages = can(plainMessage(), streamedMessage())

function can(body: string, events: StreamedAnswer): Canned {
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`
  const piece = Buffer.from(framed(events.piece))
  const end = `${framed(events.done)}0\r\n\r\n`
  return {
    plain: Buffer.from(head + body),
    opening: Buffer.from(streamHead + framed(events.role) + framed(events.piece)),
    piece,
    restAtOnce: Buffer.concat(Array.from({ length: streamPieces - 1 }, () => piece)),
    closing: Buffer.from(framed(events.finish) + end),
    closingWithUsage: Buffer.from(framed(events.finish) + framed(events.usage) + end),
  }
}

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
  const isMessage = request.startsWith('POST /v1/messages')
  const canned = isMessage ? messages : chat
  if (!/"stream":\s*true/.test(request)) {
    socket.write(canned.plain)
    return
  }
  const wantsUsage = isMessage || /"include_usage":\s*true/.test(request)
  const end = wantsUsage ? canned.closingWithUsage : canned.closing
  const paceMs = Number(/pace=(\d+)ms/.exec(request)?.[1] ?? 0)
  if (paceMs === 0) socket.write(Buffer.concat([canned.opening, canned.restAtOnce, end]))
  else stream(socket, { ...canned, paceMs, end })
}

function stream(
  socket: Socket,
  { opening, piece, paceMs, end }: Canned & { paceMs: number; end: Buffer },
): void {
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
