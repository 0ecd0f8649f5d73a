import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

export interface ListenAddress {
  host: string
  port: number
}

/** A server's further sockets on its own port. */
export interface Doors {
  close(): void
}

/**
 * How many connections can be taken in one turn of the event loop. libuv takes one for each listening socket (1.52,
 * counted: 1,000 waiting connections, 1,000 turns), so that under load, with turns of 20 ms, a single socket
 * lets in 50 a second and the rest wait for seconds. The kernel spreads connections over sockets that share a port.
 */
const mostDoors = 16

/**
 * Connections that may wait to be taken, for each socket. Short on purpose: who waits there longer than his patience is
 * served all the same, and nothing tells that he has left.
 */
export const doorBacklog = 128

/** Only Linux spreads connections over sockets that share a port in this way. */
const canShare = process.platform === 'linux'

/**
 * Makes sure that nobody else has the address, and gives what to listen with. Sharing a port would let a second program
 * share it too, unnoticed: so it is taken once without. Rejects as listening does (`EADDRINUSE`, `EACCES`).
 */
export async function reserveDoor(address: ListenAddress): Promise<ListenAddress & { reusePort?: true }> {
  if (!canShare) return address
  const probe = createServer()
  const { port } = await listening(probe, address)
  probe.close()
  await once(probe, 'close')
  return { ...address, port, reusePort: true }
}

/** Opens the further sockets of a server that listens already, with what `reserveDoor` gave. */
export async function openDoors(server: Server, address: ListenAddress): Promise<Doors> {
  const more = canShare ? Array.from({ length: mostDoors - 1 }, () => doorOf(server)) : []
  const close = (): void => {
    for (const door of more) door.close()
  }
  try {
    for (const door of more) await listening(door, { ...address, backlog: doorBacklog, reusePort: true })
  } catch (cause) {
    close()
    throw cause
  }
  return { close }
}

/** As an HTTP server opens its own connections (Node's lib/_http_server.js). */
function doorOf(server: Server): Server {
  const door = createServer({ allowHalfOpen: true, noDelay: true })
  return door.on('connection', socket => server.emit('connection', socket))
}

async function listening(
  server: Server,
  options: ListenAddress & { backlog?: number; reusePort?: boolean },
): Promise<ListenAddress> {
  server.listen(options)
  await once(server, 'listening')
  const bound = server.address()
  return bound === null || typeof bound === 'string' ? options : { host: options.host, port: bound.port }
}
