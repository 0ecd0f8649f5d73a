import { connect, type Socket } from 'node:net'
import type { Stage } from './stage.ts'

/** For tests: an answer as it stands on the wire. */
export interface RawAnswer {
  /** All bytes, head and framing included. */
  bytes: Buffer
  /** The head of the last answer; interim ones come before it. */
  head: string
  /** Without the framing of HTTP chunks. */
  body: string
  /** The body in the pieces that it was framed in. */
  chunks: readonly Buffer[]
  /** What stands behind the last chunk. */
  trailers: string
  /** How the connection ended. */
  end: 'closed' | 'reset'
}

const chunked = /transfer-encoding: chunked/i

/** Where and how each dialect is asked for a text; the script goes into a header. */
export const asks: Readonly<Record<string, { path: string; body: object }>> = {
  chat: {
    path: '/v1/chat/completions',
    body: {
      model: 'sim-1',
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: 'user', content: 'hi' }],
    },
  },
  responses: { path: '/v1/responses', body: { model: 'sim-1', stream: true, input: 'hi' } },
  messages: {
    path: '/v1/messages',
    body: { model: 'sim-1', stream: true, max_tokens: 1000, messages: [{ role: 'user', content: 'hi' }] },
  },
  gemini: {
    path: '/v1beta/models/sim-1:streamGenerateContent?alt=sse',
    body: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
  },
}

/** The socket on which one request has been written. */
export function writeRequest(stage: Stage, dialect: string, script: string, more: object = {}): Socket {
  const { path, body } = asks[dialect]!
  const text = JSON.stringify({ ...body, ...more })
  const socket = connect({ port: Number(new URL(stage.url).port), host: '127.0.0.1' })
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\nanthropic-version: 2023-06-01\r\n` +
      `content-type: application/json\r\nx-sim-script: ${script}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  )
  return socket
}

/** Asks over a socket, and reads until it is closed. */
export async function askRaw(
  stage: Stage,
  dialect: string,
  script: string,
  more?: object,
): Promise<RawAnswer> {
  return await readRaw(writeRequest(stage, dialect, script, more))
}

export async function readRaw(socket: Socket): Promise<RawAnswer> {
  const parts: Buffer[] = []
  socket.on('data', part => parts.push(part))
  let end: RawAnswer['end'] = 'closed'
  socket.on('error', () => (end = 'reset'))
  await new Promise(resolve => socket.once('close', resolve))
  const bytes = Buffer.concat(parts)
  const { head, at } = readHead(bytes)
  const { chunks, trailers } = chunked.test(head)
    ? readChunks(bytes.subarray(at))
    : { chunks: [bytes.subarray(at)], trailers: '' }
  return { bytes, head, body: Buffer.concat(chunks).toString(), chunks, trailers, end }
}

/** Skips interim answers: their status begins with 1. */
function readHead(bytes: Buffer): { head: string; at: number } {
  let from = 0
  for (;;) {
    const end = bytes.indexOf('\r\n\r\n', from)
    if (end < 0) return { head: bytes.subarray(from).toString('latin1'), at: bytes.length }
    const head = bytes.subarray(from, end).toString('latin1')
    if (!head.startsWith('HTTP/1.1 1')) return { head, at: end + 4 }
    from = end + 4
  }
}

/** RFC 9112, 7.1. Stops where the framing breaks. */
function readChunks(bytes: Buffer): { chunks: Buffer[]; trailers: string } {
  const chunks: Buffer[] = []
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at)
    const size = bytes.subarray(at, end).toString('latin1')
    if (end < 0 || !/^[0-9a-f]+$/i.test(size)) return { chunks, trailers: '' }
    const length = Number.parseInt(size, 16)
    if (length === 0)
      return {
        chunks,
        trailers: bytes
          .subarray(end + 2)
          .toString('latin1')
          .trim(),
      }
    chunks.push(bytes.subarray(end + 2, end + 2 + length))
    at = end + 2 + length + 2
  }
}
