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
const main = parentPort as MessagePort

const settings = ['shared_buffers=16MB', 'wal_buffers=1MB', 'max_wal_size=128MB', 'jit=off']
const database = await PGlite.create({
  dataDir,
  startParams: [...PGlite.defaultStartParams, ...settings.flatMap(setting => ['-c', setting])],
})

let work: Promise<void> = Promise.resolve()

/** One thing at a time, in order. What throws ends the thread: nobody knows the state of the engine then. */
function enqueue(task: () => Promise<unknown>): void {
  work = work.then(async () => void (await task()))
}

main.on('message', (message: MessagePort | 'close') => {
  if (message === 'close') enqueue(close)
  else serve(message)
})

/**
 * A connection is a port of its own: what is answered to one that has been given up reaches nobody. All share the
 * engine's single session, so each begins by clearing away what the one before left in it.
 */
function serve(connection: MessagePort): void {
  let open = true
  enqueue(clearSession)
  connection.on('message', (request: Uint8Array) => {
    enqueue(async () => {
      if (open) connection.postMessage(await database.execProtocolRaw(request))
    })
  })
  connection.once('close', () => {
    open = false
  })
}

/** An open transaction, prepared statements, settings, locks. */
async function clearSession(): Promise<void> {
  await database.exec('rollback')
  await database.exec('discard all')
}

async function close(): Promise<void> {
  await database.close()
  process.exit(0)
}

main.postMessage('ready')
