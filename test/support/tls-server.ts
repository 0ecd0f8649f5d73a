import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { atEnd } from './cleanup.ts'

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')

/**
 * For files.sluice.test, other.sluice.test and 127.0.0.1, until 2126. Its key lies beside it for everybody to read, so
 * nothing but a test may trust it.
 */
export const testCertificate = read('self-signed.cert.pem')

export interface Seen {
  path: string
  /** As they were sent, in order. */
  headers: string[]
  /** By which name the TLS handshake asked; undefined when it asked for none, or there was no TLS. */
  servername: string | undefined
}

export interface TestServer {
  port: number
  requests: Seen[]
  /** Open connections; falls as they close. */
  sockets: Set<Socket>
}

/** A server on 127.0.0.1, over TLS with the certificate of tests. It ends with the test that asked for it. */
export async function startTlsServer(answer: RequestListener): Promise<TestServer> {
  return await start(answer, { key: read('self-signed.key.pem'), cert: testCertificate })
}

/** The same without TLS. */
export async function startPlainServer(answer: RequestListener): Promise<TestServer> {
  return await start(answer, undefined)
}

async function start(
  answer: RequestListener,
  tls: { key: string; cert: string } | undefined,
): Promise<TestServer> {
  const requests: Seen[] = []
  const sockets = new Set<Socket>()
  const listener: RequestListener = (request, response) => {
    const servername = request.socket instanceof TLSSocket ? request.socket.servername : undefined
    requests.push({
      path: request.url ?? '',
      headers: request.rawHeaders,
      servername: servername || undefined,
    })
    answer(request, response)
  }
  const server = tls ? createHttpsServer(tls, listener) : createHttpServer(listener)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}) // hanging up is what these servers are for
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('tlsClientError', () => {})
  await once(server.listen(0, '127.0.0.1'), 'listening')
  atEnd(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  })
  return { port: (server.address() as AddressInfo).port, requests, sockets }
}
