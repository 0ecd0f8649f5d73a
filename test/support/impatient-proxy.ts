import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { atEnd } from './cleanup.ts'

export interface ImpatientProxy {
  /** `http://127.0.0.1:PORT`. */
  url: string
  /** Answers that were cut off because nothing came for too long. */
  readonly cut: number
  /** All that was answered, in the order in which it came. */
  answered(): string
}

const lastChunk = Buffer.from('0\r\n\r\n')

/**
 * Stands before a server as nginx does with `proxy_read_timeout`: when nothing of an answer comes for so long, its
 * connection is closed.
 */
export async function startImpatientProxy(target: string, readTimeoutMs: number): Promise<ImpatientProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  const answers: Buffer[] = []
  let cut = 0
  const server = createServer(client => {
    const upstream = connect(Number(port), hostname)
    const close = (): void => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', close).once('close', () => {
        sockets.delete(socket)
        close()
      })
    }
    client.on('data', bytes => {
      upstream.setTimeout(readTimeoutMs)
      upstream.write(bytes)
    })
    upstream.on('data', bytes => {
      answers.push(bytes)
      client.write(bytes)
      if (bytes.subarray(-lastChunk.length).equals(lastChunk)) upstream.setTimeout(0)
    })
    upstream.on('timeout', () => {
      cut += 1
      close()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert(address && typeof address === 'object')
  atEnd(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  return {
    url: `http://127.0.0.1:${address.port}`,
    get cut() {
      return cut
    },
    answered: () => Buffer.concat(answers).toString(),
  }
}
