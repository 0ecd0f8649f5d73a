import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { atEnd } from './support/cleanup.ts'

/** A wire to a server that can be cut and stalled, without a hair of that server being touched. */
export interface Wire {
  /** The server's URL, by way of this wire. */
  url: string
  /** Connections stay, and new ones are taken; no byte passes. */
  stall(): void
  /** Connections break, and new ones break at once. */
  cut(): void
  mend(): void
}

export async function layWire(serverUrl: string): Promise<Wire> {
  const server = new URL(serverUrl)
  const pairs = new Set<{ near: Socket; far: Socket }>()
  let state: 'whole' | 'stalled' | 'cut' = 'whole'

  const proxy = createServer(near => {
    near.on('error', () => undefined)
    if (state === 'cut') return near.destroy()
    const far = connect(Number(server.port || 5432), server.hostname)
    far.on('error', () => undefined)
    const pair = { near, far }
    pairs.add(pair)
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      from.on('data', bytes => to.write(bytes))
      from.on('close', () => {
        pairs.delete(pair)
        to.destroy()
      })
    }
    if (state === 'stalled') pause(pair)
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  atEnd(async () => {
    proxy.close()
    destroyAll(pairs)
  })
  const address = proxy.address()
  assert.ok(address && typeof address === 'object')
  const url = new URL(serverUrl)
  url.host = `127.0.0.1:${address.port}`

  return {
    url: url.href,
    stall() {
      state = 'stalled'
      pairs.forEach(pause)
    },
    cut() {
      state = 'cut'
      destroyAll(pairs)
    },
    mend() {
      state = 'whole'
      for (const { near, far } of pairs) {
        near.resume()
        far.resume()
      }
    },
  }
}

function pause({ near, far }: { near: Socket; far: Socket }): void {
  near.pause()
  far.pause()
}

function destroyAll(pairs: Set<{ near: Socket; far: Socket }>): void {
  for (const { near, far } of [...pairs]) {
    near.destroy()
    far.destroy()
  }
}
