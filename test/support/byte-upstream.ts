import type { Socket } from 'node:net'
import { startRawUpstream } from './upstream.ts'

/** Writes an answer, or what it likes, once a request has come in whole. */
export type ByteAnswer = (socket: Socket) => void

export interface ByteUpstream {
  /** Goes into `base_url` as it is. */
  url: string
  /** How many requests for this model have come in whole, on kept-alive connections too. */
  seen(model: string): number
}

/** A provider below HTTP: its bytes are chosen by the model that it is asked for. */
export async function startByteUpstream(
  answers: Readonly<Record<string, ByteAnswer>>,
): Promise<ByteUpstream> {
  const counts = new Map<string, number>()
  const { url } = await startRawUpstream((socket, first) => {
    let pending = Buffer.from(first, 'latin1')
    const read = (): void => {
      for (let request = takeBody(pending); request; request = takeBody(pending)) {
        pending = request.rest
        const { model = request.model } = JSON.parse(request.body) as { model?: string }
        counts.set(model, (counts.get(model) ?? 0) + 1)
        answers[model]?.(socket)
      }
    }
    socket.on('data', bytes => {
      pending = Buffer.concat([pending, bytes])
      read()
    })
    read()
  })
  return { url, seen: model => counts.get(model) ?? 0 }
}

/** `model` is the one in the path, as Gemini has it. */
function takeBody(
  bytes: Buffer<ArrayBuffer>,
): { model: string; body: string; rest: Buffer<ArrayBuffer> } | undefined {
  const start = bytes.indexOf('\r\n\r\n') + 4
  const [, length] = /\r\ncontent-length: (\d+)/i.exec(bytes.toString('latin1', 0, start)) ?? []
  const end = start + Number(length)
  if (start < 4 || !(end <= bytes.length)) return undefined
  const [, model = ''] = /\/models\/([^:/? ]+)/.exec(bytes.toString('latin1', 0, start)) ?? []
  return { model, body: bytes.toString('utf8', start, end), rest: bytes.subarray(end) }
}

/** An answer with its length, after which the connection serves again. */
export function whole(status: number, headers: Record<string, string>, body: string): string {
  return `${head(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) })}${body}`
}

export function head(status: number, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} Whatever\r\n${lines.join('')}\r\n`
}

/** A piece of a body in chunked coding; the empty one is its end. */
export function piece(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
}
