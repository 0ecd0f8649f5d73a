import { gzipSync } from 'node:zlib'
import { type Delivery, streamTypeOf } from './delivery.ts'

interface NoAnswer {
  status: number
  type: string
  body: string | Buffer
  more: string[]
}

const html =
  '<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>Bad gateway</body></html>\n'
const bombBytes = 256 * 1024 ** 2
const headerBytes = 64 * 1024

/** Sends what is no answer, as a proxy in front of the model would. */
export async function deliverNoAnswer(delivery: Delivery): Promise<void> {
  const { line, disturbance, parcel } = delivery
  if (disturbance === 'garbage') return line.spoil('\u0000\u0001 this is no HTTP\r\n\r\n')
  const { status, type, body, more } = noAnswer(delivery)
  line.open(status, [...parcel.headers(type, Buffer.byteLength(body)), ...more])
  await line.end(body)
}

function noAnswer(delivery: Delivery): NoAnswer {
  const { disturbance, parcel, script } = delivery
  const type = parcel.stream ? streamTypeOf(delivery) : 'application/json'
  switch (disturbance) {
    case 'html':
      return { status: 200, type: 'text/html; charset=utf-8', body: html, more: [] }
    case 'redirect':
      return { status: 302, type: 'text/plain', body: '', more: ['location', '/v1/elsewhere'] }
    case 'stream-error':
      return { status: 200, type, body: parcel.error(), more: [] }
    case 'bare-error':
      return { status: 200, type, body: parcel.stream ? parcel.frames().error() : parcel.error(), more: [] }
    case 'gzip-bomb':
      return {
        status: 200,
        type,
        body: bomb(script.sizeBytes ?? bombBytes),
        more: ['content-encoding', 'gzip'],
      }
    case 'big-header':
      return { status: 200, type, body: '', more: ['x-sim-big', 'x'.repeat(script.sizeBytes ?? headerBytes)] }
    default:
      return { status: 200, type, body: '', more: [] }
  }
}

/** White space that unpacks to so many bytes. A gzip file may have many members (RFC 1952, 2.2), here all the same. */
function bomb(bytes: number): Buffer {
  const block = Math.min(bytes, 1024 ** 2)
  const member = gzipSync(Buffer.alloc(block, ' '))
  return Buffer.concat(Array.from({ length: Math.ceil(bytes / block) }, () => member))
}
