/**
 * What readers that never read cost: `node bench/slow-readers.ts --readers 1000 --stalled 30` starts Sluice before an
 * upstream that has 32 MiB for each of them, lets so many callers ask for a stream and read nothing, and looks at the
 * memory of the process until all of them are dropped. Prints one JSON object. `socketMb` is what the kernel holds for
 * all TCP sockets of this machine (/proc/net/sockstat), which is no memory of the process.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { freePort, startChild } from './child.ts'
import { memory } from './process-tree.ts'

const { values } = parseArgs({
  options: {
    readers: { type: 'string', default: '1000' },
    stalled: { type: 'string', default: '30' },
    dialect: { type: 'string', default: 'openai' },
  },
})
const [readers, stalledSeconds] = [Number(values.readers), Number(values.stalled)]
const streamBytes = 32 * 1024 * 1024
const key = 'sk-bench-0123456789'
const frame = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_773_446_400, model: 'm' }
const event = Buffer.from(
  `data: ${JSON.stringify({ ...frame, choices: [{ index: 0, delta: { content: 'x'.repeat(20) }, finish_reason: null }] })}\n\n`,
)
/** Pieces as a busy provider sends them: many events in one read. */
const piece = Buffer.concat(Array.from({ length: 300 }, () => event))

let handedOver = 0
const upstream = createServer((request, response) => {
  request.resume().once('end', () => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    let written = 0
    const write = (): void => {
      while (written < streamBytes && !response.destroyed) {
        written += piece.length
        handedOver += piece.length
        if (!response.write(piece)) return void response.once('drain', write)
      }
      response.end()
    }
    write()
  })
})
await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
const address = upstream.address()
if (address === null || typeof address === 'string') throw new Error('no port')

const folder = mkdtempSync(join(tmpdir(), 'bench-slow-'))
const port = await freePort()
writeFileSync(
  join(folder, 'sluice.yaml'),
  `providers:
  up: { dialect: openai, base_url: "http://127.0.0.1:${address.port}/v1", connections: ${readers + 10} }
keys: [{ name: bench, key: ${key}, organization: bench }]
streams: { stalled_reader: ${stalledSeconds}s }
`,
)
const sluice = startChild(
  {
    command: process.execPath,
    args: [
      '--max-semi-space-size=32',
      'src/roles/sluice.ts',
      'serve',
      '--port',
      String(port),
      '--data',
      join(folder, 'data'),
      '--config',
      join(folder, 'sluice.yaml'),
    ],
    env: { NODE_ENV: 'production', MALLOC_ARENA_MAX: '2' },
  },
  join(folder, 'sluice.log'),
)

try {
  await until(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200)
  await warmUp()
  const rest = memory(sluice.pid)
  const startedAtMs = performance.now()
  const sockets = Array.from({ length: readers }, () => openDeaf())
  let [rssMb, socketMb, atMs] = [0, 0, 0]
  await until(async () => {
    const now = memory(sluice.pid).rssMb
    if (now > rssMb) [rssMb, atMs] = [now, performance.now() - startedAtMs]
    socketMb = Math.max(socketMb, kernelMb())
    return (await metric('sluice_stalled_readers_total')) >= readers
  })
  console.log(
    JSON.stringify({
      readers,
      dialect: values.dialect,
      restMb: Math.round(rest.rssMb),
      mostMb: Math.round(rssMb),
      mostAfterSeconds: Math.round(atMs / 100) / 10,
      kibPerReader: Math.round(((rssMb - rest.rssMb) * 1024) / readers),
      handedOverKibPerReader: Math.round(handedOver / readers / 1024),
      socketMb: Math.round(socketMb),
      allDroppedAfterSeconds: Math.round((performance.now() - startedAtMs) / 100) / 10,
      underWayAfter: await metric('sluice_calls_under_way'),
    }),
  )
  for (const socket of sockets) socket.destroy()
} finally {
  await sluice.stop()
  upstream.closeAllConnections()
  upstream.close()
  rmSync(folder, { recursive: true, force: true })
}

function openDeaf(): Socket {
  const chat = values.dialect === 'openai'
  const body = JSON.stringify({
    model: 'up/m',
    stream: true,
    max_tokens: 9,
    messages: [{ role: 'user', content: 'Hello!' }],
  })
  const socket = connect(port, '127.0.0.1')
  socket.pause()
  socket.on('error', () => undefined)
  socket.write(
    `POST /v1/${chat ? 'chat/completions' : 'messages'} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${key}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  return socket
}

/** Compilers and allocators have done their work before memory is looked at. */
async function warmUp(): Promise<void> {
  const sockets = Array.from({ length: 20 }, () => openDeaf())
  for (const socket of sockets) socket.resume()
  await pause(3_000)
  for (const socket of sockets) socket.destroy()
  await until(async () => (await metric('sluice_calls_under_way')) === 0)
  handedOver = 0
}

function kernelMb(): number {
  const [, pages] = /^TCP:.* mem (\d+)/m.exec(readFileSync('/proc/net/sockstat', 'utf8')) ?? []
  return (Number(pages) * 4096) / 1024 ** 2
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
}

async function until(probe: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    if (await probe().catch(() => false)) return
    const end = sluice.ended()
    if (end !== undefined) throw new Error(end)
    await pause(100)
  }
  throw new Error('it took too long')
}
