import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '#platform'
import type { Door } from './timetable.ts'

const retryMs = 100

/** What the door is to be, by the weather. */
interface Orders {
  readonly door: Door
  /** Until it may be another; `undefined`: it will not. */
  readonly nextDoorMs: number | undefined
}

/**
 * Stands before a server: lets connections in, or breaks them before there is any HTTP. Connections that are inside
 * are served to the end of their request. States: away → listening ⇄ shut → away.
 */
export class DoorKeeper {
  readonly #server: Server
  readonly #clock: Clock
  readonly #orders: Orders
  readonly #left = new Set<Socket>()
  #address: { host: string; port: number } | undefined
  #cancel: (() => void) | undefined

  constructor({ server, clock, orders }: { server: Server; clock: Clock; orders: Orders }) {
    this.#server = server
    this.#clock = clock
    this.#orders = orders
    const serve = server.listeners('connection')
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => {
      if (orders.door === 'open') for (const listener of serve) Reflect.apply(listener, server, [socket])
      else this.#turnAway(socket)
    })
  }

  /** From now on the door is looked after. The address is the one that was bound. */
  keep(address: { host: string; port: number }): void {
    this.#address = address
    this.review()
  }

  leave(): void {
    this.#address = undefined
    this.#cancel?.()
    for (const socket of this.#left) socket.destroy()
  }

  /** Looks what the door is to be now, and when to look again. */
  review(): void {
    if (!this.#address) return
    const { door, nextDoorMs } = this.#orders
    if (door !== 'open') this.#server.closeIdleConnections() // who waits inside would not notice
    if (door === 'shut') this.#server.close()
    else if (!this.#server.listening) this.#open(this.#address)
    this.#cancel?.()
    this.#cancel = nextDoorMs === undefined ? undefined : this.#clock.after(nextDoorMs, () => this.review())
  }

  /** Where somebody else has taken the port meanwhile, it is tried again. */
  #open({ host, port }: { host: string; port: number }): void {
    const failed = (): void => {
      this.#cancel?.()
      this.#cancel = this.#clock.after(retryMs, () => this.review())
    }
    this.#server.once('error', failed)
    this.#server.listen(port, host, () => this.#server.off('error', failed))
  }

  #turnAway(socket: Socket): void {
    const { door } = this.#orders
    socket.on('error', () => {}) // the client's business
    if (door === 'reset') return void socket.resetAndDestroy()
    if (door === 'cut') return void socket.once('data', () => socket.destroy())
    this.#left.add(socket)
    socket.pause()
    socket.once('close', () => this.#left.delete(socket))
  }
}
