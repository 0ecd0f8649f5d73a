import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { createServer as createRawServer, type Server, type Socket } from 'node:net'
import { atEnd } from './cleanup.ts'

/** A request that has come in whole. */
export interface SeenRequest {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
  bytes: Buffer
  /** Resolves when the answer is over: `true` when the asker hung up before its end. */
  hungUp: Promise<boolean>
}

export interface Upstream {
  /** `http://127.0.0.1:PORT/v1`: goes into `base_url` as it is. */
  url: string
  /** What it was asked, in order; grows as requests come. */
  requests: SeenRequest[]
  /** Cuts all connections and stops listening: from now on the address refuses. */
  stop(): Promise<void>
}

/** A provider whose answers are the test's own. The handler is called once the request's body is there. */
export async function startUpstream(
  handler: (request: SeenRequest, response: ServerResponse) => void | Promise<void>,
): Promise<Upstream> {
  const requests: SeenRequest[] = []
  const server = createServer((incoming, response) => {
    const hungUp = new Promise<boolean>(resolve => {
      response.once('close', () => resolve(!response.writableFinished))
    })
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const { method = '', url: path = '', headers } = incoming
      const bytes = Buffer.concat(chunks)
      const request = { method, path, headers, body: bytes.toString('utf8'), bytes, hungUp }
      requests.push(request)
      const answer = async (): Promise<void> => await handler(request, response)
      answer().catch(cause => {
        response.destroy()
        queueMicrotask(() => {
          throw cause // uncaught, so that the test fails: a broken handler is a broken test
        })
      })
    })
  })
  const { url, stop } = await listen(server)
  return { url, requests, stop }
}

export interface RawUpstream {
  url: string
  /** The bytes of each connection, in the order they were opened; grow as they come. */
  connections: string[]
  stop(): Promise<void>
}

/**
 * A provider below HTTP: the handler gets the bare socket and the first bytes of each connection, and may write
 * what no honest server would, or reset it (`socket.resetAndDestroy()`).
 */
export async function startRawUpstream(
  handler: (socket: Socket, firstBytes: string) => void,
): Promise<RawUpstream> {
  const connections: string[] = []
  const server = createRawServer(socket => {
    const n = connections.push('') - 1
    socket.on('error', () => {}) // the asker may reset: that is the test's subject, not its failure
    socket.on('data', bytes => {
      const isFirst = connections[n] === ''
      connections[n] += bytes.toString('latin1')
      if (isFirst) handler(socket, bytes.toString('latin1'))
    })
  })
  const { url, stop } = await listen(server)
  return { url, connections, stop }
}

/** An address that refuses connections: nobody listens there any more. */
export async function refusingUrl(): Promise<string> {
  const { url, stop } = await listen(createRawServer())
  await stop()
  return url
}

async function listen(server: Server): Promise<{ url: string; stop(): Promise<void> }> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert(address && typeof address === 'object')
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  atEnd(stop)
  return { url: `http://127.0.0.1:${address.port}/v1`, stop }
}
