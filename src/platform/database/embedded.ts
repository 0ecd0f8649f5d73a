import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { Worker } from 'node:worker_threads'

/** The embedded Postgres as `pg` sees it: something that opens a connection. There is one session, so one at a time. */
export interface EmbeddedServer {
  connect(): Duplex
  close(): Promise<void>
}

/**
 * Starts the embedded Postgres on a folder (made and initialised when it is not there; recovered when the last
 * process was killed). Resolves when it takes statements; rejects when the folder cannot be used.
 */
export async function startEmbeddedServer(dataDir: string): Promise<EmbeddedServer> {
  let worker = await startWorker(dataDir)
  let stopped = false
  let restart: Promise<void> = Promise.resolve()

  const watch = (): void => {
    worker.once('exit', () => {
      if (stopped) return
      restart = startWorker(dataDir).then(next => {
        worker = next
        watch()
      })
      restart.catch(() => undefined) // the next connection meets the reason
    })
  }
  watch()

  return {
    connect: () => new WorkerSocket(() => restart.then(() => worker)),
    async close() {
      stopped = true
      await restart.catch(() => undefined)
      const gone = new Promise<void>(resolve => worker.once('exit', () => resolve()))
      worker.postMessage('close')
      await gone
    },
  }
}

async function startWorker(dataDir: string): Promise<Worker> {
  const worker = new Worker(new URL('./pglite-worker.ts', import.meta.url), { workerData: { dataDir } })
  const failed = new AbortController()
  const ended = once(worker, 'exit', { signal: failed.signal }).then(([code]) => {
    throw new Error(`the embedded database ended with code ${code} while starting`)
  })
  try {
    await Promise.race([once(worker, 'message', { signal: failed.signal }), ended])
  } finally {
    failed.abort()
    ended.catch(() => undefined)
  }
  return worker
}

/**
 * A connection to the worker in the form of a socket. `pg` writes a query as several messages; they are
 * gathered until the one that makes the server answer, so that a query costs one hop each way.
 */
class WorkerSocket extends Duplex {
  readonly #find: () => Promise<Worker>
  #worker: Worker | undefined
  #gathered: Buffer[] = []
  readonly #receive = (bytes: Uint8Array): void => {
    this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  }
  readonly #lose = (): void => {
    this.destroy(new Error('the embedded database has ended'))
  }

  constructor(find: () => Promise<Worker>) {
    super()
    this.#find = find
  }

  // What `pg` asks of a socket, beyond a stream.
  connect(): this {
    this.#find().then(worker => {
      this.#worker = worker
      worker.on('message', this.#receive)
      worker.once('exit', this.#lose)
      worker.once('error', this.#lose)
      this.emit('connect')
    }, this.destroy.bind(this))
    return this
  }
  setNoDelay(): this {
    return this
  }
  setKeepAlive(): this {
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#gathered.push(chunk)
    if (awaitsAnswer(chunk)) {
      const bytes = this.#gathered.length === 1 ? Uint8Array.from(chunk) : Buffer.concat(this.#gathered)
      this.#gathered = []
      this.#worker?.postMessage(bytes)
    }
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#worker?.off('message', this.#receive)
    this.#worker?.off('exit', this.#lose)
    this.#worker?.off('error', this.#lose)
    done(error)
  }
}

const sync = 'S'.charCodeAt(0)
const query = 'Q'.charCodeAt(0)
const startup = 0

/** Whether the last message in the chunk is one the server answers: Sync, simple Query, or the start of a session. */
function awaitsAnswer(chunk: Buffer): boolean {
  if (chunk[0] === startup) return true
  let at = 0
  let last = 0
  while (at + 5 <= chunk.length) {
    last = chunk[at] ?? 0
    at += 1 + chunk.readUInt32BE(at + 1)
  }
  return last === sync || last === query
}
