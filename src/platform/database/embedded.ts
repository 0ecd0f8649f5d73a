import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'

/** The embedded Postgres as `pg` sees it: something that opens a connection. There is one session, so one at a time. */
export interface EmbeddedServer {
  connect(): Duplex
  close(): Promise<void>
}

/**
 * Starts the embedded Postgres on a folder (made and initialised when it is not there; recovered when the last
 * process was killed). Resolves when it takes statements; rejects when the folder cannot be used.
 *
 * States of its thread: starting → running → gone. A thread that is gone without having been closed is followed by
 * another at once; if that one cannot start, the next connection tries again.
 */
export async function startEmbeddedServer(dataDir: string): Promise<EmbeddedServer> {
  if (!existsSync(join(dataDir, 'PG_VERSION'))) await initialise(dataDir)
  let running: Promise<Worker> | undefined
  let closed = false

  const find = async (): Promise<Worker> => {
    if (closed) throw new Error('the embedded database is closed')
    running ??= startWorker(dataDir).then(watch, forget)
    return await running
  }
  const watch = (worker: Worker): Worker => {
    worker.on('error', () => undefined) // its end follows, and all connections hear of that
    worker.once('exit', () => {
      running = undefined
      if (!closed) find().catch(() => undefined) // the next connection meets the reason
    })
    return worker
  }
  const forget = (cause: unknown): never => {
    running = undefined
    throw cause
  }
  await find()

  return {
    connect: () => new WorkerSocket(find),
    async close() {
      closed = true
      const worker = await running?.catch(() => undefined)
      if (!worker) return
      const gone = once(worker, 'exit')
      worker.postMessage('close')
      await gone
    },
  }
}

/**
 * Makes the database beside its place and moves it there when it is whole, so that a first start that is killed
 * leaves nothing half made. A process does it, since a thread would leave behind some 100 MB that only the making
 * needs.
 */
async function initialise(dataDir: string): Promise<void> {
  const unfinished = `${dataDir}.new`
  rmSync(unfinished, { recursive: true, force: true })
  const script = fileURLToPath(new URL('./pglite-initialise.ts', import.meta.url))
  const maker = spawn(process.execPath, [script, unfinished], { stdio: ['ignore', 'ignore', 'pipe'] })
  const said = text(maker.stderr)
  const [code] = await once(maker, 'exit')
  if (code !== 0) throw new Error(`the embedded database could not be made: ${(await said).trim()}`)
  renameSync(unfinished, dataDir)
}

async function startWorker(dataDir: string): Promise<Worker> {
  const worker = new Worker(new URL('./pglite-worker.ts', import.meta.url), {
    workerData: { dataDir },
    execArgv: [], // flags are meant for the program, and some would keep the thread from starting
  })
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
 * A connection to the worker in the form of a socket, over a channel of its own: the answer to a statement that
 * was given up can never be taken for the answer to another. `pg` writes a query as several messages; they are
 * gathered until the one that makes the server answer, so that a query costs one hop each way.
 */
class WorkerSocket extends Duplex {
  readonly #find: () => Promise<Worker>
  #port: MessagePort | undefined
  #gathered: Buffer[] = []
  readonly #lose = (): void => {
    this.destroy(new Error('the embedded database has ended'))
  }

  constructor(find: () => Promise<Worker>) {
    super()
    this.#find = find
  }

  // What `pg` asks of a socket, beyond a stream.
  connect(): this {
    this.#find().then(worker => this.#attach(worker), this.destroy.bind(this))
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

  #attach(worker: Worker): void {
    if (this.destroyed) return
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    port1.on('message', (bytes: Uint8Array) => {
      this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    })
    port1.once('close', this.#lose) // the thread has ended
    worker.postMessage(port2, [port2])
    this.emit('connect')
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#gathered.push(chunk)
    if (awaitsAnswer(chunk)) {
      const bytes = this.#gathered.length === 1 ? Uint8Array.from(chunk) : Buffer.concat(this.#gathered)
      this.#gathered = []
      this.#port?.postMessage(bytes)
    }
    done()
  }

  override _final(done: () => void): void {
    this.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#port?.off('close', this.#lose)
    this.#port?.close()
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
