import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'

/**
 * The embedded Postgres, in a thread of its own. Bytes of the Postgres wire protocol come in and go out, so that
 * the client on the other side is the same `pg` that speaks to a real server.
 *
 * Memory: `shared_buffers` of 16 MB instead of 128 MB takes the idle process from 325 MB to 212 MB (measured with
 * PGlite 0.5.16); the kernel caches the files anyway. fsync is off in PGlite's build for Node: a killed process
 * loses nothing, since committed WAL is with the kernel by then; a power cut can. Who needs that, uses a server.
 */
const { dataDir } = workerData as { dataDir: string }
const port = parentPort as MessagePort

const settings = ['shared_buffers=16MB', 'wal_buffers=1MB', 'max_wal_size=128MB', 'jit=off']
const database = await PGlite.create({
  dataDir,
  startParams: [...PGlite.defaultStartParams, ...settings.flatMap(setting => ['-c', setting])],
})

let work: Promise<void> = Promise.resolve()

port.on('message', (message: Uint8Array | 'close') => {
  work = work.then(() => (message === 'close' ? close() : answer(message)))
})

async function answer(request: Uint8Array): Promise<void> {
  const response = await database.execProtocolRaw(request)
  port.postMessage(response)
}

async function close(): Promise<void> {
  await database.close()
  process.exit(0)
}

port.postMessage('ready')
