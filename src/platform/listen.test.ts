import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { doorBacklog, openDoors, reserveDoor } from './listen.ts'

const host = '127.0.0.1'

async function open(work: (port: number, taken: () => number) => Promise<void>): Promise<void> {
  const server = createServer((_request, response) => response.end('here'))
  let taken = 0
  server.on('connection', () => {
    taken += 1
  })
  const reserved = await reserveDoor({ host, port: 0 })
  server.listen({ ...reserved, backlog: doorBacklog })
  await once(server, 'listening')
  const address = server.address()
  assert(address && typeof address === 'object')
  const doors = await openDoors(server, { host, port: address.port })
  try {
    await work(address.port, () => taken)
  } finally {
    doors.close()
    server.closeAllConnections()
    server.close()
  }
}

test('takes a burst of connections in few turns of the event loop', {
  skip: process.platform !== 'linux',
}, async () => {
  await open(async (port, taken) => {
    const callers = Array.from({ length: 320 }, () => connect(port, host).on('error', () => undefined))
    // The kernel makes the connections while this turn goes on.
    const until = performance.now() + 200
    while (performance.now() < until);
    let turns = 0
    while (taken() < callers.length) {
      turns += 1
      assert.ok(turns < callers.length / 2, `${taken()} after ${turns} turns`)
      await new Promise(resolve => setImmediate(resolve))
    }
    for (const caller of callers) caller.destroy()
  })
})

test('answers at every door', async () => {
  await open(async port => {
    const answers = Array.from(
      { length: 64 },
      () =>
        new Promise(resolve =>
          get({ host, port, agent: false }, response => resolve(response.resume().statusCode)),
        ),
    )
    assert.deepEqual(new Set(await Promise.all(answers)), new Set([200]))
  })
})

test('finds an address that somebody has, even one who would share it', async () => {
  await open(async port => {
    await assert.rejects(reserveDoor({ host, port }), { code: 'EADDRINUSE' })
  })
})
